/* writable.c -- how many bytes a descriptor takes without blocking */
/* SPDX-License-Identifier: MIT */
/* Called from: the flusher thread, atfork prepare, the constructor. Never from a wrapper. */
#include "sink/writable.h"

#include "base/platform.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#define PIPE_RESERVE 4 /* slots left for other processes that write to the same pipe */

/*
 * A pipe is a ring of slots of one page. A write fills new slots, and adds its odd end to the slot
 * before only where it fits whole (pipe_write in fs/pipe.c). So two neighbouring slots hold more
 * than a page together, and `queued` bytes take at most 2 * queued / page slots plus one at either
 * end. FIONREAD alone is misleading: sixteen lines of 2100 bytes fill a pipe of 64 KiB.
 */
static size_t pipe_room(int fd, bool last)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int size = fcntl(fd, F_GETPIPE_SZ);
	int queued = 0;
	size_t slots, taken;

	if (size <= 0 || ioctl(fd, FIONREAD, &queued) < 0)
		return last ? page : 0;
	slots = (size_t)size / page;
	taken = queued ? 2 * (size_t)queued / page + 2 : 0;
	if (!last)
		taken += slots < 4 * PIPE_RESERVE ? slots / 4 : PIPE_RESERVE;
	if (taken < slots)
		return (slots - taken) * page;
	return last ? page : 0; /* POLLOUT means one free slot */
}

/* POLLOUT on a stream socket means that a good part of the send buffer is free; use an eighth. */
static size_t socket_room(int fd)
{
	int size = 0;
	socklen_t length = sizeof(size);

	return getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) == 0 && size > 0
		       ? (size_t)size / 8
		       : 0;
}

size_t writable_bytes(int fd, bool last)
{
	struct pollfd writable = {.fd = fd, .events = POLLOUT};
	struct stat file;

	/* The system call, because glibc before 2.33 exports no fstat. */
	if (fd < 0 || syscall(SYS_fstat, fd, &file) < 0 || S_ISCHR(file.st_mode))
		return WRITABLE_NEVER;
	if (platform_poll_now(&writable, 1) < 0)
		return 0;
	if (writable.revents & (POLLERR | POLLHUP | POLLNVAL))
		return WRITABLE_NEVER;
	if (!(writable.revents & POLLOUT))
		return 0;
	if (S_ISFIFO(file.st_mode))
		return pipe_room(fd, last);
	if (S_ISSOCK(file.st_mode))
		return socket_room(fd);
	return SIZE_MAX - 1;
}

size_t writable_for_unknown(int fd, size_t ample, bool last)
{
	size_t room = writable_bytes(fd, last);
	int queued;

	if (room == WRITABLE_NEVER || room >= ample)
		return room;
	return room && ioctl(fd, FIONREAD, &queued) == 0 && !queued ? room : 0;
}
