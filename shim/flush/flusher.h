/* flusher.h -- the flusher thread: start, ask, stop */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSHER_H
#define IDLEFLUSH_FLUSHER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "flush/flusher_state.h"

/*
 * Wakes the library up in this process. Returns 0 or a negative errno, then we stay asleep.
 * Constructor only; sinks must be ready.
 */
int flusher_init(const struct config *config);

/*
 * Starts the thread unless it runs. If that fails, the library sleeps for good. Called by the
 * constructor, or by a wrapper when the program shows that it serves, where the calling thread is
 * not inside stdio. pthread_create may allocate: programs that serve requests from signal handlers
 * of a freshly forked child are on their own. errno is kept.
 */
void flusher_start_wanted(void);

/* The function of that thread (flusher_thread.c). Returns once it is stopped or is the last one. */
void *flusher_thread_run(void *unused);

/* flusher_start_wanted for the wrappers: costs one load unless the thread has to be started. */
static inline void flusher_start(void)
{
	if (atomic_load_explicit(&flusher->mode, memory_order_relaxed) == FLUSHER_WANTED)
		flusher_start_wanted();
}

/*
 * Asks the thread to flush everything now, and does not wait. This and the next two: any thread or
 * signal handler; in a vfork child they do nothing; errno may change.
 */
void flusher_ask(void);

/*
 * Flushes everything now and waits until that is done, `bound_ns` at most. `ends`: the process ends
 * afterwards, so streams are written even if a lock is not released (SINK_FORCE). If there is no
 * thread, the caller flushes; it must not be inside stdio then, unless `ends` is true (see
 * all_sinks_held_by_caller). False: not done yet; the thread goes on trying for 150 ms.
 */
bool flusher_flush_now(bool ends, int64_t bound_ns);

/*
 * Has the thread flush everything, without writing past a lock, and then call `then`, which ends
 * the process. Does not wait. Only where flusher_has_thread() is true.
 */
void flusher_flush_then(void (*then)(void));

/*
 * The main thread may end before others do: ours must share its descriptor table from now on,
 * because libc ends a process with its last thread, which may be ours, and flushes on it. errno may
 * change.
 */
void flusher_share_table(void);

/*
 * The same for a main thread that ends now. Nobody tells when the last of the others has ended, and
 * ours keeps the process alive: from now on it looks every 64 ms.
 */
void flusher_main_thread_ends(void);

/* Is there a thread to ask? False in a vfork child. Any context. */
bool flusher_has_thread(void);

/*
 * Has the thread flush once more and end; the library sleeps from then on. Waits 500 ms at most for
 * the thread to end, also if another caller has asked for it. Any thread or signal handler; in a
 * vfork child it does nothing.
 */
void flusher_stop(void);

/* Only waits, if it has been asked: the caller has libc flush, which takes no locks at exit. */
void flusher_await_stopped(void);

/*
 * The same as flusher_stop for our destructor, which exit(3) in a signal handler may run. No thread
 * of ours starts after that. False: the library was asleep.
 */
bool flusher_end(void);

/*
 * The process ends after our destructor has run, and before libc's last flush: the calling thread
 * crashed, or called _exit. Writes what the destructors of libraries have printed, if that thread
 * runs them. Not if a signal may have interrupted libc's flush, which takes no locks.
 */
void flusher_flush_after_end(void);

/*
 * Ends the thread as flusher_stop does, and waits until kernel and libc no longer count it: the
 * caller is about to change something that the kernel keeps for each thread. True: it ended, and
 * flusher_resume allows it to start again when the program next shows that it serves. Host threads,
 * not in a signal handler.
 */
bool flusher_suspend(void);
void flusher_resume(void);

/*
 * Starts afresh in a forked child, without a thread: most children only exec, so the thread is
 * started when the child shows that it serves. Only where the parent was awake.
 * `inherited_pending`: whether the child's buffers may hold bytes of the parent; then only the
 * thread flushes them. Atfork child handler only.
 */
void flusher_begin_in_child(bool inherited_pending);

#endif
