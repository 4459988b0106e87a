/* resolve_command.h -- from COMMAND to the program that runs in the end */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_RESOLVE_COMMAND_H
#define IDLEFLUSH_RESOLVE_COMMAND_H

#include "command/program.h"

/* Where it ends. */
struct resolved_command {
	struct program program;
	const char *started; /* the file that is executed last: a script's own name */
	const char *script;  /* the last script on the way, or NULL */
	char *const *argv;   /* what it gets */
	const char *user;    /* as whom it runs, by name or number; NULL: as we do */
	enum {
		RESOLVED,        /* `program` is what prints */
		RESOLVED_SHELL,  /* a shell, whose script cannot be followed */
		RESOLVED_ALONE,  /* a shell that runs nothing else */
		RESOLVED_NOTHING /* it cannot be run */
	} end;
};

/*
 * Follows scripts to their interpreters as execvp(3) does, programs such as env(1) to the program
 * that they run, and shell scripts as far as they can be read. Reports each step, and what stops
 * it. What they would change in the environment is changed in that of this process. Runs nothing.
 */
void resolve_command(struct resolved_command *resolved, char *const *command);

#endif
