/* flusher.c -- the thread that flushes: start, arm, stop */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: `state`, one page that the kernel wipes in a forked child.
 * Called from: our thread; host threads and signal handlers (arm, flush_now); atfork handlers.
 * Locks: none; fork_gate keeps forks out of a flush. Arming and falling asleep: each side writes
 * its own word (`armed_since_ns`, `wait_state`), then looks at the other's: in a single order, so
 * that at least one sees the other.
 * Detached: a stop waits for the thread's last word instead of pthread_join, whose locks the thread
 * that a signal handler's exit(3) interrupted may hold.
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
	WAIT_STATE_RUNNING, /* running, or about to look: no wake is needed */
	WAIT_STATE_TIMED,   /* a timed wait that only a request ends */
	WAIT_STATE_PARKED,  /* nothing is armed: activity must wake it */
};

struct state {
	struct flusher shared;
	_Alignas(64) _Atomic bool started; /* the thread was, or is about to be */
	bool inherited_pending; /* in a forked child: bytes of its parent's may be pending */
	pid_t owner;
	pid_t tid;       /* the thread's; written by it */
	int64_t last_ns; /* last activity, as the thread saw it */
};

static struct state asleep; /* what wrappers see before init: zero */
static struct state *state = &asleep;
struct flusher *flusher = &asleep.shared;
STATUS_BEHIND(STATUS_OWNER, state, struct state, owner);
STATUS_BEHIND(STATUS_ACTIVITY, state, struct state, last_ns);
static struct quiet_rules rules; /* written by flusher_init, constant afterwards */

/* --- arming: wrappers --------------------------------------------------------------------- */

static void arm(void)
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
	if (active < 2) /* twice each time the thread looks, not once a response */
		atomic_store_explicit(&flusher->active, active + 1, memory_order_release);
	arm();
}

void flusher_arm_in_flight(void)
{
	arm();
}

/* --- the thread --------------------------------------------------------------------------- */

/* Before a look, not after: what comes while we flush arms the next one. */
static int64_t disarm(void)
{
	return atomic_exchange(&flusher->armed_since_ns, 0);
}

/* While the process is busy the thread wakes by itself this often: activity then pays neither for a
 * wake nor for the clock, which only the first response after a pass reads. */
static int64_t timed_wait_max_ns(void)
{
	int64_t most = rules.idle_ns / 4 > TIMED_WAIT_MIN ? rules.idle_ns / 4 : TIMED_WAIT_MIN;
	int64_t bound = rules.max_age_ns ? rules.max_age_ns : INT64_MAX;
	int64_t soonest = bound < rules.idle_ns ? bound : rules.idle_ns;

	return most < soonest ? most : soonest; /* what arms meanwhile is due no sooner */
}

/* Sleeps until a flush is due, a request is made or, where nothing is armed, activity. */
static void sleep_until_due(int64_t wait_ns, bool busy)
{
	uint32_t wait_state = busy ? WAIT_STATE_TIMED : WAIT_STATE_PARKED;
	int64_t most = timed_wait_max_ns();

	if (busy && wait_ns > most + most / 8) /* a remainder is not worth a wake of its own */
		wait_ns = most;
	atomic_store(&flusher->wait_state, wait_state);
	if (!flush_request_is_made() && (busy || !atomic_load(&flusher->armed_since_ns)))
		futex_wait(&flusher->wait_state, wait_state, wait_ns);
	atomic_store(&flusher->wait_state, WAIT_STATE_RUNNING);
}

/* True when a stop was asked for. */
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

/* Of several since the last look, the last may have been just now. */
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

/* Without signals: a guard in between would wait for a thread that it keeps from starting. */
void flusher_start_wanted(void)
{
	uint32_t wanted = FLUSHER_WANTED;
	sigset_t all, saved_mask;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved_mask);
	if (flusher_is_owner() && /* a vfork child's thread would end with it, but count as ours */
	    atomic_compare_exchange_strong(&flusher->mode, &wanted, FLUSHER_STARTING)) {
		bool started;

		atomic_store(&state->started, true);
		started = !thread_start(run, 256 * 1024);
		atomic_store(&state->started, started);
		wanted = FLUSHER_STARTING; /* unless it was stopped meanwhile */
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
		return; /* it is stuck, and ends as soon as it can */
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
	/* Old kernels refuse (before 4.14): then only fork(3)'s handlers tell a child. */
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
