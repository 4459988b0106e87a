/* read_flush.h -- a flush before read(2), recv(2), accept(2) and their kin */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_READ_FLUSH_H
#define IDLEFLUSH_READ_FLUSH_H

#include <stdbool.h>

/*
 * The calling thread is about to read `fd`, or to accept on it; `dontwait`: this call does not
 * block (MSG_DONTWAIT). Flushes if the call is a wait and a pass is due; see wait_flush.h. False: a
 * signal handler ended the wait, and the call must fail with EINTR. Any thread or signal handler;
 * errno may change.
 */
bool read_flush(int fd, bool dontwait);

/*
 * The same before a stream reads `fd` to refill its buffer, which a signal handler must not end
 * here: only libc can fail the program's call then.
 */
void read_flush_refill(int fd);

#endif
