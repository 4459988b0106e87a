/* check.h -- idleflush --check: will it work for a command, and does it in a running process? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_H
#define IDLEFLUSH_CHECK_H

#include <sys/types.h>

/*
 * Prints a report about COMMAND, of which nothing is run: what runs in the end, what it is, and
 * whether the library would be loaded into it, awake, and able to flush what it prints. Returns
 * the exit status: 0 it will work, 1 it will not. Changes this process's environment.
 */
int check_command(char *const *command);

/*
 * Prints a report about the process, which goes on running: is the library loaded, awake, its
 * thread alive, what is pending and what was done so far. Returns the exit status: 0 it works, 1
 * it does not. Ends with EXIT_FAILED where there is no such process or too little may be read.
 */
int check_process(pid_t pid);

#endif
