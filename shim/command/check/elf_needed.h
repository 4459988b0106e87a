/* elf_needed.h -- which libraries a program brings in, its own and theirs */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_ELF_NEEDED_H
#define IDLEFLUSH_ELF_NEEDED_H

#include <stddef.h>

#include "command/program.h"

#define ELF_NEEDED_MOST 200
#define ELF_NEEDED_NAME 128

/*
 * The names of the libraries that come with a dynamic program. Those of libraries that are not
 * found where its libc is, nor by LD_LIBRARY_PATH, are missing; an RPATH is not followed.
 */
struct elf_needed {
	size_t count;
	char names[ELF_NEEDED_MOST][ELF_NEEDED_NAME];
};

void elf_needed_collect(struct elf_needed *needed, const struct program *program);

/* The first of them whose name begins with `prefix`, or NULL. */
const char *elf_needed_find(const struct elf_needed *needed, const char *prefix);

#endif
