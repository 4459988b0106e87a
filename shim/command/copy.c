/* copy.c -- `idleflush --copy-to=DIR`: copies the command and its library, where there is no cp */
/* SPDX-License-Identifier: MIT */
/*
 * An image that contains nothing else can so put them on another container's volume. A file that is
 * already there is replaced by rename(2): a process that has it mapped keeps the old one. Writing
 * into the file would change that process's code.
 */
#include "command/copy.h"
#include "command/preload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1 << 20)

static int copy_bytes(int to, int from)
{
	ssize_t copied;

	while ((copied = sendfile(to, from, NULL, CHUNK)) > 0)
		;
	if (copied < 0 || fchmod(to, 0755))
		return -errno;
	return 0;
}

/* `path` to `name` in `directory`. */
static int copy_file(const char *path, int directory, const char *name)
{
	char temporary[64];
	int from = open(path, O_RDONLY | O_CLOEXEC), to, error;

	if (from < 0)
		return -errno;
	snprintf(temporary, sizeof(temporary), ".%s.%ld", name, (long)getpid());
	to = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	error = to < 0 ? -errno : copy_bytes(to, from);
	close(from);
	if (to < 0)
		return error;
	/* A full disk may show only now. */
	if (close(to) && !error)
		error = -errno;
	if (!error && renameat(directory, temporary, directory, name))
		error = -errno;
	if (error)
		unlinkat(directory, temporary, 0);
	return error;
}

int copy_to(const char *directory, const char *library)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = copy_file(library, fd, PRELOAD_LIBRARY);
	if (!error)
		error = copy_file("/proc/self/exe", fd, "idleflush");
	close(fd);
	return error;
}
