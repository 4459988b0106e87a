/* resolve_command.h -- from COMMAND to the program that runs in the end, past scripts and env */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_RESOLVE_COMMAND_H
#define IDLEFLUSH_RESOLVE_COMMAND_H

#include <stdbool.h>

#include "command/program.h"

/* Where it ends. */
struct resolved_command {
	struct program program;
	const char *name;              /* the argv[0] that it gets, without the folder */
	char thread[PROGRAM_PATH_MAX]; /* its thread's: the file executed, so a script's own name */
};

/*
 * Follows scripts to their interpreters as execvp(3) does, and programs such as env(1) that only
 * run another to that one. Reports each step, and what would stop it. What env would change in the
 * environment is changed in this process's own. False: it cannot be run, and that is reported.
 * Runs nothing.
 */
bool resolve_command(struct resolved_command *resolved, char *const *command);

#endif
