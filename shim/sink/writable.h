/* writable.h -- which file a descriptor refers to, and writes to it that cannot block */
/* SPDX-License-Identifier: MIT */
/*
 * All of these: any thread and any context, but one of our threads at a time for each file. They
 * make a few system calls, none of which blocks or is a cancellation point. errno may change.
 */
#ifndef IDLEFLUSH_WRITABLE_H
#define IDLEFLUSH_WRITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Kinds of files, by how to write to them without blocking. */
enum writable_kind {
	WRITABLE_NEVER,  /* pointless or unsafe: closed, a character device, a message socket */
	WRITABLE_PIPE,   /* a pipe or a FIFO */
	WRITABLE_SOCKET, /* a stream socket */
	WRITABLE_DISK,   /* any other file: a write may block, so only the flusher thread writes */
};

/* The file that a descriptor referred to when it was identified. */
struct writable {
	uint64_t device, inode;
	uint8_t kind;      /* enum writable_kind */
	uint8_t fallback;  /* enum writable_fallback of writable.c; 0 until the kernel refused */
	struct stat found; /* here because a thread that is about to wait may have little stack */
};

/*
 * How much of a pipe must stay free if the kernel supports no write that cannot block: another
 * process may fill it between the check and the write.
 */
enum writable_margin {
	WRITABLE_HALF,    /* half of it: a thread of the program writes, with all signals blocked */
	WRITABLE_RESERVE, /* some pages: the flusher thread writes */
	WRITABLE_ALL,     /* nothing: the last chance before a fork or the end */
};

/* Finds out which file `fd` refers to. */
void writable_identify(struct writable *file, int fd);

/* Does `fd` still refer to that file? One system call. */
bool writable_is_behind(struct writable *file, int fd);

/*
 * Writes as many of the `n` > 0 bytes at `text` as it can without blocking. Lines of at most
 * PIPE_BUF bytes are written whole, so that processes that share a pipe never cut each other's
 * lines: the kernel takes that much as a whole or not at all (pipe(7)). A longer line is written in
 * pieces. Raises no SIGPIPE. Returns the number of bytes written, 0 if there is no room now, or a
 * negative errno: -EPIPE if the reader has left, or whatever the file reports.
 */
ssize_t writable_write(struct writable *file, int fd, const char *text, size_t n,
		       enum writable_margin margin);

/* The file takes no bytes, or its reader has left. */
#define WRITABLE_GONE SIZE_MAX

/*
 * How many bytes write(2) would take without blocking, as far as that can be known beforehand; 0 if
 * it is full; or WRITABLE_GONE. For streams that only libc can flush, all at once.
 */
size_t writable_room(const struct writable *file, int fd, enum writable_margin margin);

/*
 * The same for a writer of an unknown number of bytes, mostly fewer than `ample`: returns the room
 * if it is at least `ample` or the pipe is empty, else 0; or WRITABLE_GONE. `last`: no margin.
 */
size_t writable_for_unknown(int fd, size_t ample, bool last);

#endif
