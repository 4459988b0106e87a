/* mapping.c -- a file's bytes in memory */
/* SPDX-License-Identifier: MIT */
#include "command/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int mapping_open(struct mapping *mapping, const char *path)
{
	struct stat file;
	void *bytes;
	int fd, error;

	/* Looked at first: to open a pipe would wait, to open a device may do something. */
	if (stat(path, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EACCES;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	mapping->length = (size_t)file.st_size;
	bytes = mmap(NULL, mapping->length + !mapping->length, PROT_READ, MAP_PRIVATE, fd, 0);
	error = bytes == MAP_FAILED ? -errno : 0;
	mapping->bytes = bytes;
	close(fd);
	return error;
}

void mapping_close(struct mapping *mapping)
{
	munmap((void *)(uintptr_t)mapping->bytes, mapping->length + !mapping->length);
}
