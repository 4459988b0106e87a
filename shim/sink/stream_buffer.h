/* stream_buffer.h -- a larger buffer for a C stream, put in while it is used */
/* SPDX-License-Identifier: MIT */
/*
 * libc's own buffer on a pipe is 4096 bytes (glibc) or 1024 (musl). A larger one saves system calls
 * where much is printed at once. It is not put in before main: libc looks at the first output
 * whether stdout is a terminal, and takes a buffer that was set for a reason not to.
 */
#ifndef IDLEFLUSH_STREAM_BUFFER_H
#define IDLEFLUSH_STREAM_BUFFER_H

#include <stddef.h>
#include <stdio.h>

struct stream_buffer {
	size_t wanted;     /* bytes; 0: libc's own stays */
	size_t libcs;      /* the size of libc's own, once ours is in */
	char *ours;        /* mapped once, never unmapped: the stream outlives us */
	const char *freed; /* libc's, kept where a leak checker finds it */
};

/*
 * Puts ours in, if libc uses its own, fully, and nothing is pending. The caller holds the stream's
 * lock, and has flushed it at least once; the file is a pipe or a socket. Never allocates from the
 * heap: what a signal handler interrupted may be malloc.
 */
void stream_buffer_enlarge(struct stream_buffer *buffer, FILE *file);

/*
 * Has the stream flush itself where it would without us: for a process in which nobody of ours
 * flushes any more. Where something is pending it does so afterwards. The caller holds the lock, or
 * is alone.
 */
void stream_buffer_shrink(struct stream_buffer *buffer, FILE *file);

#endif
