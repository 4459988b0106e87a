/* fd.c -- the exported functions that create, close and duplicate descriptors */
/* SPDX-License-Identifier: MIT */
/*
 * A descriptor is forgotten before the call that closes it: another thread may get the same number
 * the moment it is free. vfork children run this in their parent's memory; activity.c checks for
 * that before it forgets anything.
 */
#include "wrap/activity.h"
#include "wrap/creds.h"
#include "wrap/read_try.h"
#include "flush/flusher_state.h"
#include "base/next.h"
#include "base/platform.h"
#include "sink/sink.h"
#include "sink/stdio_fd.h"

#include <linux/close_range.h>
#include <stdarg.h>

/* Not inline: it would take registers from a close of one connection. */
__attribute__((noinline)) static void closing(unsigned int first, unsigned int last)
{
	int saved_errno;

	saved_errno = errno;
	if (flusher_awake())
		activity_closing(first, last);
	else if (first <= STDOUT_FILENO && last >= STDOUT_FILENO)
		std_streams_take_back_buffer(); /* in a child of clone(2), which we sleep in */
	errno = saved_errno;
}

/* For most numbers nothing is stored. */
static inline void closing_one(int fd)
{
	struct conn *conn = conn_find(fd);

	if (UNLIKELY(stdio_fd_is_number(fd)))
		closing((unsigned int)fd, (unsigned int)fd);
	else if (conn && conn_kind(conn) != CONN_UNKNOWN)
		activity_closing_one(conn);
}

static inline void duplicated(int from, int to)
{
	int saved_errno;

	if (to < 0 || from == to || !flusher_awake())
		return;
	saved_errno = errno;
	activity_duplicated(from, to);
	errno = saved_errno;
}

EXPORT int socket(int domain, int type, int protocol)
{
	int made = next.socket(domain, type, protocol);

	if (made >= 0) /* an earlier close of this number may have been a raw system call */
		closing_one(made);
	return made;
}

EXPORT int socketpair(int domain, int type, int protocol, int ends[2])
{
	int done = next.socketpair(domain, type, protocol, ends);
	int saved_errno;

	if (done < 0 || !flusher_awake() || !flusher_is_owner())
		return done;
	saved_errno = errno;
	conn_pair(ends[0]);
	conn_pair(ends[1]);
	errno = saved_errno;
	return done;
}

EXPORT int connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t length)
{
	int done = next.connect(fd, addr, length);
	int saved_errno;

	if (!flusher_awake())
		return done;
	saved_errno = errno;
	if (done == 0 || saved_errno == EINPROGRESS || saved_errno == EINTR)
		activity_connected(fd);
	errno = saved_errno;
	return done;
}

/* A duplicate of this descriptor, or what it accepts, inherits the option: so it is off for all. */
EXPORT int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	if (level == SOL_SOCKET && UNLIKELY(option == SO_RCVLOWAT))
		read_try_ends();
	return next.setsockopt(fd, level, option, value, length);
}

EXPORT int shutdown(int fd, int how)
{
	int done = next.shutdown(fd, how);

	if (done == 0 && flusher_awake())
		activity_shut(fd, how);
	return done;
}

/* A function of its own, so that a close of a file saves no registers. */
__attribute__((noinline)) static int close_known(int fd, struct conn *conn)
{
	if (UNLIKELY(stdio_fd_is_number(fd)))
		closing((unsigned int)fd, (unsigned int)fd);
	else
		activity_closing_one(conn);
	return next.close(fd);
}

EXPORT int close(int fd)
{
	struct conn *conn = conn_find(fd);

	if (UNLIKELY(conn && conn_kind(conn) != CONN_UNKNOWN) || stdio_fd_is_number(fd))
		return close_known(fd, conn);
	return next.close(fd);
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	struct creds_change change;
	int done;

	if (!(flags & CLOSE_RANGE_CLOEXEC))
		closing(first, last);
	creds_begin(&change, SYS_close_range, first, last, (unsigned int)flags);
	done = next.close_range(first, last, flags);
	creds_end(&change, done < 0);
	return done;
}

EXPORT void closefrom(int lowest)
{
	closing(lowest < 0 ? 0 : (unsigned int)lowest, ~0U);
	next.closefrom(lowest);
}

EXPORT int dup(int fd)
{
	int made = next.dup(fd);

	duplicated(fd, made);
	return made;
}

static inline int commanded(int fd, int command, int done)
{
	if (UNLIKELY(command == F_DUPFD || command == F_DUPFD_CLOEXEC))
		duplicated(fd, done);
	return done;
}

/* As in libc: what a command takes, if anything, is one register. */
EXPORT int fcntl(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return commanded(fd, command, next.fcntl(fd, command, argument));
}

EXPORT int fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return commanded(fd, command, next.fcntl64(fd, command, argument));
}

/* libc duplicates the terminal inside, where our dup2 is not called. */
EXPORT int login_tty(int fd)
{
	int done = NEXT(login_tty)(fd);

	if (done < 0)
		return done;
	closing(STDOUT_FILENO, STDERR_FILENO);
	duplicated(fd, STDOUT_FILENO);
	duplicated(fd, STDERR_FILENO);
	return done;
}

EXPORT int dup2(int from, int to)
{
	int done;

	if (from != to)
		closing_one(to);
	done = next.dup2(from, to);
	duplicated(from, done);
	return done;
}

EXPORT int dup3(int from, int to, int flags)
{
	int done;

	if (from != to)
		closing_one(to);
	done = next.dup3(from, to, flags);
	duplicated(from, done);
	return done;
}
