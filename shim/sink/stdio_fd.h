/* stdio_fd.h -- which files stdout and stderr are */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STDIO_FD_H
#define IDLEFLUSH_STDIO_FD_H

#include "base/platform.h"

#include <sys/stat.h>
#include <sys/syscall.h>

/* Is this the number of one of them? */
static inline bool stdio_fd_is_number(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/*
 * Does `file`, filled in by fstat(2), describe the same file as stdout or stderr? The log socket of
 * a service manager or the pipe of a container may have several descriptors. Two system calls; any
 * context; errno may change.
 */
static inline bool stdio_fd_is_file(const struct stat *file)
{
	struct stat theirs;

	/* The system call, because glibc before 2.33 exports no fstat. */
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (syscall(SYS_fstat, fd, &theirs) == 0 && theirs.st_dev == file->st_dev &&
		    theirs.st_ino == file->st_ino)
			return true;
	return false;
}

#endif
