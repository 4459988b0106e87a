/* check.h -- idleflush --check: will it work for a command, and does it in a running process? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_H
#define IDLEFLUSH_CHECK_H

#include <stdbool.h>
#include <sys/types.h>

#include "command/program.h"

/*
 * Prints a report about COMMAND, without running anything: which program runs in the end, of what
 * kind it is, and whether the library would be loaded into it, awake, and able to flush what it
 * prints. Returns the exit status: 0 it will work, or needs no help; 1 it will not; EXIT_FAILED it
 * is not known. Changes this process's environment.
 */
int check_command(char *const *command);

/* What the launcher must know about COMMAND. */
struct check_answer {
	bool fails; /* it will not work */
	bool harms; /* it does not run with the library, or the loader complains on stderr */
	char reason[PROGRAM_PATH_MAX + 256]; /* for either, as in the report's last line */
};

/*
 * The same verdict without a report; the environment stays as it was. Without `whole` only about
 * what the loader will do, because it can take long to find out what the program prints with.
 */
void check_quietly(struct check_answer *answer, char *const *command, bool whole);

/*
 * Prints a report about the process, which goes on running: is the library loaded, awake, its
 * thread alive, what is pending and what was done so far. Returns the exit status: 0 it works, 1
 * it does not. Ends with EXIT_FAILED where there is no such process or too little may be read.
 */
int check_process(pid_t pid);

#endif
