/* read_flush.c -- a flush before read(2), recv(2), accept(2) and their kin */
/* SPDX-License-Identifier: MIT */
/*
 * These calls have no form that unblocks signals as it begins to wait. If every handler of the
 * program restarts calls, no handler ends the call anyway, and we flush before it. If none restarts
 * calls, we wait in ppoll(2) first. Either kind of handler ends that; so if there are both kinds,
 * or if the descriptor has a timeout of its own, the flusher thread flushes.
 */
#include "flush/read_flush.h"

#include "base/next.h"
#include "base/platform.h"
#include "flush/wait_flush.h"

#include <sys/stat.h>
#include <termios.h>

enum reads {
	READS_AT_ONCE, /* a file or a device: the call does not wait */
	READS_WAIT,
	READS_WAIT_LIMITED, /* the descriptor may have a timeout of its own */
};

static bool has_timeout(int fd)
{
	struct timeval limit = {0, 0};
	socklen_t length = sizeof(limit);

	return getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &length) < 0 || limit.tv_sec ||
	       limit.tv_usec;
}

/* A function of its own, so that its 200 bytes of stack are free again before the flush. */
__attribute__((noinline)) static enum reads kind_of(int fd)
{
	struct winsize size;
	struct stat file;

	if (syscall(SYS_fstat, fd, &file) < 0)
		return READS_AT_ONCE;
	if (S_ISFIFO(file.st_mode))
		return READS_WAIT;
	if (S_ISSOCK(file.st_mode))
		return has_timeout(fd) ? READS_WAIT_LIMITED : READS_WAIT;
	/* A terminal; without canonical mode it may have a timeout. */
	if (S_ISCHR(file.st_mode) && ioctl(fd, TIOCGWINSZ, &size) == 0)
		return READS_WAIT_LIMITED;
	return READS_AT_ONCE;
}

static bool is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && flags & O_NONBLOCK;
}

static bool is_readable(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return platform_poll_now(&readable, 1) != 0;
}

/* False: a signal handler ended the wait. */
static bool wait_until_readable(int fd, const uint64_t *mask)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return next.ppoll(&readable, 1, NULL, (const sigset_t *)mask) >= 0 || errno != EINTR;
}

bool read_flush(int fd, bool dontwait)
{
	enum wait_flush_handlers handlers;
	bool waits = !dontwait, steps;
	enum reads reads;
	uint64_t mask;
	bool goes_on;

	if (!wait_flush_is_due()) {
		wait_flush_leave();
		return true;
	}
	reads = kind_of(fd);
	if (reads == READS_AT_ONCE)
		return true;
	handlers = wait_flush_handlers();
	steps = handlers != HANDLERS_RESTART;
	if (waits && steps)
		waits = !is_nonblocking(fd);
	if (waits && steps && (handlers == HANDLERS_MIXED || reads == READS_WAIT_LIMITED)) {
		wait_flush_leave();
		return true;
	}
	if (wait_flush_wants_probe() && is_readable(fd))
		return true;
	if (!wait_flush(&mask, true))
		return true;
	goes_on = !waits || !steps || wait_until_readable(fd, &mask);
	wait_flush_end(&mask);
	return goes_on;
}
