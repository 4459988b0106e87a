/* all_sinks.h -- every sink of the process, treated as one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ALL_SINKS_H
#define IDLEFLUSH_ALL_SINKS_H

#include <stdbool.h>

#include "sink/extra_streams.h"
#include "sink/sink.h"

/*
 * May bytes be pending? Exact for C streams; for Python only a guess, because its buffers cannot be
 * read without the GIL. Any context.
 */
bool all_sinks_may_hold(void);

/*
 * The same for a thread that is about to wait. Also false if only Python may hold bytes and the
 * latest passes found none there. Any context.
 */
bool all_sinks_want_pass(void);

/*
 * Flushes everything that can be flushed without blocking. Python's streams are flushed a little
 * later, by the thread that waits for the GIL. The flusher thread only.
 */
enum sink_result all_sinks_flush(struct flush_params *params);

/* Are there pending bytes that the calling thread itself may flush? A few loads; any context. */
bool all_sinks_pending_here(void);

/* Flushes the C streams, of which a forked child inherits a copy. Atfork prepare handler only. */
enum sink_result all_sinks_flush_streams(struct flush_params *params);

/*
 * Flushes the C streams on the calling thread, because there is no flusher thread to ask, and tries
 * for `bound_ns` at most. `ends`: the process ends afterwards. False: bytes are still pending. For
 * a thread that is about to end the process or to exec; not in a signal handler that interrupted
 * stdio, unless the streams are abandoned.
 */
bool all_sinks_flush_by_caller(bool ends, int64_t bound_ns);

/*
 * Does the calling thread itself hold what a flush needs: a stream's lock (a signal handler
 * interrupted printf), the GIL, or the fork gate? Then no flush can finish until this thread
 * continues. For signal handlers, and for a thread that is about to wait for a flush.
 */
enum all_sinks_held {
	ALL_SINKS_FREE,
	ALL_SINKS_HELD,
	ALL_SINKS_UNKNOWN, /* this libc, or Python, does not tell who holds the lock */
};
enum all_sinks_held all_sinks_held_by_caller(void);

/*
 * The calling thread will not run again: stdout and stderr may be written although it holds their
 * locks, and a flush does not wait for Python if it holds the GIL. `interrupted`: a signal may have
 * interrupted it inside putc(3), which takes no lock while there is one thread. Any context but a
 * vfork child.
 */
void all_sinks_abandon(bool interrupted);

/*
 * Starts afresh in a forked child. `drop`: the bytes in the C streams belong to the parent, which
 * prints them itself. Atfork child handler only.
 */
void all_sinks_begin_in_child(bool drop);

/* An interposed call wrote `n` > 0 bytes to `fd`. Any context. */
void all_sinks_wrote(int fd, size_t n);

/*
 * Descriptors from `first` to `last` are about to be closed; or `fd` was replaced, and the bytes
 * pending in stdout or stderr go to the new file, as with libc's own flush. Any context.
 */
void all_sinks_descriptor_closed(unsigned int first, unsigned int last);
void all_sinks_descriptor_replaced(int fd);

#endif
