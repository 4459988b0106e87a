/* chain.h -- from COMMAND to the program that runs in the end: scripts, env and its like */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHAIN_H
#define IDLEFLUSH_CHAIN_H

#include <stdbool.h>

#include "program.h"

/* Where it ends. */
struct chain {
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
bool chain_follow(struct chain *chain, char *const *command);

#endif
