/* mapping.h -- a file's bytes in memory */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_MAPPING_H
#define IDLEFLUSH_MAPPING_H

#include <stddef.h>

struct mapping {
	const unsigned char *bytes; /* never NULL where mapping_open said 0 */
	size_t length;
};

/*
 * Maps a regular file for reading. Returns 0 or a negative errno: -EACCES where it is not regular.
 * A file that is cut meanwhile gives SIGBUS; nobody cuts programs that run.
 */
int mapping_open(struct mapping *mapping, const char *path);

/* Undoes that. */
void mapping_close(struct mapping *mapping);

#endif
