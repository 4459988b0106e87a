/* writable.h -- which file a descriptor is, and writes to it that cannot block */
/* SPDX-License-Identifier: MIT */
/*
 * All of these: any thread, any context in which nothing else of ours writes to the same file; a
 * few system calls, none of which blocks or is a cancellation point; errno may change.
 */
#ifndef IDLEFLUSH_WRITABLE_H
#define IDLEFLUSH_WRITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a file is for somebody who must not block. */
enum writable_kind {
	WRITABLE_NEVER,  /* nothing to gain or nothing safe: closed, a terminal or another character
			    device, a socket whose every message is one send */
	WRITABLE_PIPE,   /* a pipe or a FIFO */
	WRITABLE_SOCKET, /* a stream socket */
	WRITABLE_DISK,   /* any other file: it may block, so only the flusher thread writes there */
};

/* A file as it was found behind a descriptor. */
struct writable {
	uint64_t device, inode;
	uint8_t kind;     /* enum writable_kind */
	uint8_t fallback; /* enum writable_fallback of writable.c; 0 until the kernel refused */
};

/*
 * How much of a pipe must be free where the kernel knows no write that cannot block: between the
 * look and the write another process may fill it.
 */
enum writable_margin {
	WRITABLE_HALF,    /* a thread of the program's: half of it */
	WRITABLE_RESERVE, /* the flusher thread: some pages */
	WRITABLE_ALL,     /* the last chance before a fork or the end: none */
};

/* Finds out which file is behind `fd`. */
void writable_identify(struct writable *file, int fd);

/* Is it still the same file? One system call. */
bool writable_is_behind(const struct writable *file, int fd);

/*
 * Writes of the `n` > 0 bytes at `text` as many as go out without blocking, in whole lines as far
 * as they are at most PIPE_BUF long, so that several processes that share a pipe never cut each
 * other's: the kernel takes so much as a whole or not at all (pipe(7)). A longer line goes out in
 * pieces. Raises no SIGPIPE on a caller that has it blocked. Returns how many were written; 0:
 * there is no room now; or a negative errno: -EPIPE, the reader is gone, or whatever the file says.
 */
ssize_t writable_write(struct writable *file, int fd, const char *text, size_t n,
		       enum writable_margin margin);

/* What writable_room() says of a file that takes nothing, or that nobody reads any more. */
#define WRITABLE_GONE SIZE_MAX

/*
 * Bytes that write(2) takes without blocking, as far as one can know without taking part; 0: it is
 * full; or WRITABLE_GONE. For streams that only their libc can flush, all at once.
 */
size_t writable_room(const struct writable *file, int fd, enum writable_margin margin);

/*
 * The same for a writer that holds an unknown amount, mostly less than `ample`: that much, or all
 * that a smaller pipe holds, or else 0; or WRITABLE_GONE. `last`: with no margin.
 */
size_t writable_for_unknown(int fd, size_t ample, bool last);

#endif
