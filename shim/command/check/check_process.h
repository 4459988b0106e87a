/* check_process.h -- `idleflush --check --pid PID`: how the library fares in a running process */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_PROCESS_H
#define IDLEFLUSH_CHECK_PROCESS_H

#include <sys/types.h>

/*
 * Prints a report about the process, which goes on running: is the library loaded, awake, its
 * thread alive, what is pending and what was done so far. Returns the exit status: 0 it works, 1
 * it does not. Ends with EXIT_FAILED where there is no such process or too little may be read.
 */
int check_process(pid_t pid);

#endif
