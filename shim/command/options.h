/* options.h -- the launcher's options: from argv into the environment, --help, --version */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_OPTIONS_H
#define IDLEFLUSH_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

/* Exit statuses of the launcher, as POSIX has them for env(1) and GNU for stdbuf(1). */
enum {
	EXIT_FAILED = 125,        /* the launcher itself */
	EXIT_CANNOT_INVOKE = 126, /* COMMAND is there but does not start */
	EXIT_NOT_FOUND = 127,     /* COMMAND is not there */
};

struct options {
	bool strict; /* --strict: end with EXIT_FAILED where COMMAND cannot be preloaded */
	bool check;  /* --check: say whether it will work instead of running COMMAND */
	bool json;   /* --json: a process, as one line of JSON */
	pid_t pid;   /* --pid: a running process to check, there is no COMMAND then; 0: none */
	bool print_library;  /* --print-library: say where the library is; there is no COMMAND */
	const char *copy_to; /* --copy-to: a directory for command and library, no COMMAND; NULL */
	char **command;      /* COMMAND and its arguments, ended by NULL; at least one */
};

/*
 * Reads the options before COMMAND and exports the variable of each setting that is given. Does
 * not come back from --help and --version (0, or EXIT_FAILED if they could not be written), nor
 * from a bad option, a bad value or no COMMAND or process (EXIT_FAILED). May change argv[0].
 */
struct options options_read(int argc, char **argv);

/* setenv(3) that overwrites, or ends the process with EXIT_FAILED. */
void options_export(const char *name, const char *value);

#endif
