/* check_program.h -- can the library be loaded into a program, and flush what it prints? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CHECK_PROGRAM_H
#define IDLEFLUSH_CHECK_PROGRAM_H

#include <stdbool.h>

#include "command/check/libraries.h"
#include "command/check/resolve_command.h"
#include "shared/config.h"

/* What kind of program it is. False: the library cannot be loaded into it. */
bool check_program_kind(const struct program *program);

/*
 * That, its libc, and what it prints with (unless `config` is NULL). `libraries` are filled in.
 * True if the loader would complain on stderr about the library.
 */
bool check_program(const struct resolved_command *resolved, struct libraries *libraries,
		   const struct config *config);

#endif
