/* read_try.h -- a read of a connection, made without waiting to learn whether it would wait */
/* SPDX-License-Identifier: MIT */
/*
 * Where nobody but the thread that reads can flush, it must know whether it is about to wait. To
 * ask poll(2) first costs a system call for each read. But the read of a connection tells by
 * itself: with MSG_DONTWAIT it either does what it would have done, or fails with EAGAIN, and then
 * the thread flushes and makes the program's call.
 *
 * Not readv(2): without room for a byte it returns at once, and recvmsg(2) does not.
 */
#ifndef IDLEFLUSH_READ_TRY_H
#define IDLEFLUSH_READ_TRY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/next.h"
#include "conn/conn.h"
#include "flush/read_flush.h"

/* Are the functions that receive libc's? Another preload may have to see each call. Constructor. */
void read_try_init(void);

/* The program sets SO_RCVLOWAT. Any context. */
void read_try_ends(void);

/*
 * May reads of `fd`, whose entry is `conn` or NULL, be tried? Makes a system call for the first one
 * of a connection. Any context; errno may change.
 */
bool read_try_fits(struct conn *conn, int fd);

/* How a read(2) of `n` bytes is made. One of none, or of too many, returns at once. */
INLINE enum read_call read_try_call_of_read(size_t n)
{
	return n && n <= INT_MAX ? READ_MAY_WAIT | READ_CAN_BE_TRIED : READ_DOES_NOT_WAIT;
}

/* A recv(2) with these flags. It can be tried only if those change nothing else. */
INLINE enum read_call read_try_call_of_recv(size_t n, int flags)
{
	if (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE))
		return READ_DOES_NOT_WAIT;
	if (!n) /* a signal handler ends it without an error */
		return READ_MAY_WAIT | READ_RECEIVES | READ_UNFAILING;
	return flags & ~(MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)
		       ? READ_MAY_WAIT | READ_RECEIVES
		       : READ_MAY_WAIT | READ_RECEIVES | READ_CAN_BE_TRIED;
}

/*
 * The call was tried, and returned `done`; `saved_errno` is from before. Returns READ_DONE and
 * keeps errno, or what read_flush() returns: with READ_ON, errno is `saved_errno`. Any context.
 */
enum read_step read_try_step(struct conn *conn, int fd, ssize_t done, int saved_errno);

/*
 * waiting_to_read() returned READ_TRY, and these make the call so. *step is then READ_ON where the
 * program's call is to be made. Inline because of their stack: flush/wait_flush.c.
 */

INLINE ssize_t read_try_bytes(enum read_step *step, struct conn *conn, int fd, void *buf, size_t n,
			      int flags, __SOCKADDR_ARG addr, socklen_t *length)
{
	int saved_errno = errno;
	ssize_t done = next.recvfrom(fd, buf, n, flags | MSG_DONTWAIT, addr, length);

	*step = read_try_step(conn, fd, done, saved_errno);
	return done;
}

INLINE ssize_t read_try_message(enum read_step *step, struct conn *conn, int fd,
				struct msghdr *message, int flags)
{
	int saved_errno = errno;
	ssize_t done = next.recvmsg(fd, message, flags | MSG_DONTWAIT);

	*step = read_try_step(conn, fd, done, saved_errno);
	return done;
}

#endif
