/* flusher.c -- the flusher thread: start, arm, stop */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: `state`, one page that the kernel wipes in a forked child.
 * Called from: our thread; host threads and signal handlers (arm, flush_now); atfork handlers.
 * Locks: none; fork_gate keeps forks out of a flush.
 * No wake-up is lost: a wrapper writes `armed_since_ns` and then reads `wait_state`, the thread the
 * other way round, sequentially consistent, so at least one sees what the other wrote.
 * The thread is detached: pthread_join takes locks that the thread in whose signal handler exit(3)
 * runs may hold. A stop waits for flush_request_end instead.
 * Never: a wait without a bound, the host's signal handlers on our thread.
 */
#include "flush/flusher.h"

#include "base/decision.h"
#include "base/futex.h"
#include "base/platform.h"
#include "base/thread.h"
#include "conn/conn.h"
#include "flush/all_sinks.h"
#include "flush/flush_request.h"
#include "flush/pass.h"
#include "flush/quiet.h"
#include "runtime/python/python.h"
#include "shared/introspect.h"

#define STOP_BOUND     (500 * NS_PER_MS)
#define EXIT_BOUND     (50 * NS_PER_MS)  /* how long the flush at exit tries: libc has its own */
#define DEATH_BOUND    (150 * NS_PER_MS) /* how long last words try */
#define TIMED_WAIT_MIN (5 * NS_PER_MS)

enum flusher_wait_state {
	WAIT_STATE_RUNNING, /* running, or about to: it needs no wake-up */
	WAIT_STATE_TIMED,   /* in a timed wait, which only a request ends early */
	WAIT_STATE_PARKED,  /* nothing is armed: activity must wake it */
};

struct state {
	struct flusher shared;
	_Alignas(64) _Atomic bool started; /* the thread was started, or is about to be */
	bool inherited_pending; /* in a forked child: bytes of its parent may be pending */
	pid_t owner;
	pid_t tid;       /* of the thread, which writes it */
	int64_t last_ns; /* last activity that the thread has seen */
};

static struct state asleep; /* what wrappers see before flusher_init: all zero */
static struct state *state = &asleep;
struct flusher *flusher = &asleep.shared;
STATUS_BEHIND(STATUS_OWNER, state, struct state, owner);
STATUS_BEHIND(STATUS_ACTIVITY, state, struct state, last_ns);
static struct quiet_rules rules; /* written by flusher_init, constant afterwards */

/* --- arming: wrappers --------------------------------------------------------------------- */

void flusher_arm_in_flight(void)
{
	int64_t unarmed = 0;

	if (LIKELY(atomic_load_explicit(&flusher->armed_since_ns, memory_order_relaxed)) ||
	    !atomic_compare_exchange_strong(&flusher->armed_since_ns, &unarmed, clock_now_ns()))
		return;
	if (atomic_load(&flusher->wait_state) == WAIT_STATE_PARKED &&
	    atomic_exchange(&flusher->wait_state, WAIT_STATE_RUNNING) == WAIT_STATE_PARKED)
		futex_wake(&flusher->wait_state);
}

void flusher_arm(void)
{
	uint32_t active = atomic_load_explicit(&flusher->active, memory_order_relaxed);

	if (!active)
		atomic_store_explicit(&flusher->first_activity_ns, clock_now_ns(),
				      memory_order_relaxed);
	if (active < 2) /* so it is written twice a pass, not once a response */
		atomic_store_explicit(&flusher->active, active + 1, memory_order_release);
	flusher_arm_in_flight();
}

/* --- the thread --------------------------------------------------------------------------- */

/* To be called before a pass, not after it: activity during the pass arms the next one. */
static int64_t disarm(void)
{
	return atomic_exchange(&flusher->armed_since_ns, 0);
}

/*
 * While the process is busy the thread wakes up by itself, this often. Activity then costs no wake
 * and no look at the clock; only the first response after a pass reads that.
 */
static int64_t timed_wait_max_ns(void)
{
	int64_t most = rules.idle_ns / 4 > TIMED_WAIT_MIN ? rules.idle_ns / 4 : TIMED_WAIT_MIN;
	int64_t bound = rules.max_age_ns ? rules.max_age_ns : INT64_MAX;
	int64_t soonest = bound < rules.idle_ns ? bound : rules.idle_ns;

	return most < soonest ? most : soonest; /* nothing armed meanwhile is due earlier */
}

/* Sleeps until a flush is due, a request is made or, where nothing is armed, there is activity. */
static void sleep_until_due(int64_t wait_ns, bool busy)
{
	uint32_t wait_state = busy ? WAIT_STATE_TIMED : WAIT_STATE_PARKED;
	int64_t most = timed_wait_max_ns();

	if (busy && wait_ns > most + most / 8) /* a short remainder is not worth a second wait */
		wait_ns = most;
	atomic_store(&flusher->wait_state, wait_state);
	if (!flush_request_is_made() && (busy || !atomic_load(&flusher->armed_since_ns)))
		futex_wait(&flusher->wait_state, wait_state, wait_ns);
	atomic_store(&flusher->wait_state, WAIT_STATE_RUNNING);
}

/* True if the thread was asked to stop. */
static bool serve_requests(void)
{
	uint32_t requests, ticket;
	bool dying;

	if (!flush_request_is_made())
		return false;
	requests = flush_request_take(&ticket);
	dying = requests & FLUSH_REQUEST_END;
	pass_until_empty(disarm(),
			 !dying && requests & FLUSH_REQUEST_STOP ? EXIT_BOUND : DEATH_BOUND, dying);
	if (!(requests & ~FLUSH_REQUEST_FLUSH))
		python_take_back(NULL); /* the process goes on */
	flush_request_answer(requests, ticket);
	return requests & FLUSH_REQUEST_STOP;
}

/* If there were several activities since the last pass, the latest may have been just now. */
static void note_activity(int64_t now)
{
	uint32_t active = atomic_exchange_explicit(&flusher->active, 0, memory_order_acquire);

	if (active)
		state->last_ns = active == 1 ? atomic_load(&flusher->first_activity_ns) : now;
}

static void *run(void *unused)
{
	syscall(SYS_prctl, PR_SET_NAME, "idleflush");
	state->tid = (pid_t)syscall(SYS_gettid);
	python_start();
	while (!serve_requests()) {
		int64_t now = clock_now_ns();
		int64_t first = atomic_load(&flusher->armed_since_ns);
		struct quiet_state seen = {.armed_since_ns = first,
					   .last_pass_ns = pass_last_ns(),
					   .retry_ns = pass_retry_ns()};
		int64_t wait;

		note_activity(now);
		seen.last_ns = state->last_ns;
		/* Asked where the answer counts only: it walks the connections. */
		seen.in_flight =
			first && now - seen.last_ns >= rules.idle_ns && conn_any_in_flight();
		wait = quiet_wait_ns(&rules, &seen, now);
		if (wait)
			sleep_until_due(wait, first || state->last_ns + rules.idle_ns > now);
		else if (!first && python_end_if_alone())
			break;
		else
			pass_run(SINK_WHOLE_LINES, disarm(),
				 rules.max_age_ns ? rules.max_age_ns : rules.idle_ns);
	}
	flush_request_end();
	return unused;
}

/* --- start and stop ----------------------------------------------------------------------- */

/* Signals blocked: a handler of ours, in the middle of this, would wait for a thread not started.
 */
void flusher_start_wanted(void)
{
	uint32_t wanted = FLUSHER_WANTED;
	sigset_t all, saved_mask;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved_mask);
	if (flusher_is_owner() && /* a vfork child's thread would end with that child */
	    atomic_compare_exchange_strong(&flusher->mode, &wanted, FLUSHER_STARTING)) {
		bool started;

		atomic_store(&state->started, true);
		started = !thread_start(run, 256 * 1024);
		atomic_store(&state->started, started);
		wanted = FLUSHER_STARTING; /* it may have been stopped meanwhile */
		atomic_compare_exchange_strong(&flusher->mode, &wanted,
					       started ? FLUSHER_RUNNING : FLUSHER_ASLEEP);
		if (!started)
			decision_set("the thread cannot start: asleep");
	}
	pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
}

static uint32_t ask(enum flush_request what)
{
	uint32_t ticket = flush_request_make(what);

	atomic_store(&flusher->wait_state, WAIT_STATE_RUNNING);
	futex_wake(&flusher->wait_state);
	return ticket;
}

bool flusher_has_thread(void)
{
	return atomic_load(&state->started) && flusher_is_owner() && !flush_request_has_ended();
}

void flusher_ask(void)
{
	if (flusher_has_thread())
		ask(FLUSH_REQUEST_FLUSH);
}

bool flusher_flush_now(bool ends, int64_t bound_ns)
{
	if (flusher_has_thread())
		return flush_request_await(ask(ends ? FLUSH_REQUEST_END : FLUSH_REQUEST_FLUSH),
					   bound_ns);
	return !flusher_awake() || !flusher_is_owner() || state->inherited_pending ||
	       all_sinks_flush_by_caller(ends, bound_ns);
}

void flusher_flush_then(void (*then)(void))
{
	flush_request_set_then(then);
	ask(FLUSH_REQUEST_THEN);
}

void flusher_stop(void)
{
	if (!flusher_awake() || !flusher_is_owner() ||
	    atomic_exchange(&flusher->mode, FLUSHER_ASLEEP) == FLUSHER_WANTED)
		return;
	ask(FLUSH_REQUEST_STOP);
	flush_request_await_end(STOP_BOUND);
}

bool flusher_suspend(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_stop();
	thread_await_end(state->tid);
	return true;
}

void flusher_resume(void)
{
	if (!flush_request_has_ended())
		return; /* it is stuck in a flush, and ends as soon as it can */
	atomic_store(&state->started, false);
	flush_request_begin_again();
	atomic_store(&flusher->mode, FLUSHER_WANTED);
}

bool flusher_is_owner(void)
{
	return state->owner == getpid();
}

int flusher_init(const struct config *config)
{
	struct state *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	/* Kernels before 4.14 refuse this; then only fork(3)'s handlers detect a child. */
	madvise(page, sizeof(*page), MADV_WIPEONFORK);
	rules.idle_ns = config->idle_ns;
	rules.max_age_ns = config->max_age_ns;
	rules.heartbeat_ns = config->heartbeat_ns;
	pass_reset(clock_now_ns());
	page->owner = getpid();
	atomic_store(&page->shared.mode, FLUSHER_WANTED);
	state = page;
	flusher = &page->shared;
	return 0;
}

void flusher_begin_in_child(bool awake, bool inherited_pending)
{
	if (state == &asleep)
		return;
	memset(state, 0, sizeof(*state)); /* where the kernel did not wipe it */
	pass_reset(clock_now_ns());
	flush_request_reset();
	state->inherited_pending = inherited_pending;
	state->owner = getpid();
	atomic_store(&flusher->mode, awake ? FLUSHER_WANTED : FLUSHER_ASLEEP);
}
