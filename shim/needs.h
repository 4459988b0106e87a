/* needs.h -- which libraries a program brings in, its own and theirs */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_NEEDS_H
#define IDLEFLUSH_NEEDS_H

#include <stddef.h>

#include "program.h"

#define NEEDS_MOST 200
#define NEEDS_NAME 128

/*
 * The names of the libraries that come with a dynamic program. Those of libraries that are not
 * found where its libc is, nor by LD_LIBRARY_PATH, are missing; an RPATH is not followed.
 */
struct needs {
	size_t count;
	char names[NEEDS_MOST][NEEDS_NAME];
};

void needs_collect(struct needs *needs, const struct program *program);

/* The first of them whose name begins with `prefix`, or NULL. */
const char *needs_find(const struct needs *needs, const char *prefix);

#endif
