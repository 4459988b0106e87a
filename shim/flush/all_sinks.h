/* all_sinks.h -- all that can be flushed, as one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ALL_SINKS_H
#define IDLEFLUSH_ALL_SINKS_H

#include <stdbool.h>

#include "sink/sink.h"

/*
 * May something be pending? Exact for C streams, else "may": nobody can look into Python without
 * its lock. Any context.
 */
bool all_sinks_may_hold(void);

/*
 * The same for a thread that is about to wait: false also where it is for Python's sake alone and
 * looks there have been in vain lately. Any context.
 */
bool all_sinks_want_pass(void);

/*
 * Flushes everything as far as that cannot block; Python's streams are flushed a little later by
 * the thread that waits for its lock. The flusher thread only.
 */
enum sink_result all_sinks_flush(struct flush_params *params);

/* The C streams only, of which a forked child inherits a copy. Atfork prepare handler only. */
enum sink_result all_sinks_flush_streams(struct flush_params *params);

/*
 * The C streams as far as that works within `bound_ns`, where there is no flusher to ask. `ends`:
 * the process ends with this. False: something is left. Who is about to end the process or to
 * exec; not from a handler that interrupted stdio, unless the streams are abandoned.
 */
bool all_sinks_flush_by_caller(bool ends, int64_t bound_ns);

/*
 * Has the calling thread itself what a flush needs: a stream's lock (it is inside printf below
 * us), Python's lock, the way out of a fork? Then a flush has to wait until it goes on. Signal
 * handlers, and who is about to wait for a flush.
 */
enum all_sinks_held {
	ALL_SINKS_FREE,
	ALL_SINKS_HELD,
	ALL_SINKS_UNKNOWN, /* this libc does not tell whose lock it is, or Python does not */
};
enum all_sinks_held all_sinks_held_by_caller(void);

/*
 * The calling thread never goes on: its stdout and stderr may be written past the locks that it
 * has, and nobody waits for its Python. Any context but a vfork child.
 */
void all_sinks_abandon(void);

/*
 * Begins anew in a forked child. `drop`: what the C streams hold is the parent's. Atfork child
 * handler only.
 */
void all_sinks_begin_in_child(bool drop);

/* `n` > 0 bytes were written to `fd` by a call that we see. Any context. */
void all_sinks_wrote(int fd, size_t n);

/* fd 1 or 2 was replaced: what was given up is looked at anew. Any context. */
void all_sinks_file_changed(void);

#endif
