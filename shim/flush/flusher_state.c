/* flusher_state.c -- asleep or awake, armed or not: the state that wrappers and thread share */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: host threads and signal handlers (arm); the constructor; the atfork child handler.
 * Locks: none. No wake-up is lost: a thread that arms writes `armed_since_ns` and then reads
 * `wait_state`, and the flusher thread does it the other way round. With sequential consistency at
 * least one of them sees what the other wrote.
 */
#include "flush/flusher_state.h"

#include "base/futex.h"
#include "flush/pass.h"
#include "runtime/own_buffer.h"
#include "sink/sink.h"
#include "sink/wait_checks.h"

#define WAITS_TRUSTED 8 /* after this many passes at waits, each response is left to a wait */

static struct flusher asleep; /* what wrappers see before the constructor: all zero */
struct flusher *flusher = &asleep;
struct flusher_rules flusher_rules;
_Atomic uint32_t flusher_returns;

bool flusher_owns_bytes(void)
{
	return !flusher->inherited_pending || !std_streams_bytes();
}

int64_t flusher_hold_ns(void)
{
	if (flusher_not_started())
		return 0;
	return flusher_rules.max_age_ns ? flusher_rules.max_age_ns : flusher_rules.idle_ns;
}

void flusher_mode_changed(void)
{
	uint32_t mode;

	/* Asked afterwards, so that another thread's change meanwhile is not overlooked. */
	wait_checks_drop(WAIT_CHECK_FLUSHER);
	mode = atomic_load(&flusher->mode);
	if (mode != FLUSHER_RUNNING &&
	    (mode != FLUSHER_WANTED || flusher_rules.start != CONFIG_START_THREADS))
		wait_checks_add(WAIT_CHECK_FLUSHER);
}

void flusher_wake(void)
{
	atomic_store(&flusher->wait_state, WAIT_STATE_RUNNING);
	futex_wake(&flusher->wait_state);
}

bool flusher_waits_follow(void)
{
	return atomic_load_explicit(&flusher->waits_follow, memory_order_relaxed) >= WAITS_TRUSTED;
}

static bool is_parked(void)
{
	return atomic_load(&flusher->wait_state) == WAIT_STATE_PARKED;
}

static void arm(void)
{
	int64_t unarmed = 0;
	int saved_errno;

	if (LIKELY(flusher_is_armed()))
		return;
	saved_errno = errno;
	if (atomic_compare_exchange_strong(&flusher->armed_since_ns, &unarmed, clock_now_ns()) &&
	    is_parked() &&
	    atomic_exchange(&flusher->wait_state, WAIT_STATE_RUNNING) == WAIT_STATE_PARKED)
		futex_wake(&flusher->wait_state);
	errno = saved_errno;
}

/*
 * Most servers wait after each response, and that wait flushes; a wake-up of the thread for each
 * response would cost more than everything else here. As soon as the thread finds bytes that no
 * wait has flushed, it is woken for each response again.
 */
static bool is_left_to_wait(void)
{
	return flusher_waits_follow() &&
	       atomic_load_explicit(&flusher->wait_state, memory_order_relaxed) !=
		       WAIT_STATE_RUNNING;
}

void flusher_arm_at_wait(void)
{
	uint32_t active = atomic_load_explicit(&flusher->active, memory_order_relaxed);

	if (!active)
		atomic_store_explicit(&flusher->first_activity_ns, clock_now_ns(),
				      memory_order_relaxed);
	if (active < 2) /* so it is written twice a pass, not once a response */
		atomic_store_explicit(&flusher->active, active + 1, memory_order_release);
	arm();
}

void flusher_arm(void)
{
	atomic_store_explicit(&flusher->answered, 1, memory_order_relaxed);
	if (!is_left_to_wait())
		flusher_arm_at_wait();
}

void flusher_arm_in_flight(void)
{
	if (!is_left_to_wait())
		arm();
}

void flusher_note_pending(int64_t now_ns)
{
	int64_t unarmed = 0;

	atomic_compare_exchange_strong(&flusher->armed_since_ns, &unarmed, now_ns);
}

void flusher_ask_for_pass(int64_t now_ns)
{
	int saved_errno = errno;

	flusher_note_pending(now_ns);
	atomic_store(&flusher->asked, true);
	if (atomic_exchange(&flusher->wait_state, WAIT_STATE_RUNNING) != WAIT_STATE_RUNNING)
		futex_wake(&flusher->wait_state);
	errno = saved_errno;
}

void flusher_trust_waits(void)
{
	uint32_t follow = atomic_load_explicit(&flusher->waits_follow, memory_order_relaxed);

	if (follow < WAITS_TRUSTED)
		atomic_store_explicit(&flusher->waits_follow, follow + 1, memory_order_relaxed);
}

void flusher_passed_at_wait(void)
{
	flusher_trust_waits();
	atomic_store_explicit(&flusher->skip, 0, memory_order_relaxed);
	if (flusher_is_armed())
		atomic_store(&flusher->armed_since_ns, 0);
}

static bool ends_stretch(void)
{
	const uint32_t bits = RETURN_ENDS_STRETCH | RETURN_IS_NOTED;

	return atomic_fetch_and(&flusher_returns, ~bits) & RETURN_ENDS_STRETCH;
}

void flusher_wait_returned_slow_path(void)
{
	uint32_t returns = atomic_load_explicit(&flusher_returns, memory_order_relaxed);
	int saved_errno = errno;

	if (returns & RETURN_TAKES_BACK)
		own_buffer_take_back();
	if (returns & (RETURN_ENDS_STRETCH | RETURN_IS_NOTED) && ends_stretch() && is_parked())
		flusher_wake();
	errno = saved_errno;
}

/* Time begins as if waits had just made two passes: the next is due `idle` later. */
static void begin(struct flusher *page)
{
	int64_t now = clock_ns_by_call(CLOCK_MONOTONIC); /* a short program needs no other time */

	pass_reset(now);
	page->next_pass_ns = now + 2 * flusher_rules.idle_ns;
	page->last_wait_ns = now + flusher_rules.idle_ns;
	page->owner = platform_pid();
	atomic_store(&page->mode, FLUSHER_WANTED);
}

int flusher_state_init(const struct config *config)
{
	struct flusher *page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -ENOMEM;
	/* Kernels before 4.14 refuse this; then only fork(3)'s handlers detect a child. */
	syscall(SYS_madvise, page, sizeof(*page), MADV_WIPEONFORK);
	flusher_rules = (struct flusher_rules){
		.idle_ns = config->idle_ns,
		.max_age_ns = config->max_age_ns,
		.heartbeat_ns = config->heartbeat_ns,
		.start = config->start,
	};
	begin(page);
	flusher = page;
	flusher_mode_changed();
	return 0;
}

void flusher_state_begin_in_child(bool inherited_pending)
{
	memset(flusher, 0, sizeof(*flusher)); /* where the kernel did not wipe it */
	flusher->inherited_pending = inherited_pending;
	atomic_store(&flusher_returns, 0);
	begin(flusher);
	flusher_mode_changed();
}
