/* read_flush.h -- a flush before read(2), recv(2), accept(2) and their kin */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_READ_FLUSH_H
#define IDLEFLUSH_READ_FLUSH_H

#include <stdbool.h>

/* What the wrapper of a read does. */
enum read_step {
	READ_ON,          /* it makes the program's call */
	READ_INTERRUPTED, /* a signal handler has ended the wait: it fails with EINTR */
	READ_TRY,         /* it tries the call without waiting: wrap/read_try.h */
	READ_DONE,        /* it has tried it, and that is all */
};

/*
 * The calling thread is about to read `fd`, or to accept on it; `dontwait`: this call does not
 * block (MSG_DONTWAIT). Flushes if the call is a wait and a pass is due; see wait_flush.h. Returns
 * READ_ON, or READ_INTERRUPTED and sets errno; else errno is kept. Any thread or signal handler.
 */
enum read_step read_flush(int fd, bool dontwait);

/*
 * The same before a stream reads `fd` to refill its buffer, which a signal handler must not end
 * here: only libc can fail the program's call then.
 */
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

/* The same as read_flush(), and the call will wait. */
enum read_step read_flush_waiting(int fd);

#endif
