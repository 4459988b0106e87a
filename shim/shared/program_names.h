/* program_names.h -- the names by which a person would call a running program: IDLEFLUSH_ONLY */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PROGRAM_NAMES_H
#define IDLEFLUSH_PROGRAM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Paths, or last components of paths; NULL: not known. The library collects those of its own
 * process, --check those of the program that it checks.
 */
struct program_names {
	const char *program;  /* the program's file, links followed: python3.11 */
	const char *started;  /* the file that was executed: a link's name, a script's */
	const char *called;   /* argv[0]; for a script, its interpreter's */
	const char *argument; /* the first argument that is not an option, if it is a script (#!) */
};

/* The first of `arguments` (argv[1] and so on) that is not an option, or NULL: it is no script. */
const char *program_names_script(const char *const *arguments);

/* Does the list of globs (see config_match) name one of them? */
bool program_names_match(const struct program_names *names, const char *list);

#endif
