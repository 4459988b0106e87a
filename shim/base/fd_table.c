/* fd_table.c -- a descriptor table of its own for the flusher thread, and how it gets at others */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: who has the table (written by that thread, and when it has ended), and that it must go.
 * pidfd_getfd(2) on our own process needs no right: the kernel lets a thread group look into
 * itself. Both it and /proc show the main thread's table; when that has left by pthread_exit,
 * there is none, and the borrow fails.
 */
#include "base/fd_table.h"

#include "base/platform.h"

#include <linux/close_range.h>
#include <stdatomic.h>

static _Atomic pid_t owner; /* the thread that has a table of its own; 0: none */
static _Atomic bool needed; /* for good in this process */
static int process;         /* its pidfd in that table; that thread's */

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

int fd_table_leave(void)
{
	if (syscall(SYS_close_range, 0, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		return -errno;
	atomic_store(&owner, (pid_t)syscall(SYS_gettid));
	/* At 0, 1 and 2, where nothing must be written by mistake. */
	process = (int)syscall(SYS_pidfd_open, getpid(), 0);
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
	/* EBADF: the program has closed it, and nothing can be done anyhow. */
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
