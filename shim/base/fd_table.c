/* fd_table.c -- a separate descriptor table for the flusher thread, which borrows descriptors */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: which thread has a table of its own, and whether it must end for that.
 * pidfd_getfd(2) needs no privilege within the same process. It and /proc show the table of the
 * main thread; if that has ended by pthread_exit there is none, and nothing can be borrowed.
 */
#include "base/fd_table.h"

#include "base/platform.h"

#include <linux/close_range.h>
#include <stdatomic.h>

static _Atomic pid_t owner; /* the thread that has a table of its own; 0: none */
static _Atomic bool needed; /* stays true in this process */
static int process;         /* a pidfd of this process, in that table; used by that thread only */

bool fd_table_is_filtered(void)
{
	return syscall(SYS_prctl, PR_GET_SECCOMP, 0, 0, 0, 0) != 0;
}

bool fd_table_is_own(void)
{
	pid_t thread = atomic_load_explicit(&owner, memory_order_relaxed);

	return thread && thread == (pid_t)syscall(SYS_gettid);
}

bool fd_table_is_used(void)
{
	return atomic_load_explicit(&owner, memory_order_relaxed) != 0;
}

void fd_table_announce(void)
{
	atomic_store(&owner, (pid_t)syscall(SYS_gettid));
}

int fd_table_leave(void)
{
	if (syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE) < 0) {
		fd_table_reset();
		return -errno;
	}
	/* Occupies 0, 1 and 2, so that nothing can be written there by mistake. */
	process = (int)syscall(SYS_pidfd_open, platform_pid(), 0);
	if (process != 0 || syscall(SYS_dup3, 0, 1, O_CLOEXEC) < 0 ||
	    syscall(SYS_dup3, 0, 2, O_CLOEXEC) < 0) {
		fd_table_need();
		return -EMFILE;
	}
	return 0;
}

int fd_table_borrow(int fd)
{
	long borrowed;

	if (!fd_table_is_own())
		return fd;
	borrowed = syscall(SYS_pidfd_getfd, process, fd, 0);
	/* EBADF: the program has closed it, so there is nothing to flush to. */
	if (borrowed < 0 && errno != EBADF)
		fd_table_need();
	return (int)borrowed;
}

void fd_table_give_back(int borrowed)
{
	if (borrowed > STDERR_FILENO && fd_table_is_own())
		syscall(SYS_close, borrowed);
}

void fd_table_need(void)
{
	atomic_store(&needed, true);
}

bool fd_table_is_needed(void)
{
	return atomic_load_explicit(&needed, memory_order_relaxed);
}

void fd_table_reset(void)
{
	atomic_store(&owner, 0);
}
