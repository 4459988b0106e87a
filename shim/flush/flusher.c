/* flusher.c -- the flusher thread: start, ask, stop */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: host threads and signal handlers; the constructor, the destructor; atfork handlers.
 * The thread is detached: exit(3) may be called in a signal handler, and pthread_join takes locks
 * that the interrupted code may hold. A stop waits for flush_request_end instead.
 */
#include "flush/flusher.h"

#include "base/decision.h"
#include "base/fd_table.h"
#include "base/futex.h"
#include "base/handlers.h"
#include "base/thread.h"
#include "flush/all_sinks.h"
#include "flush/flush_request.h"
#include "flush/fork_gate.h"

#define STOP_BOUND (500 * NS_PER_MS)

/*
 * Was it stopped since it was found to be wanted? One of the two sees what the other has written:
 * whoever stops it writes the mode first and then asks whether the thread has ended.
 */
static bool is_stopped(void)
{
	return atomic_load(&flusher->mode) != FLUSHER_STARTING || atomic_load(&flusher->exiting);
}

/* Signals are blocked, because a handler of ours would wait in vain for a thread half started. */
void flusher_start_wanted(void)
{
	uint32_t wanted = FLUSHER_WANTED;
	sigset_t all, saved_mask;
	int saved_errno;

	if (flusher_rules.start == CONFIG_START_NEVER || flusher->cannot_start ||
	    (flusher_rules.start == CONFIG_START_THREADS && thread_is_alone()))
		return;
	saved_errno = errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved_mask);
	if (!handlers_any_blocked(
		    saved_mask.__val[0]) && /* a handler may have interrupted malloc */
	    !thread_may_hide_stdio(saved_mask.__val[0]) &&
	    flusher_is_owner() && /* a vfork child's thread would end with that child */
	    atomic_compare_exchange_strong(&flusher->mode, &wanted, FLUSHER_STARTING)) {
		bool stopped, started;

		flush_request_begin_again();
		atomic_store(&flusher->started, true);
		stopped = is_stopped();
		started = !stopped && !thread_start(flusher_thread_run, 256 * 1024);
		if (!started) {
			atomic_store(&flusher->started, false);
			flush_request_end();
		}
		/* After unshare(CLONE_NEWPID) no thread can be made: then waits and ends flush. */
		flusher->cannot_start = !started && !stopped && flusher->tid;
		wanted = FLUSHER_STARTING; /* unless it was stopped, or has ended, meanwhile */
		atomic_compare_exchange_strong(&flusher->mode, &wanted,
					       started                 ? FLUSHER_RUNNING
					       : flusher->cannot_start ? FLUSHER_WANTED
								       : FLUSHER_ASLEEP);
		flusher_mode_changed();
		if (!started && !stopped && !flusher->cannot_start)
			decision_set("the thread cannot start: asleep");
		if (flusher_is_running() && !flusher->inherited_pending)
			std_streams_begin_buffer();
	}
	pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
	errno = saved_errno;
}

static uint32_t ask(enum flush_request what)
{
	uint32_t ticket = flush_request_make(what);

	flusher_wake();
	return ticket;
}

bool flusher_has_thread(void)
{
	return atomic_load(&flusher->started) && !flush_request_has_ended() && flusher_is_owner();
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
	return !flusher_awake() || flusher_rules.start == CONFIG_START_NEVER ||
	       !flusher_is_owner() || flusher->inherited_pending ||
	       all_sinks_flush_by_caller(ends, bound_ns);
}

void flusher_flush_then(void (*then)(void))
{
	flush_request_set_then(then);
	ask(FLUSH_REQUEST_THEN);
}

void flusher_await_stopped(void)
{
	uint32_t seen = flush_request_ends();

	if (flusher_awake() || !flusher_has_thread())
		return;
	flush_request_await_end(seen, STOP_BOUND);
	fork_gate_await_empty(STOP_BOUND);
}

void flusher_stop(void)
{
	uint32_t mode, seen;

	if (!flusher_awake() || !flusher_is_owner()) {
		flusher_await_stopped();
		return;
	}
	mode = atomic_exchange(&flusher->mode, FLUSHER_ASLEEP);
	seen = flush_request_ends();
	flusher_mode_changed();
	if (mode != FLUSHER_WANTED) {
		ask(FLUSH_REQUEST_STOP);
		flush_request_await_end(seen, STOP_BOUND);
	}
	/* libc's flush at exit takes no locks: no thread may be in a pass at a wait of its own. */
	fork_gate_shut(STOP_BOUND);
	std_streams_take_back_buffer();
}

static int exiting_tid; /* the thread that runs the destructors; 0: none does yet */

bool flusher_end(void)
{
	bool awake;

	atomic_store(&flusher->exiting, true);
	awake = flusher_awake() || flusher_has_thread(); /* or another thread is stopping it */
	flusher_stop();
	if (awake)
		exiting_tid = (int)syscall(SYS_gettid);
	return awake;
}

void flusher_flush_after_end(void)
{
	if (exiting_tid && exiting_tid == (int)syscall(SYS_gettid) && flusher_is_owner() &&
	    !handlers_may_be_running())
		all_sinks_flush_by_caller(true, 0);
}

bool flusher_suspend(void)
{
	if (!flusher_has_thread())
		return false;
	flusher_stop();
	thread_await_end(flusher->tid);
	return true;
}

void flusher_resume(void)
{
	if (atomic_load(&flusher->started) && !flush_request_has_ended()) {
		decision_set("a flush is stuck: asleep"); /* its thread ends as soon as it can */
		return;
	}
	atomic_store(&flusher->started, false);
	fork_gate_open();
	atomic_store(&flusher->mode, FLUSHER_WANTED);
	if (atomic_load(&flusher->exiting)) /* another thread is in our destructor, or past it */
		atomic_store(&flusher->mode, FLUSHER_ASLEEP);
	flusher_mode_changed();
}

void flusher_share_table(void)
{
	atomic_thread_fence(memory_order_seq_cst); /* see leave_table() in flusher_thread.c */
	if (fd_table_is_used()) {
		fd_table_need();
		if (flusher_suspend())
			flusher_resume();
		else /* it is ending by itself */
			thread_await_end(flusher->tid);
	}
	if (fd_table_is_needed())
		flusher_start();
}

void flusher_main_thread_ends(void)
{
	flusher_share_table();
	atomic_store(&flusher->main_ends, true);
	flusher_ask();
}

int flusher_init(const struct config *config)
{
	return flusher_state_init(config);
}

void flusher_begin_in_child(bool inherited_pending)
{
	flush_request_reset();
	fd_table_reset();
	thread_begin_in_child();
	flusher_state_begin_in_child(inherited_pending);
}
