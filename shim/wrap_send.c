/* wrap_send.c -- the exported functions that send */
/* SPDX-License-Identifier: MIT */
/*
 * Every wrapper here: the real call first; if it moved bytes and we are awake, tell activity how
 * many, with errno as the call left it; the result untouched. See activity.h for the contexts.
 */
#include "activity.h"
#include "flusher.h"
#include "next.h"
#include "platform.h"

static void sent_iov(int fd, const struct iovec *iov, size_t count, ssize_t n)
{
	int kept;

	if (n <= 0 || !flusher_awake())
		return;
	kept = errno;
	activity_sent(fd, iov, count, (size_t)n);
	errno = kept;
}

static inline void sent(int fd, const void *buf, ssize_t n)
{
	struct iovec iov = {(void *)buf, (size_t)n};

	sent_iov(fd, &iov, 1, n);
}

EXPORT ssize_t write(int fd, const void *buf, size_t n)
{
	ssize_t done = next.write(fd, buf, n);

	sent(fd, buf, done);
	return done;
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	ssize_t done = next.writev(fd, iov, count);

	sent_iov(fd, iov, (size_t)count, done);
	return done;
}

EXPORT ssize_t send(int fd, const void *buf, size_t n, int flags)
{
	ssize_t done = next.send(fd, buf, n, flags);

	sent(fd, buf, done);
	return done;
}

EXPORT ssize_t sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
		      socklen_t length)
{
	ssize_t done = next.sendto(fd, buf, n, flags, addr, length);

	sent(fd, buf, done);
	return done;
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	ssize_t done = next.sendmsg(fd, message, flags);

	if (done > 0)
		sent_iov(fd, message->msg_iov, platform_iovlen(message), done);
	return done;
}

EXPORT int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	int done = next.sendmmsg(fd, messages, count, flags);

	for (int i = 0; i < done; i++)
		sent_iov(fd, messages[i].msg_hdr.msg_iov, platform_iovlen(&messages[i].msg_hdr),
			 messages[i].msg_len);
	return done;
}

EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t n)
{
	ssize_t done = next.sendfile(out, in, offset, n);

	sent_iov(out, NULL, 0, done);
	return done;
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *offset, size_t n)
{
	ssize_t done = next.sendfile64(out, in, offset, n);

	sent_iov(out, NULL, 0, done);
	return done;
}

/* splice(2) receives on one side and sends on the other; nobody sees the bytes. */
EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
		      unsigned int flags)
{
	ssize_t done;

	if (flusher_awake()) {
		int kept = errno;

		activity_reading(in);
		errno = kept;
	}
	done = next.splice(in, in_offset, out, out_offset, n, flags);
	if (done > 0 && flusher_awake()) {
		int kept = errno;

		activity_received(in, NULL, 0, (size_t)done, false);
		activity_sent(out, NULL, 0, (size_t)done);
		errno = kept;
	}
	return done;
}
