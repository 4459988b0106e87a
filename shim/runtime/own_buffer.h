/* own_buffer.h -- a runtime's buffer for stdout, written by the thread that owns it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_OWN_BUFFER_H
#define IDLEFLUSH_OWN_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "sink/sink.h"

/* Is stdout a pipe or a stream socket, as far as we know? One load; any context. */
bool own_buffer_may_write(void);

/*
 * File descriptor 1 was replaced: pending bytes are for the new file. Or it is about to be closed;
 * `lost`: bytes are pending, and must not go to whatever file has the number next. Any context.
 */
void own_buffer_file_replaced(void);
void own_buffer_file_closed(bool lost);

/*
 * Writes as many of the `n` > 0 bytes at `text` as stdout takes without blocking, and moves the
 * rest to the front. An unfinished line is written, too, because nobody would write it later.
 * Returns the number of bytes written; `*result` is what flush_at_wait of runtime.h returns. At a
 * wait.
 */
size_t own_buffer_write(char *text, size_t n, struct flush_params *params,
			enum sink_result *result);

/*
 * Near waits that have just flushed, the owner does not do so again, but lends its buffer to the
 * flusher thread for the time of its wait. Nothing of the program may run on the owner's thread
 * until that takes the buffer back: it must have no signal handlers, and be no vfork child.
 */
void own_buffer_lend(void);

/* Any thread. */
bool own_buffer_is_lent(void);

/* The wait has returned. Waits for a flush that is under way, if the caller has lent the buffer. */
void own_buffer_take_back(void);

/* May the flusher thread flush? Then it must give the buffer back. */
bool own_buffer_borrow(void);
void own_buffer_give_back(void);

#endif
