/* extra_streams.h -- C streams other than stdout and stderr that are kept fresh */
/* SPDX-License-Identifier: MIT */
/*
 * They are those that the program opens for writing on the same file as stdout or stderr, or on a
 * file that IDLEFLUSH_FILES names. At most STATUS_EXTRA_STREAMS at a time; further ones are left
 * alone, which --debug and --check --pid say.
 */
#ifndef IDLEFLUSH_EXTRA_STREAMS_H
#define IDLEFLUSH_EXTRA_STREAMS_H

#include <stdbool.h>
#include <stdio.h>

#include "sink/sink.h"

/* Takes the globs, comma-separated, or NULL. Constructor only; they must last. */
void extra_streams_init(const char *globs);

/*
 * `file` was opened with `mode`; `path` is what the program passed, or NULL. Watches it if it is to
 * be kept fresh. Any thread that may call fopen(3); not in a vfork child; errno may change.
 */
void extra_streams_opened(FILE *file, const char *path, const char *mode);

/*
 * `file` is about to be closed: afterwards nobody here touches it. Waits for a flush or a read of
 * this stream that has begun, which takes microseconds, and for 100 ms at most: a thread that
 * takes longer holds the stream's lock, and libc's fclose waits for that lock as well. Any thread;
 * errno may change.
 */
void extra_streams_closing(const FILE *file);

/* Is any stream watched? One load; any context. */
bool extra_streams_any(void);

/* Does any hold bytes that a flush could write? A hint, read without locks; any context. */
bool extra_streams_pending(void);

/* The same for those that a thread which is about to wait may flush; see stream_pending_here(). */
bool extra_streams_pending_here(void);

/* stream_flush for each; the flusher, an atfork prepare handler. */
enum sink_result extra_streams_flush(struct flush_params *params);

/*
 * In a forked child no flush is under way. `drop`: the bytes in the streams belong to the parent.
 * Atfork child handler only.
 */
void extra_streams_begin_in_child(bool drop);

#endif
