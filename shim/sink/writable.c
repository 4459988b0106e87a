/* writable.c -- which file a descriptor refers to, and writes to it that cannot block */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: the flusher thread; host threads at a wait, before a fork and at the end.
 * Never: O_NONBLOCK, which would affect everybody who shares the open file description.
 */
#include "sink/writable.h"

#include "base/platform.h"

#include <limits.h>
#include <linux/fs.h>
#include <sys/select.h>
#include <sys/uio.h>

#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100 /* Linux 6.18; older headers lack it */
#endif

#define PIPE_RESERVE 4 /* pages left for other processes that write to the same pipe */

/*
 * Which flags the file supports. RWF_NOWAIT on pipes came with Linux 6.4 or so, RWF_NOSIGNAL with
 * 6.18. A FIFO that was opened by name, or a pipe through /proc, does not support RWF_NOWAIT.
 */
enum writable_fallback {
	KNOWS_BOTH,
	KNOWS_NOWAIT,
	KNOWS_NEITHER,
};

static enum writable_kind kind_of(int fd, mode_t mode)
{
	int type = 0;
	socklen_t length = sizeof(type);

	if (S_ISFIFO(mode))
		return WRITABLE_PIPE;
	if (S_ISREG(mode) || S_ISBLK(mode))
		return WRITABLE_DISK;
	/* Not datagram and seqpacket sockets: each flush would become a message. */
	if (S_ISSOCK(mode) &&
	    syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
	    type == SOCK_STREAM)
		return WRITABLE_SOCKET;
	return WRITABLE_NEVER;
}

/* The system call, because glibc before 2.33 exports no fstat. */
static bool look(struct writable *file, int fd)
{
	return fd >= 0 && syscall(SYS_fstat, fd, &file->found) == 0;
}

void writable_identify(struct writable *file, int fd)
{
	memset(file, 0, sizeof(*file));
	if (!look(file, fd))
		return;
	file->device = file->found.st_dev;
	file->inode = file->found.st_ino;
	file->kind = (uint8_t)kind_of(fd, file->found.st_mode);
}

bool writable_is_behind(struct writable *file, int fd)
{
	return look(file, fd) && file->found.st_dev == file->device &&
	       file->found.st_ino == file->inode;
}

/*
 * A pipe is a ring of slots of one page each. A write fills new slots, and adds to the last used
 * slot only if its odd end fits there as a whole (pipe_write in fs/pipe.c). So two neighbouring
 * slots hold more than a page together, and `queued` bytes take at most 2 * queued / page slots
 * plus one at either end. FIONREAD alone is misleading: sixteen lines of 2100 bytes fill a pipe of
 * 64 KiB.
 */
static size_t pipe_room(int fd, enum writable_margin margin)
{
	size_t page = getauxval(AT_PAGESZ);
	int size = (int)syscall(SYS_fcntl, fd, F_GETPIPE_SZ);
	int queued = 0;
	size_t slots, taken;

	if (size <= 0 || syscall(SYS_ioctl, fd, FIONREAD, &queued) < 0)
		return margin == WRITABLE_ALL ? page : 0;
	slots = (size_t)size / page;
	taken = queued ? 2 * (size_t)queued / page + 2 : 0;
	if (margin == WRITABLE_HALF)
		return 2 * taken <= slots && slots > 1 ? slots / 2 * page : 0;
	if (margin == WRITABLE_RESERVE)
		taken += slots < 4 * PIPE_RESERVE ? slots / 4 : PIPE_RESERVE;
	if (taken < slots)
		return (slots - taken) * page;
	return margin == WRITABLE_ALL ? page : 0; /* POLLOUT means one free slot */
}

/* POLLOUT on a stream socket means that a good part of the send buffer is free; use an eighth. */
static size_t socket_room(int fd)
{
	int size = 0;
	socklen_t length = sizeof(size);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && size > 0
		       ? (size_t)size / 8
		       : 0;
}

/* poll(2) refuses more descriptors than RLIMIT_NOFILE, which some daemons set to 0. */
__attribute__((noinline)) static short select_now(int fd)
{
	unsigned long set[FD_SETSIZE / 8 / sizeof(long)] = {0};
	size_t bits = 8 * sizeof(*set);

	if (fd >= FD_SETSIZE)
		return 0;
	set[(size_t)fd / bits] |= 1UL << (size_t)fd % bits;
	return syscall(SYS_pselect6, fd + 1, NULL, set, NULL, &(struct timespec){0, 0}, NULL) == 1
		       ? POLLOUT
		       : 0;
}

size_t writable_room(const struct writable *file, int fd, enum writable_margin margin)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};

	if (file->kind == WRITABLE_NEVER)
		return WRITABLE_GONE;
	if (platform_poll_now(&writable, 1) < 0)
		writable.revents = errno == EINVAL ? select_now(fd) : 0;
	if (writable.revents & (POLLERR | POLLHUP | POLLNVAL))
		return WRITABLE_GONE;
	if (!(writable.revents & POLLOUT))
		return 0;
	if (file->kind == WRITABLE_PIPE)
		return pipe_room(fd, margin);
	if (file->kind == WRITABLE_SOCKET)
		return socket_room(fd);
	return margin == WRITABLE_HALF ? 0 : SIZE_MAX - 1;
}

/* By system call, because libc's is a cancellation point. Returns bytes or a negative errno. */
INLINE ssize_t write_flags(int fd, const char *text, size_t n, int flags)
{
	struct iovec part = {(void *)text, n};
	long done = flags ? syscall(SYS_pwritev2, fd, &part, 1L, -1L, -1L, flags)
			  : syscall(SYS_write, fd, text, n);

	return done < 0 ? -errno : (ssize_t)done;
}

__attribute__((noinline)) static bool is_sigpipe_pending(void)
{
	uint64_t pending = 0;

	syscall(SYS_rt_sigpending, &pending, sizeof(pending));
	return pending >> (SIGPIPE - 1) & 1;
}

/* Removes a SIGPIPE that it raises on this thread. Not inline: only older kernels need its frame.
 */
__attribute__((noinline)) static ssize_t
write_removing_sigpipe(int fd, const char *text, size_t n, int flags, enum writable_margin margin)
{
	static const uint64_t sigpipe = UINT64_C(1) << (SIGPIPE - 1);
	static const struct timespec now = {0, 0};
	uint64_t mask = 0;
	bool was_pending;
	ssize_t done;

	if (margin != WRITABLE_HALF) /* at a wait all signals are blocked already */
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, &sigpipe, &mask, sizeof(mask));
	was_pending = is_sigpipe_pending();
	done = write_flags(fd, text, n, flags);
	if (done == -EPIPE && !was_pending)
		syscall(SYS_rt_sigtimedwait, &sigpipe, NULL, &now, sizeof(sigpipe));
	if (margin != WRITABLE_HALF)
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
	return done;
}

static bool is_refused(ssize_t done)
{
	return done == -EOPNOTSUPP || done == -EINVAL || done == -ENOSYS;
}

/* How many of `n` bytes fit in a pipe that supports no write that cannot block; 0: wait. */
__attribute__((noinline)) static size_t fitting(const struct writable *file, int fd, size_t n,
						enum writable_margin margin)
{
	/* A half-free one needs no further look. */
	size_t room =
		margin == WRITABLE_HALF ? pipe_room(fd, margin) : writable_room(file, fd, margin);

	if (n <= room || room == WRITABLE_GONE)
		return n;
	return n <= PIPE_BUF ? 0 : room;
}

static ssize_t write_pipe(struct writable *file, int fd, const char *text, size_t n,
			  enum writable_margin margin)
{
	static const int flags[] = {[KNOWS_BOTH] = RWF_NOWAIT | RWF_NOSIGNAL,
				    [KNOWS_NOWAIT] = RWF_NOWAIT,
				    [KNOWS_NEITHER] = 0};
	ssize_t done;

	for (;; file->fallback++) {
		if (file->fallback == KNOWS_NEITHER)
			n = fitting(file, fd, n, margin);
		if (!n)
			return -EAGAIN;
		if (file->fallback == KNOWS_BOTH)
			done = write_flags(fd, text, n, flags[KNOWS_BOTH]);
		else
			done = write_removing_sigpipe(fd, text, n, flags[file->fallback], margin);
		if (file->fallback == KNOWS_NEITHER || !is_refused(done))
			return done;
	}
}

static ssize_t write_socket(int fd, const char *text, size_t n)
{
	long done = syscall(SYS_sendto, fd, text, n, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);

	if (done < 0)
		return errno == ENOBUFS ? -EAGAIN : -errno;
	return (ssize_t)done;
}

static ssize_t write_disk(int fd, const char *text, size_t n, enum writable_margin margin)
{
	ssize_t done = margin == WRITABLE_HALF ? 0 : syscall(SYS_write, fd, text, n);

	return done < 0 ? -errno : done;
}

/* The bytes of the next write: whole lines that a pipe takes as one; or one longer line. */
static size_t next_part(const char *text, size_t n)
{
	const char *end;
	size_t part = n;

	if (n <= PIPE_BUF)
		return n;
	for (part = PIPE_BUF; part; part--)
		if (text[part - 1] == '\n')
			return part;
	end = text + PIPE_BUF;
	while (end < text + n && *end != '\n')
		end++;
	return end < text + n ? (size_t)(end - text) + 1 : n;
}

/* One write. Returns bytes, 0 if there is no room now, or a negative errno. */
static ssize_t write_part(struct writable *file, int fd, const char *text, size_t n,
			  enum writable_margin margin)
{
	ssize_t done = -EBADF;

	if (file->kind == WRITABLE_PIPE)
		done = write_pipe(file, fd, text, n, margin);
	else if (file->kind == WRITABLE_SOCKET)
		done = write_socket(fd, text, n);
	else if (file->kind == WRITABLE_DISK)
		done = write_disk(fd, text, n, margin);
	return done == -EAGAIN || done == -EINTR ? 0 : done;
}

ssize_t writable_write(struct writable *file, int fd, const char *text, size_t n,
		       enum writable_margin margin)
{
	size_t written = 0;

	while (written < n) {
		size_t part = next_part(text + written, n - written);
		ssize_t done = write_part(file, fd, text + written, part, margin);

		if (done < 0)
			return written ? (ssize_t)written : done;
		written += (size_t)done;
		if ((size_t)done < part)
			break;
	}
	return (ssize_t)written;
}

size_t writable_for_unknown(int fd, size_t ample, bool last)
{
	enum writable_margin margin = last ? WRITABLE_ALL : WRITABLE_RESERVE;
	struct writable file;
	size_t room;
	int queued;

	writable_identify(&file, fd);
	room = writable_room(&file, fd, margin);
	if (room == WRITABLE_GONE || room >= ample)
		return room;
	return room && syscall(SYS_ioctl, fd, FIONREAD, &queued) == 0 && !queued ? room : 0;
}
