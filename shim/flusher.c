/* flusher.c -- the thread that flushes: start, arm, stop */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: `state`, one page that the kernel wipes in a forked child.
 * Called from: our thread; host threads and signal handlers (arm, flush_now); atfork handlers.
 * Locks: none; the gate keeps forks out of a flush. Arming and falling asleep: each side writes its
 * own word (`first_ns`, `pose`), then looks at the other's: one at least sees, in a single order.
 * The thread is detached, and a stop waits for its last word instead of pthread_join: exit may be
 * called from a signal handler, and pthread_join takes locks that the thread below may hold.
 * Never: a wait without a bound, the host's signal handlers on our thread.
 */
#include "flusher.h"

#include "conn.h"
#include "futex.h"
#include "look.h"
#include "platform.h"
#include "quiet.h"
#include "request.h"
#include "sink_python.h"
#include "sinks.h"
#include "status.h"
#include "thread.h"

#define STOP_BOUND  (500 * NS_PER_MS)
#define EXIT_BOUND  (50 * NS_PER_MS)  /* how long the flush at exit tries: libc has its own */
#define DEATH_BOUND (150 * NS_PER_MS) /* how long last words try */
#define DOZE_LEAST  (5 * NS_PER_MS)

enum flusher_pose {
	POSE_UP,     /* running, or about to look: no wake is needed */
	POSE_DOZING, /* a timed wait that only a request ends */
	POSE_SLEEP,  /* nothing is armed: activity must wake it */
};

struct state {
	struct flusher shared;
	_Alignas(64) _Atomic bool started; /* the thread was, or is about to be */
	bool left_over; /* in a forked child: bytes of its parent's may be pending */
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

	if (LIKELY(atomic_load_explicit(&flusher->first_ns, memory_order_relaxed)) ||
	    !atomic_compare_exchange_strong(&flusher->first_ns, &unarmed, clock_now_ns()))
		return;
	if (atomic_load(&flusher->pose) == POSE_SLEEP &&
	    atomic_exchange(&flusher->pose, POSE_UP) == POSE_SLEEP)
		futex_wake(&flusher->pose);
}

void flusher_arm(void)
{
	uint32_t active = atomic_load_explicit(&flusher->active, memory_order_relaxed);

	if (!active)
		atomic_store_explicit(&flusher->once_ns, clock_now_ns(), memory_order_relaxed);
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
	return atomic_exchange(&flusher->first_ns, 0);
}

/* How long to doze at most while the process is busy, that is, armed or less than `idle` past the
 * last activity. So long it looks by itself, and activity pays for no wake, nor for the clock: only
 * the first response after a look reads it (the coarse one lags by up to 6 ms). */
static int64_t doze_most_ns(void)
{
	int64_t most = rules.idle_ns / 4 > DOZE_LEAST ? rules.idle_ns / 4 : DOZE_LEAST;
	int64_t bound = rules.max_age_ns ? rules.max_age_ns : INT64_MAX;
	int64_t soonest = bound < rules.idle_ns ? bound : rules.idle_ns;

	return most < soonest ? most : soonest; /* what arms meanwhile is due no sooner */
}

/* Sleeps until a flush is due, a request is made or, where nothing is armed, activity. */
static void rest(int64_t wait_ns, bool busy)
{
	uint32_t pose = busy ? POSE_DOZING : POSE_SLEEP;
	int64_t most = doze_most_ns();

	if (busy && wait_ns > most + most / 8) /* a remainder is not worth a wake of its own */
		wait_ns = most;
	atomic_store(&flusher->pose, pose);
	if (!request_is_made() && (busy || !atomic_load(&flusher->first_ns)))
		futex_wait(&flusher->pose, pose, wait_ns);
	atomic_store(&flusher->pose, POSE_UP);
}

/* True when a stop was asked for. */
static bool serve_requests(void)
{
	uint32_t requests, ticket;
	bool dying;

	if (!request_is_made())
		return false;
	requests = request_take(&ticket);
	dying = requests & REQUEST_END;
	look_for_the_last_time(disarm(),
			       !dying && requests & REQUEST_STOP ? EXIT_BOUND : DEATH_BOUND, dying);
	if (!(requests & ~REQUEST_FLUSH))
		sink_python_take_back(NULL); /* the process goes on */
	request_answer(requests, ticket);
	return requests & REQUEST_STOP;
}

/* Of several since the last look, the last may have been just now. */
static void note_activity(int64_t now)
{
	uint32_t active = atomic_exchange_explicit(&flusher->active, 0, memory_order_acquire);

	if (active)
		state->last_ns = active == 1 ? atomic_load(&flusher->once_ns) : now;
}

/* Asked only where the answer counts: it walks the connections. */
static bool is_in_flight(int64_t first, int64_t now)
{
	return first && now - state->last_ns >= rules.idle_ns && conn_any_in_flight();
}

static void *run(void *unused)
{
	syscall(SYS_prctl, PR_SET_NAME, "idleflush");
	state->tid = (pid_t)syscall(SYS_gettid);
	sink_python_start();
	while (!serve_requests()) {
		int64_t now = clock_now_ns();
		int64_t first = atomic_load(&flusher->first_ns);
		int64_t wait;

		note_activity(now);
		wait = quiet_wait_ns(&rules,
				     &(struct quiet_state){.first_ns = first,
							   .last_ns = state->last_ns,
							   .looked_ns = look_last_ns(),
							   .retry_ns = look_retry_ns(),
							   .in_flight = is_in_flight(first, now)},
				     now);
		if (wait)
			rest(wait, first || state->last_ns + rules.idle_ns > now);
		else if (!first && sink_python_end_if_alone())
			break;
		else
			look_at_sinks(SINK_KEEP_LINES, disarm(),
				      rules.max_age_ns ? rules.max_age_ns : rules.idle_ns);
	}
	request_end();
	return unused;
}

/* --- start and stop ----------------------------------------------------------------------- */

/* Without signals: a guard in between would wait for a thread that it keeps from starting. */
void flusher_start_wanted(void)
{
	uint32_t wanted = FLUSHER_WANTED;
	sigset_t all, kept;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
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
			status_set("the thread cannot start: asleep");
	}
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
}

static uint32_t ask(enum request what)
{
	uint32_t ticket = request_make(what);

	atomic_store(&flusher->pose, POSE_UP);
	futex_wake(&flusher->pose);
	return ticket;
}

bool flusher_has_thread(void)
{
	return atomic_load(&state->started) && flusher_is_owner() && !request_has_ended();
}

void flusher_ask(void)
{
	if (flusher_has_thread())
		ask(REQUEST_FLUSH);
}

bool flusher_flush_now(bool ends, int64_t bound_ns)
{
	if (flusher_has_thread())
		return request_await(ask(ends ? REQUEST_END : REQUEST_FLUSH), bound_ns);
	return !flusher_awake() || !flusher_is_owner() || state->left_over ||
	       sinks_flush_by_caller(ends, bound_ns);
}

void flusher_flush_then(void (*then)(void))
{
	request_set_then(then);
	ask(REQUEST_THEN);
}

void flusher_stop(void)
{
	if (!flusher_awake() || !flusher_is_owner() ||
	    atomic_exchange(&flusher->mode, FLUSHER_ASLEEP) == FLUSHER_WANTED)
		return;
	ask(REQUEST_STOP);
	request_await_end(STOP_BOUND);
}

bool flusher_step_aside(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_stop();
	thread_await_end(state->tid);
	return true;
}

void flusher_step_back(void)
{
	if (!request_has_ended())
		return; /* it is stuck, and ends as soon as it can */
	atomic_store(&state->started, false);
	request_begin_again();
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
	look_reset(clock_now_ns());
	page->owner = getpid();
	atomic_store(&page->shared.mode, FLUSHER_WANTED);
	state = page;
	flusher = &page->shared;
	return 0;
}

void flusher_begin_in_child(bool awake, bool left_over)
{
	if (state == &asleep)
		return;
	memset(state, 0, sizeof(*state)); /* where the kernel did not wipe it */
	look_reset(clock_now_ns());
	request_reset();
	state->left_over = left_over;
	state->owner = getpid();
	atomic_store(&flusher->mode, awake ? FLUSHER_WANTED : FLUSHER_ASLEEP);
}
