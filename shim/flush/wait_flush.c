/* wait_flush.c -- the thread that is about to wait flushes */
/* SPDX-License-Identifier: MIT */
/*
 * The one routine that flushes on a thread of the program. Its order makes it safe:
 * 1. It blocks all signals: a handler that leaves by siglongjmp would leave a stream half written.
 *    By system call, because pthread_sigmask leaves out two signals of libc's own.
 * 2. Is this thread inside stdio, in a frame below us or in code that a signal handler interrupted?
 *    Then a buffer may be half changed and must not be touched.
 * 3. Is this the process that owns the state, and not a vfork child?
 * 4. Is the file still the one that the bytes are for? (stream_flush.c)
 * 5. It writes so that it cannot block and raises no SIGPIPE. (writable.c)
 * 6. The caller enters the wait and restores the signal mask in one step. Cancellation would take
 *    effect before that, and the cleanups of the program run with all signals blocked: so a program
 *    that cancels threads has its lines flushed by the flusher thread only.
 * Called from: host threads. Uses 512 bytes of stack at most: coroutines have little.
 */
#include "flush/wait_flush.h"

#include "base/fd_table.h"
#include "base/futex.h"
#include "base/handlers.h"
#include "base/thread.h"
#include "flush/all_sinks.h"
#include "flush/flusher_state.h"
#include "flush/lending.h"
#include "flush/pass.h"
#include "runtime/all_runtimes.h"

static bool has_passed(int64_t now, int64_t since, int64_t bound)
{
	return now - since >= bound || now < since; /* also if the clock ran backwards */
}

/* Are the pending bytes so old that even a call that does not block must flush? */
static bool is_overdue(int64_t now)
{
	int64_t armed = atomic_load_explicit(&flusher->armed_since_ns, memory_order_relaxed);

	return armed && flusher_rules.max_age_ns &&
	       has_passed(now, armed, flusher_rules.max_age_ns);
}

/* Would nobody else write the pending bytes, because there is no thread or a runtime holds them? */
static bool is_only_mine(void)
{
	return flusher_not_started() || (all_runtimes_pending() && !lending_can_begin());
}

/* Are passes at waits `idle` apart on average, with one more now? */
static bool keeps_average(int64_t now)
{
	int64_t next = atomic_load_explicit(&flusher->next_pass_ns, memory_order_relaxed);

	return next - now <= flusher_rules.idle_ns;
}

/*
 * A pass costs less than a wake-up of the flusher thread, which would look after the bytes instead.
 * So a wait that comes alone flushes. Of those that come in quick succession one in `idle` does, on
 * average: two passes may follow each other, because to answer one request may take two waits.
 */
static bool is_paced(int64_t now)
{
	int64_t last = atomic_load_explicit(&flusher->last_wait_ns, memory_order_relaxed);

	return now - last >= flusher_rules.idle_ns / 4 || keeps_average(now);
}

/* A wait has flushed, or left that to the flusher thread. */
static void note_wait(int64_t now)
{
	atomic_store_explicit(&flusher->last_wait_ns, now, memory_order_relaxed);
}

static void pace(int64_t now)
{
	int64_t idle = flusher_rules.idle_ns;
	int64_t next = atomic_load_explicit(&flusher->next_pass_ns, memory_order_relaxed);

	if (next < now)
		next = now;
	else if (next > now + idle)
		next = now + idle;
	atomic_store_explicit(&flusher->next_pass_ns, next + idle, memory_order_relaxed);
	atomic_store_explicit(&flusher->left_once, false, memory_order_relaxed);
	note_wait(now);
}

static bool is_due(int64_t now, bool blocks)
{
	if (thread_any_cancelled() || (all_runtimes_any() && all_runtimes_are_awaited()))
		return false;
	if (blocks && (is_only_mine() || is_paced(now)))
		return true;
	return is_overdue(now);
}

bool wait_flush_wants_probe(void)
{
	int64_t now;

	if (!is_only_mine() || !all_sinks_pending_here())
		return false;
	now = clock_now_ns();
	return !is_paced(now) && !is_overdue(now);
}

/*
 * Once libc locks its streams, the owner of a lock tells who is inside stdio. Before that, and for
 * a runtime's buffer, only the signal mask can tell: in a handler its own signal is blocked, unless
 * SA_NODEFER was set.
 */
static bool is_outside_stdio(uint64_t mask)
{
	if (all_runtimes_pending() && handlers_may_run(mask))
		return false;
	if (std_streams_lock_tells())
		return !std_streams_locked_by_caller() || !handlers_may_run(mask);
	return !handlers_may_run(mask);
}

/* Blocks every signal that can be blocked. */
static void block_all(uint64_t *mask)
{
	static const uint64_t all = ~UINT64_C(0);

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, mask, sizeof(all));
}

/*
 * At a high rate not every wait reads the clock: eight times in `idle` is enough. Calls come in
 * bursts, so the rate is measured over a window; at most as many waits are skipped as it counted.
 */
static void set_skip(int64_t now)
{
	int64_t passed = now - flusher->window_ns, window = flusher_rules.idle_ns / 8;
	int64_t skip;

	flusher->window_waits += flusher->skipped + 1;
	skip = flusher->window_waits;
	if (passed < 0 || passed >= window) {
		skip = passed > 0 ? window * skip / passed : 0;
		flusher->window_ns = now;
		flusher->window_waits = 0;
	}
	flusher->skipped = skip < FLUSHER_SKIP_MOST ? (uint32_t)skip : FLUSHER_SKIP_MOST;
	atomic_store_explicit(&flusher->skip, flusher->skipped, memory_order_relaxed);
}

/* Has the flusher thread make the pass in time; if there is none, notes since when it is due. */
static void arm(int64_t now)
{
	if (flusher_not_started())
		flusher_note_pending(now);
	else if (!flusher_is_armed())
		flusher_arm_at_wait();
}

/* Leaves the pending bytes to the flusher thread. */
static void leave(int64_t now)
{
	note_wait(now);
	if (!flusher_not_started())
		set_skip(now);
	arm(now);
}

/*
 * To ask the thread of a runtime is to wake it, even where it finds nothing. So it is asked once in
 * `idle` at most, and before a wait for work only after a response that came alone: in steady
 * traffic max-age decides, and the flusher thread asks less often.
 */
static bool asks_thread(enum wait_flush_wait wait, int64_t now)
{
	static _Atomic int64_t last_ns; /* the last wait that asked, or in traffic */
	int64_t before = atomic_load_explicit(&last_ns, memory_order_relaxed);
	bool lone = !before || has_passed(now, before, flusher_rules.idle_ns);

	if (wait == WAIT_FOR_WORK && (flusher_is_busy() || flusher_was_answered()))
		atomic_store_explicit(&last_ns, now, memory_order_relaxed);
	else if (wait != WAIT_FOR_EVENT || !lone)
		return false;
	if (!lone || !all_runtimes_flush_soon())
		return false;
	atomic_store_explicit(&last_ns, now, memory_order_relaxed);
	return true;
}

void wait_flush_by_thread(enum wait_flush_wait wait)
{
	if (asks_thread(wait, clock_now_ns())) {
		if (thread_is_alone() && !std_streams_pending() && !extra_streams_pending())
			flusher_passed_at_wait();
	} else if (!flusher_is_armed()) {
		flusher_arm_at_wait();
	}
}

enum wait_flush_due wait_flush_due(int64_t now)
{
	if (!is_due(now, true))
		return WAIT_FLUSH_LATER;
	return is_overdue(now) ? WAIT_FLUSH_NOW : WAIT_FLUSH_IF_BLOCKS;
}

void wait_flush_ask(void)
{
	int64_t now = clock_now_ns();

	if (!keeps_average(now) || !flusher_is_running() || !fd_table_is_used() ||
	    all_runtimes_pending() || flusher->owner != (pid_t)syscall(SYS_gettid)) {
		leave(now);
		return;
	}
	pace(now);
	flusher_ask_for_pass(now);
}

/* Lends first: once it is armed, the flusher thread looks. */
void wait_flush_leave(int64_t now)
{
	if (all_runtimes_any() && all_runtimes_pending())
		lending_begin();
	leave(now);
}

bool wait_flush_leave_once(void)
{
	int64_t now = clock_now_ns();

	if (atomic_load_explicit(&flusher->left_once, memory_order_relaxed) && is_paced(now))
		return false;
	atomic_store_explicit(&flusher->left_once, true, memory_order_relaxed);
	arm(now);
	return true;
}

static bool make_pass(uint64_t mask, int64_t now)
{
	int64_t armed = atomic_load_explicit(&flusher->armed_since_ns, memory_order_relaxed);
	enum sink_result result;

	/* Without locks, a stream is only safe from other threads where there are none. */
	if (flusher_rules.start == CONFIG_START_NEVER && !thread_is_alone())
		return false;
	if (thread_may_hide_stdio(mask) || !is_outside_stdio(mask) || !flusher_is_owner() ||
	    !flusher_owns_bytes())
		return false;
	result = pass_at_wait(now, armed, flusher_hold_ns());
	if (result < SINK_BUSY)
		pace(now);
	if (result > SINK_FLUSHED)
		return false;
	flusher_passed_at_wait();
	return true;
}

bool wait_flush(uint64_t *mask, bool blocks)
{
	int saved_errno = errno;
	int64_t now = clock_now_ns();

	if (!is_due(now, blocks)) {
		wait_flush_leave(now);
		errno = saved_errno;
		return false;
	}
	block_all(mask);
	if (!make_pass(*mask, now))
		wait_flush_leave(now);
	errno = saved_errno;
	return true;
}

void wait_flush_end(const uint64_t *mask)
{
	int saved_errno = errno;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, mask, NULL, sizeof(*mask));
	errno = saved_errno;
}

enum wait_flush_handlers wait_flush_handlers(void)
{
	if (!handlers_interrupting())
		return HANDLERS_RESTART;
	return handlers_restarting() ? HANDLERS_MIXED : HANDLERS_INTERRUPT;
}
