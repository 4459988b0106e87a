/* read_flush.h -- a flush before read(2), recv(2), accept(2) and their kin */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_READ_FLUSH_H
#define IDLEFLUSH_READ_FLUSH_H

#include <stdbool.h>

/* How the program's call reads: bits. */
enum read_call {
	READ_DOES_NOT_WAIT = 0,
	READ_MAY_WAIT = 1,
	READ_CAN_BE_TRIED = 2, /* it may be made without waiting, to learn whether it waits */
	READ_WAITS = 4,        /* that was done */
	READ_RECEIVES = 8,     /* from a connection; it fails at once on anything else */
	READ_ACCEPTS = 16,
	READ_UNFAILING = 32, /* a signal handler must not end it here */
};

/* What the wrapper of a read does. */
enum read_step {
	READ_ON,          /* it makes the program's call */
	READ_INTERRUPTED, /* a signal handler has ended the wait: it fails with EINTR */
	READ_TRY,         /* it tries the call without waiting: wrap/read_try.h */
	READ_DONE,        /* it has tried it, and that is all */
};

/*
 * The calling thread is about to read `fd`, or to accept on it. Flushes if the call is a wait and a
 * pass is due; see wait_flush.h. Returns READ_ON, or READ_INTERRUPTED and sets errno; else errno is
 * kept. Any thread or signal handler.
 */
enum read_step read_flush(int fd, enum read_call call);

/* The same before a stream reads `fd` to refill its buffer, where only libc can fail the call. */
void read_flush_refill(int fd);

/* --- the same in steps, for a caller that learns by trying whether the read waits */

/* Is a flush due, but only if the read waits? Any context; errno may change. */
bool read_flush_wants_try(void);

/* The read was tried, and did not wait. Any context; errno may change. */
void read_flush_did_not_wait(void);

/*
 * The read was tried without waiting, and there was nothing: does the program's call wait? Any
 * context; errno may change.
 */
bool read_flush_waits(int fd);

/* Does a read of this socket wait for more than a byte? Any context; errno may change. */
bool read_flush_waits_for_more(int fd);

#endif
