/* resolve_command.c -- from COMMAND to the program that runs in the end, past scripts and env */
/* SPDX-License-Identifier: MIT */
#include "command/check/resolve_command.h"
#include "command/options.h"
#include "command/check/report.h"
#include "command/check/exec_prefix.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_MOST 20
#define SHELL      "/bin/sh" /* what execvp(3) gives a file to that the kernel does not know */

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Why the file cannot be executed, as the rest of a sentence, or NULL. */
static const char *refusal(const char *path)
{
	struct stat file;

	if (stat(path, &file))
		return errno == ENOENT ? "is not there" : strerror(errno);
	if (S_ISDIR(file.st_mode))
		return "is a directory";
	if (!S_ISREG(file.st_mode) || access(path, X_OK))
		return "is not executable";
	return NULL;
}

static bool find(char path[PROGRAM_PATH_MAX], const char *name)
{
	const char *why = strchr(name, '/') ? refusal(name) : "is not in PATH";

	if (program_find(path, name))
		return true;
	report_obstacle("command", "%s %s", *name ? name : "''", why ? why : "is not executable");
	return false;
}

/* The arguments of an interpreter: its own name, the script's argument, the script and its own. */
static char *const *interpreter_argv(const struct program *script, const char *interpreter,
				     char *const *argv)
{
	size_t count = 0, used = 0;
	char **made;

	while (argv[count])
		count++;
	made = calloc(count + 4, sizeof(*made));
	if (!made)
		err(EXIT_FAILED, NULL);
	made[used++] = strdup(interpreter);
	if (*script->argument)
		made[used++] = strdup(script->argument);
	made[used++] = strdup(script->path);
	for (size_t i = 1; i < count; i++)
		made[used++] = argv[i];
	return made;
}

/* Goes from a script to what is no script. False: it cannot be run. */
static bool follow_scripts(struct resolved_command *resolved, char *const **argv)
{
	struct program *program = &resolved->program;
	static char path[PROGRAM_PATH_MAX];

	strcpy(path, program->path);
	for (int depth = 0; !program_inspect(program, path); depth++) {
		bool plain = program->kind == PROGRAM_OTHER && !depth;
		const char *why;

		if (program->kind != PROGRAM_SCRIPT && !plain)
			return true;
		if (depth == PROGRAM_SCRIPT_DEPTH) {
			report_obstacle("script", "too many interpreters that are scripts");
			return false;
		}
		strcpy(path, plain ? SHELL : program->interpreter);
		report_line("script", "%s: %s%s%s%s", program->path,
			    plain ? "no #! line, so run by " : "run by ", path,
			    *program->argument ? " " : "", program->argument);
		why = refusal(path);
		if (why) {
			report_obstacle("command", "its interpreter %s %s", path, why);
			return false;
		}
		*argv = interpreter_argv(program, path, *argv);
		if (plain)
			strcpy(resolved->thread, last_component(path));
	}
	return true; /* cannot be read, and so be no script */
}

/* LD_PRELOAD does not get through a program that the loader does not trust with it. */
static bool passes_on(const struct program *program)
{
	if (!program->set_id && !program->capabilities)
		return true;
	report_obstacle("command", "%s runs with rights of its own and drops LD_PRELOAD",
			program->path);
	return false;
}

bool resolve_command(struct resolved_command *resolved, char *const *argv)
{
	struct program *program = &resolved->program;

	for (int step = 0; step < STEPS_MOST; step++) {
		char *const *inner;

		if (!find(program->path, argv[0]))
			return false;
		strcpy(resolved->thread, last_component(program->path));
		if (!follow_scripts(resolved, &argv))
			return false;
		resolved->name = last_component(argv[0]);
		inner = exec_prefix_command(argv);
		if (!inner)
			return true;
		report_line("wrapper", "%s: runs %s", program->path, *inner);
		if (!passes_on(program))
			return false;
		argv = inner;
	}
	report_obstacle("command", "runs itself again and again");
	return false;
}
