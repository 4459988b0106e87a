/* memcheck.c -- runs the program of its own name under valgrind's memcheck */
/* SPDX-License-Identifier: MIT */
/*
 * BUILD/memcheck/NAME is a link to this, and runs BUILD/tests/NAME; reports go to BUILD/log.
 * Statically linked, and without valgrind's own launcher, which is a script: what is in LD_PRELOAD
 * is for the program only.
 */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL "/usr/libexec/valgrind/memcheck-amd64-linux"

int main(int argc, char **argv)
{
	char program[4096], log[4096], directory[2048];
	char **words = calloc((size_t)argc + 8, sizeof(*words));
	const char *build;
	int n = 0;

	if (!words)
		return 126;
	snprintf(directory, sizeof(directory), "%s", argv[0]);
	build = dirname(dirname(directory));
	snprintf(program, sizeof(program), "%s/tests/%s", build, basename(argv[0]));
	snprintf(log, sizeof(log), "--log-file=%s/log/valgrind.%%p", build);
	words[n++] = (char *)"valgrind";
	words[n++] = (char *)"-q";
	words[n++] = (char *)"--trace-children=no";
	words[n++] = log;
	words[n++] = program;
	memcpy(words + n, argv + 1, (size_t)argc * sizeof(*words)); /* with its NULL */
	setenv("VALGRIND_LAUNCHER", "/usr/bin/valgrind.bin", 1);
	setenv("VALGRIND_LIB", "/usr/libexec/valgrind", 1);
	execv(TOOL, words);
	return 126;
}
