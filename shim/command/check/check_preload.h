/* check_preload.h -- will the loader find the library, and does what it stands beside let it in? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_PRELOAD_H
#define IDLEFLUSH_CHECK_PRELOAD_H

#include <stdbool.h>

#include "command/check/libraries.h"
#include "command/program.h"

/* Finds the library and puts it where the launcher would. False: there is none to go on with. */
bool check_preload_library(void);

/* The library, after that. */
const struct program *check_preload_file(void);

/*
 * What LD_PRELOAD holds in the end, in a program that has `libraries` and runs as `user` (NULL: as
 * we do). True where the program does not start with it.
 */
bool check_preload(const struct libraries *libraries, const char *user);

#endif
