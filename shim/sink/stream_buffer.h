/* stream_buffer.h -- gives a C stream a larger buffer while it is in use */
/* SPDX-License-Identifier: MIT */
/*
 * libc's own buffer on a pipe has 4096 bytes (glibc) or 1024 (musl). A larger one saves system
 * calls in programs that print much at once, and cuts fewer lines of workers that share a pipe.
 * libc checks at the first output whether stdout is a terminal, and does not check if a buffer was
 * set. So one that was set before that is taken back before the program forks or replaces the
 * descriptor: what it prints on a terminal then is buffered by line, as ever. With musl it is only
 * set after the first flush, because what setvbuf() notes there cannot be undone.
 */
#ifndef IDLEFLUSH_STREAM_BUFFER_H
#define IDLEFLUSH_STREAM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct stream_buffer {
	size_t wanted;     /* bytes; 0: keep libc's own */
	size_t libcs;      /* the size of libc's own, once ours is in use */
	char *ours;        /* mapped once, never unmapped: the stream outlives us */
	const char *freed; /* libc's own, kept where a leak checker finds it */
};

/*
 * Gives the stream, which is a pipe or a socket, its buffer before its first output, if nobody has
 * set anything yet. False: it did not. The caller holds the lock.
 */
bool stream_buffer_begin(struct stream_buffer *buffer, FILE *file);

/* Is it in use, while the stream was not used at all yet? A hint without the lock. */
bool stream_buffer_is_unused(const struct stream_buffer *buffer, const FILE *file);

/* If so, leaves the stream as if it had never been. The caller holds the lock. */
void stream_buffer_take_back(struct stream_buffer *buffer, FILE *file);

/*
 * Replaces libc's own buffer by ours, if the stream is fully buffered and nothing is pending. The
 * caller holds the stream's lock; the file is a pipe or a socket. With musl the stream was flushed
 * at least once. Never uses the heap, because a signal handler may have interrupted malloc.
 */
void stream_buffer_enlarge(struct stream_buffer *buffer, FILE *file);

/*
 * Makes the stream flush itself as early as it would without us, for a process in which we flush no
 * longer; with glibc only if nothing is pending. The caller holds the lock, or is the only thread.
 */
void stream_buffer_shrink(struct stream_buffer *buffer, FILE *file);

#endif
