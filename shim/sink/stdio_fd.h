/* stdio_fd.h -- which files stdout and stderr are */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STDIO_FD_H
#define IDLEFLUSH_STDIO_FD_H

#include "base/platform.h"

#include <sys/stat.h>
#include <sys/syscall.h>

/* Is this one of their numbers? */
static inline bool stdio_fd_is_number(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/*
 * Is `file`, as fstat(2) tells it, the same as one of theirs? A service manager's log socket or a
 * container's pipe may sit on several numbers. Two system calls; any context; errno may change.
 */
static inline bool stdio_fd_is_file(const struct stat *file)
{
	struct stat theirs;

	/* The system call, for there is no symbol fstat in glibc before 2.33. */
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (syscall(SYS_fstat, fd, &theirs) == 0 && theirs.st_dev == file->st_dev &&
		    theirs.st_ino == file->st_ino)
			return true;
	return false;
}

#endif
