/* check_preload.h -- does the loader load the library, beside what else it loads? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_PRELOAD_H
#define IDLEFLUSH_CHECK_PRELOAD_H

#include <stdbool.h>
#include <sys/types.h>

#include "command/check/libraries.h"
#include "command/program.h"

/* Finds the library and preloads it as the launcher would. False: there is none. */
bool check_preload_library(void);

/* The library, after that. */
const struct program *check_preload_file(void);

/*
 * What LD_PRELOAD is in the end, for a program that loads `libraries` and runs as `user` (NULL: as
 * we do). True if the program does not start with it.
 */
bool check_preload(const struct libraries *libraries, const char *user);

/*
 * Reports why a running process does not have it, as far as its program, its environment and files
 * show.
 */
void check_preload_of_process(pid_t pid);

#endif
