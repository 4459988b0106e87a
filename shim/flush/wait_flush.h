/* wait_flush.h -- the thread that is about to wait flushes */
/* SPDX-License-Identifier: MIT */
/*
 * A program's own wait is the best moment for a flush: the thread has nothing else to do, needs no
 * wake-up of another one, and its buffers are consistent.
 *
 *	uint64_t mask;
 *
 *	if (!wait_flush(&mask, blocks))
 *		return next.poll(fds, n, timeout);
 *	ready = next.ppoll(fds, n, limit, (const sigset_t *)&mask);
 *	wait_flush_end(&mask);
 *
 * Where wait_flush() returns true every signal is blocked, and the call that waits must let them in
 * again in one step: a handler that ran between the flush and the wait would go unseen. Whoever
 * reads the line may answer it with a signal, and the program would sleep on.
 */
#ifndef IDLEFLUSH_WAIT_FLUSH_H
#define IDLEFLUSH_WAIT_FLUSH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The calling thread is about to wait. Makes a pass if one is due: the last one is at least `idle`
 * ago, or what is pending is older than max-age, or there is no flusher thread. Else has the
 * flusher thread look in time. `blocks`: the call may block at all. True: all signals are blocked,
 * and *mask is what was blocked before, as the kernel has it. Any thread or signal handler; errno
 * is kept.
 */
bool wait_flush(uint64_t *mask, bool blocks);

/* Restores the signal mask. errno is kept. */
void wait_flush_end(const uint64_t *mask);

/*
 * Where there is no flusher thread and no pass is due, a line comes out only if the call really
 * blocks: is that worth asking it without a timeout first? Any context.
 */
bool wait_flush_wants_probe(void);

/*
 * For calls that know no such step, as read(2): a flush before them is right only if no handler of
 * the program's can end them. How the program's handlers are:
 */
enum wait_flush_handlers {
	HANDLERS_RESTART,   /* none is set, or each restarts what it interrupts */
	HANDLERS_INTERRUPT, /* none restarts what it interrupts */
	HANDLERS_MIXED,
};
enum wait_flush_handlers wait_flush_handlers(void);

/* Would wait_flush() make a pass now? And the other case of it. A look at the clock; any context.
 */
bool wait_flush_is_due(void);
void wait_flush_leave(void);

#endif
