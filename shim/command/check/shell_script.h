/* shell_script.h -- which program a shell script runs in the end, as far as it can be read */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SHELL_SCRIPT_H
#define IDLEFLUSH_SHELL_SCRIPT_H

enum shell_outcome {
	SHELL_RUNS,    /* one program, with nothing but the shell's own commands before it */
	SHELL_ALONE,   /* nothing but the shell's own commands, which write at once */
	SHELL_UNCLEAR, /* only a shell could tell */
};

struct shell_script {
	char *const *command; /* SHELL_RUNS: the program and its arguments */
	unsigned line;        /* SHELL_UNCLEAR: how far it could be read */
	const char *why;      /* and what stands there */
};

/*
 * Reads the text of a script whose own arguments are `arguments`, ended by NULL: simple commands,
 * one after another, as in most entrypoints. What they would export or unset is exported or unset
 * in the environment of this process. Runs nothing.
 */
enum shell_outcome shell_script_read(struct shell_script *script, const char *text,
				     char *const *arguments);

#endif
