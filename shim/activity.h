/* activity.h -- the one way in for wrappers: what was sent or received, who is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * All of these: called by a wrapper after (_waiting, _pausing, _reading, _closing: before) the real
 * call, only where flusher_awake(), from any thread, signal handler or vfork child. They take no
 * lock, allocate by mmap(2) at most, and may change errno. Byte counts are what the call returned.
 */
#ifndef IDLEFLUSH_ACTIVITY_H
#define IDLEFLUSH_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* accept(2) returned `fd`: a server-side connection. */
void activity_accepted(int fd);

/* connect(2) on `fd` succeeded or is under way: not server-side. */
void activity_connected(int fd);

/* `n` > 0 bytes went out on `fd`, gathered from `iov` in order; NULL: bytes nobody saw. */
void activity_sent(int fd, const struct iovec *iov, size_t count, size_t n);

/* `n` > 0 bytes came in on `fd`; `socket`: the call works on sockets only. */
void activity_received(int fd, const struct iovec *iov, size_t count, size_t n, bool socket);

/* A thread is about to wait for work. */
void activity_waiting(void);

/* A thread is about to wait for a child or a signal: as above, but starts no thread. */
void activity_pausing(void);

/* A thread is about to read `fd`, which is waiting too where that is a connection. */
void activity_reading(int fd);

/* shutdown(2) of `fd` succeeded; `how` as there. */
void activity_shut(int fd, int how);

/* `first` … `last` are about to be closed, or were just made: nothing known of them holds. */
void activity_closing(unsigned int first, unsigned int last);

/* `to` is now a duplicate of `from`. */
void activity_duplicated(int from, int to);

#endif
