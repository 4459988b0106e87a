/* flusher.c -- the thread that flushes: start, arm, stop; fork brackets */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: `state`, one page that the kernel wipes in a forked child.
 * Called from: our thread; host threads and signal handlers (arm, flush_now); atfork handlers.
 * Locks: none; the gate keeps forks out of a flush. Arming and falling asleep: each side writes its
 * own word (`first_ns`, `pose`) and then looks at the other's, so at least one sees the other;
 * that takes sequential consistency.
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
#include "sink_python.h"
#include "status.h"
#include "thread.h"

#define STOP_BOUND  (500 * NS_PER_MS)
#define EXIT_BOUND  (50 * NS_PER_MS)  /* how long the flush at exit tries: libc has its own */
#define DEATH_BOUND (200 * NS_PER_MS) /* how long last words try */
#define GASP_AFTER  (20 * NS_PER_MS)  /* so long a lock that is only in use is free again */
#define RETRY_STEP  (NS_PER_MS / 4)
#define DOZE_LEAST  (5 * NS_PER_MS)

enum flusher_pose {
	POSE_UP,     /* running, or about to look: no wake is needed */
	POSE_DOZING, /* a timed wait that only a request ends */
	POSE_SLEEP,  /* nothing is armed: activity must wake it */
};

/* What others ask of the thread; bits of `requests`. */
enum request {
	REQUEST_FLUSH = 1, /* flush all now */
	REQUEST_GASP = 2,  /* the process ends with this flush, and a lock may never be released */
	REQUEST_STOP = 4,  /* flush and end */
};

struct state {
	struct flusher shared;
	_Alignas(64) _Atomic uint32_t requests; /* enum request bits */
	_Atomic uint32_t answers;               /* futex: counts the requests that were served */
	_Atomic uint32_t ended;                 /* futex: the thread has left our code */
	void (*_Atomic then)(void);             /* called by the thread after its next answer */
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

static void look(enum sink_mode mode)
{
	/* Disarmed before, not after: what comes while we flush arms the next one. */
	int64_t first = atomic_exchange(&flusher->first_ns, 0);

	look_at_sinks(mode, first, rules.max_age_ns ? rules.max_age_ns : rules.idle_ns);
}

/* The last flush before an end: comes again and again until nothing is put off any more. */
static void look_for_the_last_time(uint32_t requests)
{
	bool dying = !(requests & REQUEST_STOP);
	int64_t now = clock_now_ns();
	int64_t gasp = requests & REQUEST_GASP ? now + GASP_AFTER : INT64_MAX;
	int64_t end = now + (dying ? DEATH_BOUND : EXIT_BOUND);

	for (look(SINK_ALL); look_was_put_off() && now < end; now = clock_now_ns()) {
		futex_wait(&state->ended, 0, RETRY_STEP);
		look(now < gasp ? SINK_ALL : SINK_GASP);
	}
}

/* How long to doze at most while the process is busy, that is, armed or less than `idle` past the
 * last activity: so long it looks by itself, and activity pays for no wake. This is also the
 * resolution of the activity time under load: only the first response after a look reads the clock
 * (the coarse one would be cheap enough for each, but lags by up to 6 ms on a tickless kernel). */
static int64_t doze_most_ns(void)
{
	return rules.idle_ns / 4 > DOZE_LEAST ? rules.idle_ns / 4 : DOZE_LEAST;
}

/* Sleeps until a flush is due, a request is made or, where nothing is armed, activity. */
static void rest(int64_t wait_ns, bool busy)
{
	uint32_t pose = busy ? POSE_DOZING : POSE_SLEEP;

	if (busy && wait_ns > doze_most_ns())
		wait_ns = doze_most_ns();
	atomic_store(&flusher->pose, pose);
	if (!atomic_load(&state->requests) && (busy || !atomic_load(&flusher->first_ns)))
		futex_wait(&flusher->pose, pose, wait_ns);
	atomic_store(&flusher->pose, POSE_UP);
}

/* True when a stop was asked for. */
static bool serve_requests(void)
{
	uint32_t requests = atomic_exchange(&state->requests, 0);
	void (*then)(void);

	if (!requests)
		return false;
	look_for_the_last_time(requests);
	atomic_fetch_add(&state->answers, 1);
	futex_wake(&state->answers);
	then = atomic_exchange(&state->then, NULL);
	if (then)
		then();
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
			look(SINK_KEEP_LINES);
	}
	atomic_store(&state->ended, 1);
	futex_wake(&state->ended);
	return unused;
}

/* --- start and stop ----------------------------------------------------------------------- */

void flusher_start_wanted(void)
{
	uint32_t wanted = FLUSHER_WANTED;

	if (!atomic_compare_exchange_strong(&flusher->mode, &wanted, FLUSHER_STARTING))
		return;
	if (thread_start(run, 256 * 1024)) {
		atomic_store(&flusher->mode, FLUSHER_ASLEEP);
		status_set("the thread cannot start: asleep");
		return;
	}
	atomic_store(&flusher->mode, FLUSHER_RUNNING);
}

static void make_request(enum request what)
{
	atomic_fetch_or(&state->requests, what);
	atomic_store(&flusher->pose, POSE_UP);
	futex_wake(&flusher->pose);
}

static bool is_mine_and_running(void)
{
	return atomic_load(&flusher->mode) == FLUSHER_RUNNING && flusher_is_owner();
}

bool flusher_flush_now(bool gasp, int64_t bound_ns)
{
	uint32_t answers = atomic_load(&state->answers);

	if (!is_mine_and_running())
		return true;
	make_request(gasp ? REQUEST_GASP : REQUEST_FLUSH);
	return futex_wait_change(&state->answers, answers, bound_ns);
}

void flusher_then(void (*then)(void))
{
	atomic_store(&state->then, then);
	make_request(REQUEST_FLUSH); /* the thread may have answered already */
}

void flusher_stop(void)
{
	if (!flusher_awake() || !flusher_is_owner() ||
	    atomic_exchange(&flusher->mode, FLUSHER_ASLEEP) != FLUSHER_RUNNING)
		return;
	make_request(REQUEST_STOP);
	futex_wait_change(&state->ended, 0, STOP_BOUND);
}

bool flusher_step_aside(void)
{
	if (!is_mine_and_running())
		return false;
	flusher_stop();
	thread_await_end(state->tid);
	return true;
}

void flusher_step_back(void)
{
	if (atomic_exchange(&state->ended, 0)) /* else it is stuck, and ends as soon as it can */
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

void flusher_begin_in_child(bool awake)
{
	if (state == &asleep)
		return;
	memset(state, 0, sizeof(*state)); /* where the kernel did not wipe it */
	look_reset(clock_now_ns());
	state->owner = getpid();
	atomic_store(&flusher->mode, awake ? FLUSHER_WANTED : FLUSHER_ASLEEP);
}
