/* output.h -- what a program prints with, and whether that can be kept fresh */
/* SPDX-License-Identifier: MIT */
/* Launcher only. */
#ifndef IDLEFLUSH_OUTPUT_H
#define IDLEFLUSH_OUTPUT_H

#include "command/check/libraries.h"
#include "command/check/report.h"
#include "command/check/resolve_command.h"
#include "shared/config.h"

/* A language runtime, or a program with buffers of its own. */
struct output {
	const char *name;
	const char *programs; /* globs by commas of the program's file name, or NULL */
	const char *option;   /* globs by commas, one of which an argument must match, or NULL */
	const char *library;  /* how the name of its library begins, or NULL */
	const char *text;     /* bytes that only its program files contain, or NULL */
	uint64_t runtime;     /* enum config_runtime: the library flushes it where that is set; 0 */
	enum verdict verdict; /* where the library does not */
	const char *says;
	const char *guide; /* what to do instead, or NULL */
};

/* The one that fits by the name of the program and its arguments, or NULL. */
const struct output *output_find_named(const struct program *program, char *const *argv);

/*
 * The one that fits: by the name of the program, else of the file that is executed, such as a
 * script, then by what is in its file, then by its libraries, which is `*inside`. NULL: none that
 * we know.
 */
const struct output *output_find(const struct resolved_command *resolved,
				 const struct libraries *libraries, bool *inside);

/* Does the library flush what that enum config_runtime holds back, with these settings? */
bool output_is_covered(uint64_t runtime, const struct config *config);

#endif
