/* send.c -- the exported functions that send */
/* SPDX-License-Identifier: MIT */
/*
 * A wrapper reads the entry of the descriptor; for files, pipes and clients nothing else is to be
 * done. Otherwise it makes the real call and then reports how many bytes were sent. It leaves the
 * result and errno as they are. See activity.h for the contexts.
 */
#include "wrap/activity.h"
#include "wrap/waiting.h"
#include "base/next.h"
#include "base/platform.h"

/* Functions of their own, so that each saves only the registers it needs: an ignored write none. */

__attribute__((noinline)) static ssize_t write_http(int fd, const void *buf, size_t n,
						    struct conn *conn)
{
	return activity_sent_http(conn, buf, next.write(fd, buf, n));
}

__attribute__((noinline)) static ssize_t write_opaque(int fd, const void *buf, size_t n,
						      struct conn *conn)
{
	return activity_sent_opaque(conn, next.write(fd, buf, n));
}

__attribute__((noinline)) static ssize_t write_other(int fd, const void *buf, size_t n)
{
	ssize_t done = next.write(fd, buf, n);

	return done > 0 ? activity_sent_bytes_slow_path(fd, buf, done) : done;
}

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	struct conn *conn = conn_find(fd);
	enum conn_kind kind = activity_kind(conn);

	if (kind == CONN_SERVER)
		return http_is_opaque(&conn->in) ? write_opaque(fd, buf, n, conn)
						 : write_http(fd, buf, n, conn);
	return activity_ignores_sent(kind, fd) ? next.write(fd, buf, n) : write_other(fd, buf, n);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	struct conn *conn = conn_find(fd);

	if (activity_ignores_sent(activity_kind(conn), fd))
		return next.writev(fd, iov, count);
	return activity_sent(conn, fd, iov, (size_t)count, next.writev(fd, iov, count));
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	struct conn *conn = conn_find(fd);

	if (activity_ignores_sent(activity_kind(conn), fd))
		return next.send(fd, buf, n, flags);
	return activity_sent_bytes(conn, fd, buf, next.send(fd, buf, n, flags));
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
		      socklen_t length)
{
	struct conn *conn = conn_find(fd);

	if (activity_ignores_sent(activity_kind(conn), fd))
		return next.sendto(fd, buf, n, flags, addr, length);
	return activity_sent_bytes(conn, fd, buf, next.sendto(fd, buf, n, flags, addr, length));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct conn *conn = conn_find(fd);
	ssize_t done;

	if (activity_ignores_sent(activity_kind(conn), fd))
		return next.sendmsg(fd, message, flags);
	done = next.sendmsg(fd, message, flags);
	if (done <= 0)
		return done;
	return activity_sent(conn, fd, message->msg_iov, platform_iovlen(message), done);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	struct conn *conn = conn_find(fd);
	int done;

	if (activity_ignores_sent(activity_kind(conn), fd))
		return next.sendmmsg(fd, messages, count, flags);
	done = next.sendmmsg(fd, messages, count, flags);
	for (int i = 0; i < done; i++)
		activity_sent(conn, fd, messages[i].msg_hdr.msg_iov,
			      platform_iovlen(&messages[i].msg_hdr), messages[i].msg_len);
	return done;
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	struct conn *conn = conn_find(out);

	if (activity_ignores_sent(activity_kind(conn), out))
		return next.sendfile(out, in, offset, n);
	return activity_sent_bytes(conn, out, NULL, next.sendfile(out, in, offset, n));
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
	struct conn *conn = conn_find(out);

	if (activity_ignores_sent(activity_kind(conn), out))
		return next.sendfile64(out, in, offset, n);
	return activity_sent_bytes(conn, out, NULL, next.sendfile64(out, in, offset, n));
}

/* splice(2) receives on one side and sends on the other; we do not see the bytes. */
EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
		      unsigned int flags)
{
	struct conn *from, *to = conn_find(out);
	ssize_t done;

	/* It fails at once for many reasons, of which poll(2) knows nothing. */
	waiting_to_read(&from, in,
			flags & SPLICE_F_NONBLOCK ? READ_DOES_NOT_WAIT
						  : READ_MAY_WAIT | READ_UNFAILING);
	done = next.splice(in, in_offset, out, out_offset, n, flags);
	flusher_wait_returned();
	activity_received(from, in, NULL, 0, done, false);
	if (!activity_ignores_sent(activity_kind(to), out))
		activity_sent_bytes(to, out, NULL, done);
	return done;
}
