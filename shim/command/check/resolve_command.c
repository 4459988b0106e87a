/* resolve_command.c -- from COMMAND to the program that runs in the end */
/* SPDX-License-Identifier: MIT */
#include "command/check/resolve_command.h"

#include "command/check/exec_prefix.h"
#include "command/check/report.h"
#include "command/check/shell_script.h"
#include "command/options.h"
#include "command/preload.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEPS_MOST  20
#define SCRIPT_MOST (1 << 20)
#define SHELL       "/bin/sh" /* what execvp(3) gives a file to that the kernel does not know */

static char *copy_of(const char *text, size_t length)
{
	char *copy = strndup(text, length);

	if (!copy)
		err(EXIT_FAILED, NULL);
	return copy;
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
	report_finding(VERDICT_FAILS, "command", "%s %s", *name ? name : "''",
		       why ? why : "is not executable");
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
	made[used++] = copy_of(interpreter, PROGRAM_PATH_MAX);
	if (*script->argument)
		made[used++] = copy_of(script->argument, PROGRAM_LINE_MAX);
	made[used++] = copy_of(script->path, PROGRAM_PATH_MAX);
	for (size_t i = 1; i < count; i++)
		made[used++] = argv[i];
	return made;
}

/* Goes from a script to what is no script. False: it cannot be run. */
static bool follow_interpreters(struct resolved_command *resolved)
{
	struct program *program = &resolved->program;
	static char path[PROGRAM_PATH_MAX], found[PROGRAM_PATH_MAX];

	strcpy(found, program->path);
	strcpy(path, found);
	resolved->started = copy_of(program_file_name(path), PROGRAM_PATH_MAX);
	for (int depth = 0; !program_inspect(program, path); depth++) {
		bool plain = program->kind == PROGRAM_OTHER && !depth;
		const char *why;

		if (program->kind != PROGRAM_SCRIPT && !plain)
			return true;
		if (depth == PROGRAM_SCRIPT_DEPTH) {
			report_finding(VERDICT_FAILS, "script",
				       "too many interpreters that are scripts");
			return false;
		}
		if (!depth)
			resolved->script = copy_of(program_file_name(path), PROGRAM_PATH_MAX);
		strcpy(path, plain ? SHELL : program->interpreter);
		report_line("script", "%s: %s%s%s%s", program->path,
			    plain ? "no #! line, so run by " : "run by ", path,
			    *program->argument ? " " : "", program->argument);
		why = refusal(path);
		if (why) {
			report_finding(VERDICT_FAILS, "command", "its interpreter %s %s", path,
				       why);
			return false;
		}
		resolved->argv = interpreter_argv(program, path, resolved->argv);
		if (plain)
			resolved->started = program_file_name(SHELL);
	}
	return true; /* it cannot be read, so it is not a script */
}

/* In a program with rights of its own, the loader removes LD_PRELOAD from the environment. */
static bool passes_on(const struct program *program)
{
	if (!program->set_id && !program->capabilities)
		return true;
	report_finding(VERDICT_FAILS, "command",
		       "%s runs with rights of its own and drops LD_PRELOAD", program->path);
	return false;
}

/* --- shells ----------------------------------------------------------------------------------- */

static bool is_shell(const char *name)
{
	static const char *const shells[] = {"sh", "bash", "dash", "ash"};

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (!strcmp(program_file_name(name), shells[i]))
			return true;
	return false;
}

/* A shell's script as text, and its arguments; NULL: it reads its commands elsewhere. */
static char *script_text(char *const *argv, char *const **arguments)
{
	struct mapping file;
	char *text;

	for (argv++; *argv && **argv == '-' && strcmp(*argv, "--"); argv++) {
		if (strspn(*argv + 1, "eux") == strlen(*argv + 1))
			continue;
		if (!strchr(*argv, 'c') || strspn(*argv + 1, "ceux") != strlen(*argv + 1) ||
		    !argv[1])
			return NULL;
		*arguments = argv[2] ? argv + 3 : argv + 2;
		return copy_of(argv[1], SCRIPT_MOST);
	}
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	if (!*argv || mapping_open(&file, *argv))
		return NULL;
	*arguments = argv + 1;
	text = copy_of((const char *)file.bytes,
		       file.length < SCRIPT_MOST ? file.length : SCRIPT_MOST);
	mapping_close(&file);
	return text;
}

/* True: what it runs is in `argv` now. */
static bool follow_shell(struct resolved_command *resolved)
{
	struct shell_script script;
	char *const *arguments;
	char *text = script_text(resolved->argv, &arguments);

	resolved->end = RESOLVED_SHELL;
	if (!text) {
		report_finding(VERDICT_UNKNOWN, "shell",
			       "what it starts gets the library, too; check that separately");
		return false;
	}
	switch (shell_script_read(&script, text, arguments)) {
	case SHELL_RUNS:
		report_line("shell", "%s: runs %s", resolved->program.path, *script.command);
		resolved->argv = script.command;
		return true;
	case SHELL_ALONE:
		resolved->end = RESOLVED_ALONE;
		return false;
	case SHELL_UNCLEAR:
		break;
	}
	report_finding(VERDICT_UNKNOWN, "shell",
		       "the script has %s in line %u; check separately what it starts", script.why,
		       script.line);
	return false;
}

/* --- one after the other ---------------------------------------------------------------------- */

/* True: what it runs is in `argv` now. */
static bool follow_prefix(struct resolved_command *resolved, const struct exec_prefix *prefix,
			  const char *preload)
{
	const struct program *program = &resolved->program;

	if (!prefix->command)
		return false;
	report_line("wrapper", "%s: runs %s", program->path, *prefix->command);
	if (prefix->drops)
		report_line("", "(it %s)", prefix->drops);
	if (prefix->preloads)
		options_export("LD_PRELOAD", preload_extend(getenv("LD_PRELOAD"), preload));
	else if (!passes_on(program))
		resolved->end = RESOLVED_NOTHING;
	if (prefix->root) {
		char real[PROGRAM_PATH_MAX];

		if (!realpath(prefix->root, real) || strcmp(real, "/")) {
			report_finding(VERDICT_UNKNOWN, "command",
				       "%s is the root from then on: check it in there",
				       prefix->root);
			resolved->end = RESOLVED_NOTHING;
		}
	}
	if (prefix->user)
		resolved->user = prefix->user;
	resolved->argv = prefix->command;
	return resolved->end != RESOLVED_NOTHING;
}

/* One step; true: there is another. */
static bool follow(struct resolved_command *resolved, const char *preload)
{
	struct program *program = &resolved->program;
	struct exec_prefix prefix;

	resolved->end = RESOLVED_NOTHING;
	if (!find(program->path, resolved->argv[0]) || !follow_interpreters(resolved))
		return false;
	resolved->end = RESOLVED;
	if (!strcmp(program_file_name(resolved->argv[0]), "busybox") && resolved->argv[1])
		resolved->argv++;
	if (exec_prefix_read(&prefix, resolved->argv))
		return follow_prefix(resolved, &prefix, preload);
	return is_shell(resolved->argv[0]) && follow_shell(resolved);
}

void resolve_command(struct resolved_command *resolved, char *const *command)
{
	const char *list = getenv("LD_PRELOAD");
	char *preload = copy_of(list ? list : "", PROGRAM_PATH_MAX);
	int steps = 0;

	resolved->argv = command;
	while (follow(resolved, preload))
		if (++steps == STEPS_MOST) {
			report_finding(VERDICT_FAILS, "command", "runs itself again and again");
			resolved->end = RESOLVED_NOTHING;
			return;
		}
}
