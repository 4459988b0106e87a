/* runtime.h -- language runtimes, and whether their output passes through a buffer we can flush */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_RUNTIME_H
#define IDLEFLUSH_RUNTIME_H

#include <stdbool.h>

#include "command/check/elf_needed.h"
#include "command/program.h"

struct runtime {
	const char *name;
	const char *programs; /* globs, by commas, of the program's file name */
	const char *library;  /* how the name of its library begins, or NULL */
	bool covered;         /* do we flush what it holds back? */
	const char *says;
};

/*
 * The one that the program is, or has in it (`*inside`); NULL: none that we know, so C stdio is
 * what counts.
 */
const struct runtime *runtime_find(const struct program *program, const struct elf_needed *needed,
				   bool *inside);

#endif
