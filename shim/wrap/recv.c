/* recv.c -- the exported functions that receive and accept */
/* SPDX-License-Identifier: MIT */
/* As in send.c; besides, a thread that reads a connection is about to wait for its peer. */
#include "wrap/activity.h"
#include "wrap/read_try.h"
#include "wrap/waiting.h"
#include "flush/flusher.h"
#include "base/next.h"
#include "base/platform.h"

#define NO_ADDRESS ((__SOCKADDR_ARG){.__sockaddr__ = NULL})

/*
 * Are these the next bytes of the conversation? MSG_PEEK leaves them for another call, an urgent
 * byte is not part of the stream, and the error queue returns what was sent.
 */
static inline bool goes_on(int flags)
{
	return !(flags & (MSG_PEEK | MSG_OOB | MSG_ERRQUEUE));
}

/* For recv and its kin. With MSG_TRUNC the kernel drops the bytes without showing them. */
static inline ssize_t received(struct conn *conn, int fd, const void *buf, ssize_t n, int flags)
{
	if (!goes_on(flags))
		return n;
	return activity_received_bytes(conn, fd, flags & MSG_TRUNC ? NULL : buf, n, true);
}

/* Of a file, a pipe or as a client. It may have waited. */
static inline ssize_t read_ignored(int fd, void *buf, size_t n)
{
	ssize_t done = next.read(fd, buf, n);

	flusher_wait_returned();
	return done;
}

/* A function of its own, so that a read that is ignored saves no registers. */
__attribute__((noinline)) static ssize_t read_server(int fd, void *buf, size_t n, struct conn *conn)
{
	ssize_t done = next.read(fd, buf, n);

	flusher_wait_returned();
	return done > 0 ? activity_received_by_server(conn, buf, done) : done;
}

__attribute__((noinline)) static ssize_t read_other(int fd, void *buf, size_t n)
{
	struct conn *conn;
	enum read_step step = waiting_to_read(&conn, fd, read_try_call_of_read(n));
	ssize_t done = -1;

	if (step == READ_TRY)
		done = read_try_bytes(&step, conn, fd, buf, n, 0, NO_ADDRESS, NULL);
	if (step == READ_ON)
		done = next.read(fd, buf, n);
	flusher_wait_returned();
	return activity_received_bytes(conn, fd, buf, done, false);
}

EXPORT ssize_t read(int fd, void *buf, size_t n)
{
	struct conn *conn = conn_find(fd);
	enum conn_kind kind = activity_kind(conn);

	if (UNLIKELY(!waiting_has_nothing_to_flush()))
		return read_other(fd, buf, n);
	if (kind == CONN_SERVER && LIKELY(conn_turn(conn) != CONN_TURN_ANSWERED))
		return read_server(fd, buf, n, conn);
	return activity_ignores_received(kind, false) ? read_ignored(fd, buf, n)
						      : read_other(fd, buf, n);
}

/* Without room for a byte it returns at once, and so it does for what is no vector. */
static enum read_call readv_call(const struct iovec *iov, int count)
{
	size_t n = 0;

	if (count > 0 && count <= IOV_MAX && waiting_can_read(iov, (size_t)count * sizeof(*iov)))
		for (int i = 0; i < count; i++)
			n |= iov[i].iov_len;
	return n && n <= SSIZE_MAX ? READ_MAY_WAIT : READ_DOES_NOT_WAIT;
}

EXPORT ssize_t readv(int fd, const struct iovec *iov, int count)
{
	struct conn *conn = conn_find(fd);
	ssize_t done;

	if (UNLIKELY(!waiting_to_read_is_plain(conn)) &&
	    waiting_to_read_slow_path(conn, fd, readv_call(iov, count)) != READ_ON)
		return -1;
	done = next.readv(fd, iov, count);
	flusher_wait_returned();
	return activity_received(conn, fd, iov, (size_t)count, done, false);
}

__attribute__((noinline)) static ssize_t recv_server(int fd, void *buf, size_t n, int flags,
						     struct conn *conn)
{
	ssize_t done = next.recv(fd, buf, n, flags);

	flusher_wait_returned();
	return done > 0 ? activity_received_by_server(conn, buf, done) : done;
}

__attribute__((noinline)) static ssize_t recv_other(int fd, void *buf, size_t n, int flags)
{
	struct conn *conn;
	enum read_step step = waiting_to_read(&conn, fd, read_try_call_of_recv(n, flags));
	ssize_t done = -1;

	if (step == READ_TRY)
		done = read_try_bytes(&step, conn, fd, buf, n, flags, NO_ADDRESS, NULL);
	if (step == READ_ON)
		done = next.recv(fd, buf, n, flags);
	flusher_wait_returned();
	return received(conn, fd, buf, done, flags);
}

EXPORT ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	struct conn *conn = conn_find(fd);

	if (LIKELY(activity_kind(conn) == CONN_SERVER && waiting_to_read_is_plain(conn) &&
		   !(flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL))))
		return recv_server(fd, buf, n, flags, conn);
	return recv_other(fd, buf, n, flags);
}

EXPORT ssize_t recvfrom(int fd, void *restrict buf, size_t n, int flags, __SOCKADDR_ARG addr,
			socklen_t *restrict length)
{
	struct conn *conn;
	enum read_step step = waiting_to_read(&conn, fd, read_try_call_of_recv(n, flags));
	ssize_t done = -1;

	if (UNLIKELY(step == READ_TRY))
		done = read_try_bytes(&step, conn, fd, buf, n, flags, addr, length);
	if (LIKELY(step == READ_ON))
		done = next.recvfrom(fd, buf, n, flags, addr, length);
	flusher_wait_returned();
	return received(conn, fd, buf, done, flags);
}

/*
 * Descriptors that came with the message are new, whatever is stored for their numbers: they may
 * have been closed where we do not see it, by a raw system call, say. (Without CMSG_NXTHDR, which
 * calls libc.)
 */
static void passed(const struct msghdr *message)
{
	const unsigned char *at = message->msg_control;
	size_t left = platform_controllen(message), length, step;
	const struct cmsghdr *part;
	int saved_errno = errno;

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
	errno = saved_errno;
}

static inline void received_message(const struct conn *conn, int fd, const struct msghdr *message,
				    ssize_t n, int flags)
{
	if (UNLIKELY(platform_controllen(message)) && flusher_awake())
		passed(message);
	if (goes_on(flags))
		activity_received(conn, fd, flags & MSG_TRUNC ? NULL : message->msg_iov,
				  platform_iovlen(message), n, true);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	struct conn *conn;
	enum read_step step = waiting_to_read(&conn, fd, read_try_call_of_recv(1, flags));
	ssize_t done = -1;

	if (UNLIKELY(step == READ_TRY))
		done = read_try_message(&step, conn, fd, message, flags);
	if (LIKELY(step == READ_ON))
		done = next.recvmsg(fd, message, flags);
	flusher_wait_returned();
	if (done >= 0)
		received_message(conn, fd, message, done, flags);
	return done;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
		    struct timespec *timeout)
{
	struct conn *conn;
	int done;

	if (waiting_to_read(&conn, fd,
			    count ? read_try_call_of_recv(1, flags) & ~READ_CAN_BE_TRIED
				  : READ_DOES_NOT_WAIT) != READ_ON)
		return -1;
	done = next.recvmmsg(fd, messages, count, flags, timeout);
	flusher_wait_returned();
	for (int i = 0; i < done; i++)
		received_message(conn, fd, &messages[i].msg_hdr, messages[i].msg_len, flags);
	return done;
}

static inline int accepted(int fd)
{
	flusher_wait_returned();
	if (fd >= 0 && !activity_accepted_quickly(fd) && flusher_awake())
		activity_accepted(fd);
	return fd;
}

/* To accept is to wait for a connection, and shows that the program serves. */
__attribute__((noinline)) static bool accepting_slow_path(int fd)
{
	if (!flusher_awake())
		return true;
	flusher_start();
	return waiting_to_read_slow_path(NULL, fd, READ_MAY_WAIT | READ_ACCEPTS) == READ_ON;
}

/* A listener has no entry that tells anything. */
EXPORT int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict length)
{
	if (UNLIKELY(!waiting_has_nothing_to_flush()) && !accepting_slow_path(fd))
		return -1;
	return accepted(next.accept(fd, addr, length));
}

EXPORT int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict length, int flags)
{
	if (UNLIKELY(!waiting_has_nothing_to_flush()) && !accepting_slow_path(fd))
		return -1;
	return accepted(next.accept4(fd, addr, length, flags));
}

/* What _FORTIFY_SOURCE makes of the above. */

EXPORT ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
{
	struct conn *conn;
	enum read_step step = waiting_to_read(&conn, fd, read_try_call_of_read(n <= size ? n : 0));
	ssize_t done = -1;

	if (UNLIKELY(step == READ_TRY))
		done = read_try_bytes(&step, conn, fd, buf, n, 0, NO_ADDRESS, NULL);
	if (LIKELY(step == READ_ON))
		done = next.__read_chk(fd, buf, n, size);
	flusher_wait_returned();
	return activity_received_bytes(conn, fd, buf, done, false);
}

EXPORT ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	struct conn *conn;
	enum read_step step =
		waiting_to_read(&conn, fd, read_try_call_of_recv(n <= size ? n : 0, flags));
	ssize_t done = -1;

	if (UNLIKELY(step == READ_TRY))
		done = read_try_bytes(&step, conn, fd, buf, n, flags, NO_ADDRESS, NULL);
	if (LIKELY(step == READ_ON))
		done = next.__recv_chk(fd, buf, n, size, flags);
	flusher_wait_returned();
	return received(conn, fd, buf, done, flags);
}

EXPORT ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
			      __SOCKADDR_ARG addr, socklen_t *restrict length)
{
	struct conn *conn;
	enum read_step step =
		waiting_to_read(&conn, fd, read_try_call_of_recv(n <= size ? n : 0, flags));
	ssize_t done = -1;

	if (UNLIKELY(step == READ_TRY))
		done = read_try_bytes(&step, conn, fd, buf, n, flags, addr, length);
	if (LIKELY(step == READ_ON))
		done = next.__recvfrom_chk(fd, buf, n, size, flags, addr, length);
	flusher_wait_returned();
	return received(conn, fd, buf, done, flags);
}
