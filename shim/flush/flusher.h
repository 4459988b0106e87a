/* flusher.h -- the thread that flushes: start, arm, stop */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSHER_H
#define IDLEFLUSH_FLUSHER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/platform.h"
#include "shared/config.h"
#include "shared/introspect.h"

/* The border between wrappers and flusher: read here, written in flusher.c only. */
struct flusher {
	_Atomic uint32_t mode; /* enum flusher_mode */
	_Atomic uint32_t
		wait_state; /* enum flusher_wait_state; the futex on which the thread sleeps */
	_Atomic int64_t armed_since_ns; /* first activity since the last flush; 0: not armed */
	_Atomic uint32_t active; /* activities since the thread last looked: none, one, more */
	_Atomic int64_t first_activity_ns; /* when the first of them was */
};

/* Never NULL. Wiped by the kernel in a forked child, raw clone(2) included: there it is asleep. */
HIDDEN extern struct flusher *flusher;

/* Is the library awake in this process? One load; any context. */
static inline bool flusher_awake(void)
{
	return atomic_load_explicit(&flusher->mode, memory_order_relaxed) != FLUSHER_ASLEEP;
}

/*
 * Wakes the library up in this process. Returns 0 or a negative errno, then we stay asleep.
 * Constructor only; sinks must be ready.
 */
int flusher_init(const struct config *config);

/*
 * Starts the thread unless it runs; a failure puts us to sleep for good. Called by the constructor
 * or by a wrapper at a sign of a server, where the host is not inside stdio. pthread_create may
 * allocate: hosts that serve from signal handlers of a freshly forked child are on their own.
 */
void flusher_start_wanted(void);

/* The same behind one load, for the wrappers. */
static inline void flusher_start(void)
{
	if (atomic_load_explicit(&flusher->mode, memory_order_relaxed) == FLUSHER_WANTED)
		flusher_start_wanted();
}

/* A response was completed: arms a flush `idle` from now. Async-signal-safe; errno may change. */
void flusher_arm(void);

/*
 * A part of a response was sent, which is in flight: arms, so that max-age counts from here, but is
 * no activity. Async-signal-safe; errno may change.
 */
void flusher_arm_in_flight(void);

/*
 * The next three: any thread or signal handler; in a vfork child they do nothing; errno may change.
 *
 * Asks the thread to flush everything now, and does not wait.
 */
void flusher_ask(void);

/*
 * Flushes everything now and waits for it, `bound_ns` at most. `ends`: the process ends with this,
 * so that streams are written past locks that are not released (SINK_FORCE). Where there is no
 * thread, the caller does it: then it must not be inside stdio itself unless `ends` is true (see
 * all_sinks_held_by_caller). False: not done yet; the thread goes on trying for 150 ms.
 */
bool flusher_flush_now(bool ends, int64_t bound_ns);

/*
 * The same by the thread, without passing a lock; then it calls `then`, which ends the process.
 * Does not wait. Only where flusher_has_thread.
 */
void flusher_flush_then(void (*then)(void));

/* Is there a thread to ask? False in a vfork child. Any context. */
bool flusher_has_thread(void);

/*
 * Stops the thread after a last flush and goes to sleep. Waits for its end, 500 ms at most; then
 * the thread is left to the end of the process. Destructor only, which exit(3) in a signal handler
 * may run. In a vfork child it does nothing.
 */
void flusher_stop(void);

/*
 * Ends the thread, as flusher_stop, and waits until nobody counts it any more: the caller is about
 * to change what the kernel keeps for each thread. True: it did, flusher_resume lets the thread
 * come again at the next sign of a server. Host threads, not in a signal handler.
 */
bool flusher_suspend(void);
void flusher_resume(void);

/*
 * Begins anew in a forked child, without a thread: most children only exec, so it is started at
 * the first sign of a server. `awake`: whether the parent was; `inherited_pending`: whether bytes
 * of the parent's may be pending, which then only the thread brings out. Atfork child handler only.
 */
void flusher_begin_in_child(bool awake, bool inherited_pending);

/* Is this the process that owns the state, not a vfork child in its memory? One system call. */
bool flusher_is_owner(void);

#endif
