/* wait_flush.h -- the thread that is about to wait flushes */
/* SPDX-License-Identifier: MIT */
/*
 * A program's own wait is the best moment for a flush: the thread has nothing else to do, no other
 * thread has to be woken, and the buffers are consistent.
 *
 *	uint64_t mask;
 *
 *	if (!wait_flush(&mask, blocks))
 *		return next.poll(fds, n, timeout);
 *	ready = next.ppoll(fds, n, limit, (const sigset_t *)&mask);
 *	wait_flush_end(&mask);
 *
 * If wait_flush() returns true, every signal is blocked, and the call that waits must unblock them
 * as it begins to wait. A handler that ran between the flush and the wait would be missed: whoever
 * reads the line may answer with a signal, and the program would sleep on.
 */
#ifndef IDLEFLUSH_WAIT_FLUSH_H
#define IDLEFLUSH_WAIT_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The calling thread is about to wait. Makes a pass if one is due: no wait with pending bytes came
 * within the last quarter of `idle`, or passes are `idle` apart on average, or nobody else would
 * write the bytes, or they are older than max-age. Otherwise the flusher thread will make it in
 * time. `blocks`: the call may block; if not, only max-age counts. True: all signals are blocked
 * now, and *mask is the mask before, in the kernel's form. Any thread or signal handler; errno is
 * kept.
 */
bool wait_flush(uint64_t *mask, bool blocks);

enum wait_flush_wait {
	WAIT_NOT,       /* the call does not block */
	WAIT_FOR_WORK,  /* such as a request */
	WAIT_FOR_EVENT, /* the time, a child */
};

/* The same where only a thread of ours can flush what may be pending. errno is kept. */
void wait_flush_by_thread(enum wait_flush_wait wait);

/* Restores the signal mask. errno is kept. */
void wait_flush_end(const uint64_t *mask);

/*
 * Without a flusher thread, and if no pass is due, the wait flushes only if the call would really
 * block. Should the caller find that out first, by making the call with a timeout of 0? Any
 * context.
 */
bool wait_flush_wants_probe(void);

/*
 * Calls such as read(2) cannot unblock signals as they begin to wait. A flush before them is safe
 * only if no handler of the program can end them. What the program's handlers do:
 */
enum wait_flush_handlers {
	HANDLERS_RESTART,   /* there is none, or each restarts the call that it interrupts */
	HANDLERS_INTERRUPT, /* none restarts the call that it interrupts */
	HANDLERS_MIXED,
};
enum wait_flush_handlers wait_flush_handlers(void);

/* Would wait_flush() make a pass now? Any context. */
enum wait_flush_due {
	WAIT_FLUSH_LATER,
	WAIT_FLUSH_IF_BLOCKS, /* if the call may block */
	WAIT_FLUSH_NOW,       /* in any case: the bytes are older than max-age */
};
enum wait_flush_due wait_flush_due(int64_t now);

/*
 * What wait_flush() does if no pass is due: leaves the bytes to the flusher thread, until
 * flusher_wait_returned(). Any context.
 */
void wait_flush_leave(int64_t now);

/*
 * A pass is due, but the calling thread cannot make it, as it cannot unblock signals as it begins
 * to wait. Asks the flusher thread to do so then, if that can tell, or leaves the bytes to it. Any
 * context; errno may change.
 */
void wait_flush_ask(void);

/*
 * A pass is due, but the call will not block. Leaves it to the wait that most likely follows, and
 * returns true. False if one was left already, and the passes keep their distance. Any context.
 */
bool wait_flush_leave_once(void);

#endif
