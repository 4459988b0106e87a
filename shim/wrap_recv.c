/* wrap_recv.c -- the exported functions that receive */
/* SPDX-License-Identifier: MIT */
/* As in wrap_send.c; besides, a thread that reads a connection is about to wait for its peer. */
#include "activity.h"
#include "next.h"
#include "platform.h"

/* `size` bounds what is looked at: with MSG_TRUNC a call returns more than it stored. */
static inline void received(int fd, void *buf, size_t size, ssize_t n, bool socket)
{
	struct iovec iov = {buf, size};

	activity_received(fd, &iov, 1, n, socket);
}

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	ssize_t done;

	activity_reading(fd);
	done = next.read(fd, buf, n);
	received(fd, buf, n, done, false);
	return done;
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	ssize_t done;

	activity_reading(fd);
	done = next.readv(fd, iov, count);
	activity_received(fd, iov, (size_t)count, done, false);
	return done;
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	ssize_t done;

	activity_reading(fd);
	done = next.recv(fd, buf, n, flags);
	received(fd, buf, n, flags & MSG_PEEK ? 0 : done, true);
	return done;
}

EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags, __SOCKADDR_ARG addr,
			socklen_t *restrict length)
{
	ssize_t done;

	activity_reading(fd);
	done = next.recvfrom(fd, buf, n, flags, addr, length);
	received(fd, buf, n, flags & MSG_PEEK ? 0 : done, true);
	return done;
}

/*
 * Descriptors that came with the message are new, whatever we knew of their numbers: their last
 * close may have been one that nobody sees, like fclose(3)'s. (Not by CMSG_NXTHDR, which calls
 * libc.)
 */
static void passed(const struct msghdr *message)
{
	const unsigned char *at = message->msg_control;
	size_t left = platform_controllen(message), length, step;
	const struct cmsghdr *part;
	int kept = errno;

	for (; left >= sizeof(*part); at += step, left -= step) {
		part = (const struct cmsghdr *)at;
		length = platform_cmsg_len(part);
		if (length < sizeof(*part) || length > left)
			break;
		if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
			for (size_t i = CMSG_LEN(0); i + sizeof(int) <= length; i += sizeof(int)) {
				unsigned int fd = *(const unsigned int *)(at + i);

				activity_closing(fd, fd);
			}
		step = CMSG_ALIGN(length) < left ? CMSG_ALIGN(length) : left;
	}
	errno = kept;
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t done;

	activity_reading(fd);
	done = next.recvmsg(fd, message, flags);
	if (done >= 0 && UNLIKELY(platform_controllen(message)) && flusher_awake())
		passed(message);
	if (done > 0 && !(flags & MSG_PEEK))
		activity_received(fd, message->msg_iov, platform_iovlen(message), done, true);
	return done;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout)
{
	int done;

	activity_reading(fd);
	done = next.recvmmsg(fd, messages, count, flags, timeout);
	for (int i = 0; i < done && !(flags & MSG_PEEK); i++)
		activity_received(fd, messages[i].msg_hdr.msg_iov,
				  platform_iovlen(&messages[i].msg_hdr), messages[i].msg_len, true);
	return done;
}

/* What _FORTIFY_SOURCE makes of the above. */

EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	ssize_t done;

	activity_reading(fd);
	done = next.__read_chk(fd, buf, n, size);
	received(fd, buf, n, done, false);
	return done;
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	ssize_t done;

	activity_reading(fd);
	done = next.__recv_chk(fd, buf, n, size, flags);
	received(fd, buf, n, flags & MSG_PEEK ? 0 : done, true);
	return done;
}

EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
			      __SOCKADDR_ARG addr, socklen_t *restrict length)
{
	ssize_t done;

	activity_reading(fd);
	done = next.__recvfrom_chk(fd, buf, n, size, flags, addr, length);
	received(fd, buf, n, flags & MSG_PEEK ? 0 : done, true);
	return done;
}
