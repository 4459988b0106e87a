/* last_words.c -- the flush before a process ends or execs */
/* SPDX-License-Identifier: MIT */
/* Called from: host threads and signal handlers about to end the process, vfork children. */
#include "exit/last_words.h"

#include "base/decision.h"
#include "base/futex.h"
#include "base/handlers.h"
#include "base/thread.h"
#include "exit/fatal_signal.h"
#include "flush/all_sinks.h"
#include "flush/flusher.h"
#include "flush/stats.h"
#include "runtime/python/python.h"

#define BOUND (250 * NS_PER_MS)

static bool begun; /* written by the constructor: there is a libc, and we were awake in it */

void last_words_init(uint64_t signals)
{
	begun = true;
	fatal_signal_init(signals);
	platform_at_quick_exit(last_words_before_end);
}

void last_words_before_end(void)
{
	void *let_go;
	int saved_errno;

	if (!begun)
		return;
	saved_errno = errno;
	/* In the middle of exit(3) there may be a thread still. */
	if (!flusher_awake() && !flusher_has_thread()) {
		flusher_flush_after_end();
	} else if (flusher_is_owner()) {
		let_go = flusher_has_thread() ? python_let_go() : NULL;
		fatal_signal_await();
		all_sinks_abandon(handlers_may_be_running());
		if (all_sinks_may_hold())
			flusher_flush_now(true, BOUND);
		python_take_back(let_go);
		stats_print();
	}
	errno = saved_errno;
}

/*
 * The process may go on. If the calling thread itself has locked a stream, it flushes, unless it
 * was interrupted inside stdio.
 */
static void flush_and_go_on(void)
{
	void *let_go;
	int saved_errno;

	if (!flusher_awake())
		return;
	saved_errno = errno;
	if (flusher_is_owner()) {
		let_go = flusher_has_thread() ? python_let_go() : NULL;
		fatal_signal_await();
		if (all_sinks_may_hold()) {
			if (all_sinks_held_by_caller() != ALL_SINKS_HELD)
				flusher_flush_now(false, BOUND);
			else if (!handlers_may_be_running())
				all_sinks_flush_by_caller(false, BOUND);
		}
		python_take_back(let_go);
	}
	errno = saved_errno;
}

/* Another thread may be about to exit, too, or be ending our thread for another reason. */
void last_words_before_exit(void)
{
	int saved_errno = errno;

	flush_and_go_on();
	flusher_await_stopped();
	errno = saved_errno;
}

void last_words_before_exec(void)
{
	flush_and_go_on();
}

void last_words_of_main_thread(void)
{
	if (!flusher_awake() || !flusher_is_owner() || syscall(SYS_gettid) != platform_pid())
		return;
	if (flusher_rules.heartbeat_ns && thread_count() > 1U + flusher_has_thread()) {
		flusher_main_thread_ends(); /* the others may be libc's own, as of SIGEV_THREAD */
		return;
	}
	if (!flusher_suspend())
		flusher_stop(); /* no thread: falls asleep */
	decision_set("the main thread has ended: asleep");
}
