/* libraries.h -- which libraries a dynamic program brings in, its own and theirs; its libc */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_LIBRARIES_H
#define IDLEFLUSH_LIBRARIES_H

#include <stdbool.h>
#include <stddef.h>

#include "command/program.h"

#define LIBRARIES_MOST 300
#define LIBRARY_NAME   128

enum libc {
	LIBC_OTHER, /* one that we do not know */
	LIBC_GLIBC,
	LIBC_GLIBC_SPLIT, /* before 2.34: threads are a library of their own */
	LIBC_MUSL,
	LIBC_NONE, /* a loader, but no libc behind it */
};

struct libraries {
	enum libc libc;
	bool unlocked; /* does one of them write to stdio without locks? */
	size_t count;
	char names[LIBRARIES_MOST][LIBRARY_NAME];
};

/*
 * Collects them as ld.so(8) would: by RUNPATH, LD_LIBRARY_PATH, the loader's cache and the folder
 * of libc. If a library is not found, what it needs is missing. Nothing is run.
 */
void libraries_collect(struct libraries *libraries, const struct program *program);

/* Is there one whose name begins with `prefix`? */
bool libraries_have(const struct libraries *libraries, const char *prefix);

/*
 * The path by which the loader finds a library of that bare name, or NULL. Good until the next
 * call.
 */
const char *libraries_cached(const char *name);

#endif
