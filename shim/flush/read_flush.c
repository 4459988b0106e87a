/* read_flush.c -- a flush before read(2), recv(2), accept(2) and their kin */
/* SPDX-License-Identifier: MIT */
/*
 * These calls have no form that unblocks signals as it begins to wait. If every handler of the
 * program restarts calls, no handler ends the call anyway, and we flush before it. If none restarts
 * calls, we wait in ppoll(2) first. Either kind of handler ends that; so if there are both kinds,
 * or if the descriptor has a limit of its own, the flusher thread flushes as soon as we wait.
 */
#include "flush/read_flush.h"

#include "base/clock.h"
#include "base/next.h"
#include "base/platform.h"
#include "base/thread.h"
#include "flush/flusher_state.h"
#include "flush/pass.h"
#include "flush/wait_flush.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <termios.h>

enum reads {
	READS_AT_ONCE, /* a file or a device: the call does not wait */
	READS_WAIT,
	READS_WAIT_LIMITED, /* it may return before poll(2) tells of data, as by a timeout */
};

bool read_flush_waits_for_more(int fd)
{
	int least = 0;
	socklen_t length = sizeof(least);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_RCVLOWAT, &least, &length) < 0 ||
	       least != 1;
}

static bool has_timeout(int fd)
{
	struct timeval limit = {0, 0};
	socklen_t length = sizeof(limit);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &length) < 0 ||
	       limit.tv_sec || limit.tv_usec;
}

/* Its limits only matter where we wait in ppoll(2). */
static enum reads kind_of_connection(int fd)
{
	return wait_flush_handlers() == HANDLERS_INTERRUPT &&
			       (has_timeout(fd) || read_flush_waits_for_more(fd))
		       ? READS_WAIT_LIMITED
		       : READS_WAIT;
}

/* Who reads a listener fails at once, and so does who accepts from anything else. */
static enum reads kind_of_socket(int fd, enum read_call call)
{
	int listens = -1;
	socklen_t length = sizeof(listens);

	syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length);
	return listens == !!(call & READ_ACCEPTS) ? kind_of_connection(fd) : READS_AT_ONCE;
}

/* A function of its own, so that its 200 bytes of stack are free again before the flush. */
__attribute__((noinline)) static enum reads kind_of(int fd, enum read_call call)
{
	union {
		struct stat file;
		struct statfs system;
		struct winsize size;
	} is;

	if (call & (READ_RECEIVES | READ_ACCEPTS))
		return kind_of_socket(fd, call);
	if (syscall(SYS_fstat, fd, &is.file) < 0)
		return READS_AT_ONCE;
	/* While nobody has opened a FIFO to write, it returns at once, as poll(2) does not tell. */
	if (S_ISFIFO(is.file.st_mode))
		return syscall(SYS_fstatfs, fd, &is.system) == 0 && is.system.f_type == PIPEFS_MAGIC
			       ? READS_WAIT
			       : READS_WAIT_LIMITED;
	if (S_ISSOCK(is.file.st_mode))
		return kind_of_socket(fd, call);
	/* A terminal; without canonical mode it may have a timeout. */
	if (S_ISCHR(is.file.st_mode) && syscall(SYS_ioctl, fd, TIOCGWINSZ, &is.size) == 0)
		return READS_WAIT_LIMITED;
	return READS_AT_ONCE;
}

static bool is_readable(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return platform_poll_now(&readable, 1) > 0; /* after EINTR, too, the call itself may wait */
}

/*
 * False: a signal handler ended the wait, and errno is EINTR. A function of its own, so that the
 * flush before it has its stack.
 */
__attribute__((noinline)) static bool wait_until_readable(int fd, const uint64_t *mask)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	int saved_errno = errno;

	if (next.ppoll(&readable, 1, NULL, (const sigset_t *)mask) < 0 && errno == EINTR)
		return false;
	errno = saved_errno;
	return true;
}

/* The read end of a pipe, or a socket, is not open for writing only. */
bool read_flush_waits(int fd)
{
	int flags = (int)syscall(SYS_fcntl, fd, F_GETFL);

	return flags < 0 || (!(flags & O_NONBLOCK) && (flags & O_ACCMODE) != O_WRONLY);
}

static bool may_flush(enum wait_flush_handlers handlers, enum reads reads, enum read_call call)
{
	if (handlers == HANDLERS_INTERRUPT)
		return reads != READS_WAIT_LIMITED && !(call & READ_UNFAILING);
	return handlers == HANDLERS_RESTART;
}

enum decision { LEFT, FLUSH, FLUSH_AND_WAIT };

/* If the call returns at once, the program's next one flushes. */
__attribute__((noinline)) static enum decision decide(int fd, enum read_call call)
{
	int64_t now = clock_now_ns();
	enum wait_flush_due due = wait_flush_due(now);
	enum reads reads = READS_AT_ONCE;

	if (due == WAIT_FLUSH_LATER) {
		wait_flush_leave(now);
		return LEFT;
	}
	if (call & READ_WAITS)
		reads = kind_of_connection(fd);
	else if (call && !is_readable(fd) && read_flush_waits(fd))
		reads = kind_of(fd, call);
	if (reads == READS_AT_ONCE)
		return due == WAIT_FLUSH_IF_BLOCKS && wait_flush_leave_once() ? LEFT : FLUSH;
	if (!may_flush(wait_flush_handlers(), reads, call)) {
		wait_flush_ask();
		return LEFT;
	}
	return FLUSH_AND_WAIT;
}

/* Apart from the above, so that the flush finds its stack free again. */
__attribute__((noinline)) static enum read_step flush(int fd, enum decision decision,
						      int saved_errno)
{
	enum read_step step = READ_ON;
	uint64_t mask;

	errno = saved_errno;
	if (decision == LEFT || !wait_flush(&mask, decision == FLUSH_AND_WAIT))
		return READ_ON;
	if (decision == FLUSH_AND_WAIT && wait_flush_handlers() == HANDLERS_INTERRUPT &&
	    !thread_any_cancelled() && !wait_until_readable(fd, &mask))
		step = READ_INTERRUPTED;
	wait_flush_end(&mask);
	return step;
}

/* Are bytes pending for which nobody but the waiting thread does anything? */
static bool is_noted(void)
{
	return flusher_not_started() && flusher_is_armed() && !pass_retry_ns();
}

static bool was_left_once(void)
{
	return atomic_load_explicit(&flusher->left_once, memory_order_relaxed);
}

/*
 * Where that is so, the clock only tells whether bytes are older than max-age. Not every try reads
 * it: twice as many do not each time, as long as they take no longer than an eighth of `idle`.
 */
bool read_flush_wants_try(void)
{
	static _Atomic uint32_t skip, skipped; /* hints */
	static _Atomic int64_t read_ns;
	uint32_t left = atomic_load_explicit(&skip, memory_order_relaxed);
	int64_t now;

	if (left && is_noted()) {
		atomic_store_explicit(&skip, left - 1, memory_order_relaxed);
		return true;
	}
	now = clock_now_ns();
	if (wait_flush_due(now) != WAIT_FLUSH_IF_BLOCKS)
		return false;
	if (is_noted() && was_left_once())
		wait_flush_leave(now);
	left = now - read_ns > flusher_rules.idle_ns / 8 ? skipped / 2 : 2 * skipped + 1;
	skip = skipped = left < FLUSHER_SKIP_MOST ? left : FLUSHER_SKIP_MOST;
	read_ns = now;
	return true;
}

void read_flush_did_not_wait(void)
{
	if (is_noted() && was_left_once())
		return;
	if (!wait_flush_leave_once())
		wait_flush_leave(clock_now_ns());
}

enum read_step read_flush(int fd, enum read_call call)
{
	int saved_errno = errno;

	return flush(fd, decide(fd, call), saved_errno);
}

void read_flush_refill(int fd)
{
	read_flush(fd, READ_MAY_WAIT | READ_UNFAILING);
	flusher_wait_returned(); /* nobody reports when this one does */
}
