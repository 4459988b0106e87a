/* send.c -- the exported functions that send */
/* SPDX-License-Identifier: MIT */
/*
 * Every wrapper makes the real call and then reports how many bytes were sent. It leaves the result
 * and errno as they are. See activity.h for the contexts.
 */
#include "wrap/activity.h"
#include "wrap/waiting.h"
#include "base/next.h"
#include "base/platform.h"

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	ssize_t done = next.write(fd, buf, n);

	activity_sent_bytes(fd, buf, done);
	return done;
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	ssize_t done = next.writev(fd, iov, count);

	activity_sent(fd, iov, (size_t)count, done);
	return done;
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	ssize_t done = next.send(fd, buf, n, flags);

	activity_sent_bytes(fd, buf, done);
	return done;
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
		      socklen_t length)
{
	ssize_t done = next.sendto(fd, buf, n, flags, addr, length);

	activity_sent_bytes(fd, buf, done);
	return done;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t done = next.sendmsg(fd, message, flags);

	if (done > 0)
		activity_sent(fd, message->msg_iov, platform_iovlen(message), done);
	return done;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int done = next.sendmmsg(fd, messages, count, flags);

	for (int i = 0; i < done; i++)
		activity_sent(fd, messages[i].msg_hdr.msg_iov,
			      platform_iovlen(&messages[i].msg_hdr), messages[i].msg_len);
	return done;
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	ssize_t done = next.sendfile(out, in, offset, n);

	activity_sent_bytes(out, NULL, done);
	return done;
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
	ssize_t done = next.sendfile64(out, in, offset, n);

	activity_sent_bytes(out, NULL, done);
	return done;
}

/* splice(2) receives on one side and sends on the other; we do not see the bytes. */
EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
		      unsigned int flags)
{
	struct conn *conn;
	ssize_t done;

	if (!waiting_to_read(&conn, in, flags & SPLICE_F_NONBLOCK))
		return -1;
	done = next.splice(in, in_offset, out, out_offset, n, flags);
	activity_received(conn, in, NULL, 0, done, false);
	activity_sent_bytes(out, NULL, done);
	return done;
}
