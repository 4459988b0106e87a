/* shell_script.c -- which program a shell script runs in the end, as far as it can be read */
/* SPDX-License-Identifier: MIT */
/*
 * Understands words, quotes, comments, redirections, assignments, `export`, `unset`, `exec`, "$@";
 * everything else that has a meaning to the shell ends the reading. "Not known" is better than a
 * wrong answer. Source: POSIX.1-2017, Shell Command Language.
 */
#include "command/check/shell_script.h"

#include "command/check/shell_words.h"
#include "command/options.h"

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A script while it is read. */
struct reading {
	struct shell_words command;
	char *const *program; /* what it runs, as far as it was read */
	bool changes_folder;  /* there was a cd: a relative path leads elsewhere */
};

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

static bool unclear(struct reading *reading, const char *why)
{
	reading->command.why = why;
	return false;
}

static size_t assignment(const char *word)
{
	size_t length =
		strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

	return length && word[length] == '=' ? length : 0;
}

/* NAME=VALUE. A value that only the shell knows does not matter where the name does not. */
static bool assign(struct reading *reading, size_t i)
{
	const char *word = reading->command.words[i];
	bool matters = !strncmp(word, "LD_", 3) || !strncmp(word, "PATH=", 5) ||
		       !strncmp(word, "IDLEFLUSH_", 10) || !strncmp(word, "PYTHONUNBUFFERED=", 17);

	if (reading->command.expands[i] && matters)
		return unclear(reading, "a variable that matters is computed");
	if (matters)
		putenv(reading->command.words[i]);
	return true;
}

/* One of the shell's own commands, after which it goes on. False: that is not one, or unclear. */
static bool run_builtin(struct reading *reading, size_t first)
{
	static const char *const harmless[] = {":",      "true",  "false", "set",      "umask",
					       "ulimit", "trap",  "echo",  "printf",   "test",
					       "[",      "shift", "wait",  "readonly", NULL};
	const char *name = reading->command.words[first];

	if (!strcmp(name, "cd"))
		return reading->changes_folder = true;
	if (!strcmp(name, "export")) {
		for (size_t i = first + 1; i < reading->command.count; i++)
			if (assignment(reading->command.words[i]) && !assign(reading, i))
				return false;
		return true;
	}
	if (!strcmp(name, "unset")) {
		for (size_t i = first + 1; i < reading->command.count; i++)
			if (*reading->command.words[i] && !strchr(reading->command.words[i], '='))
				unsetenv(reading->command.words[i]);
		return true;
	}
	return is_one_of(name, harmless);
}

/* Programs that end at once, which are common at the beginning of scripts. */
static bool is_helper(const char *name)
{
	static const char *const helpers[] = {"mkdir", "chown", "chmod",   "rm",    "ln",  "cp",
					      "mv",    "touch", "install", "sleep", "cat", NULL};

	return is_one_of(name, helpers);
}

/* Takes the program that the command at `first` is. False: unclear. */
static bool take_program(struct reading *reading, size_t first)
{
	static const char *const reserved[] = {
		"if",   "then", "else",   "elif",     "fi",      "for",     "do", "done",
		"case", "esac", "while",  "until",    "{",       "}",       "!",  "[[",
		"eval", ".",    "source", "function", "command", "builtin", NULL};
	const char *name = reading->command.words[first];
	char **copy;

	if (is_one_of(name, reserved))
		return unclear(reading, "more than simple commands");
	if (reading->command.expands[first])
		return unclear(reading, "a program whose name is computed");
	if (reading->changes_folder && *name != '/' && strchr(name, '/'))
		return unclear(reading, "a program in another folder");
	copy = calloc(reading->command.count - first + 1, sizeof(*copy));
	if (!copy)
		err(EXIT_FAILED, NULL);
	memcpy(copy, reading->command.words + first,
	       (reading->command.count - first) * sizeof(*copy));
	reading->program = copy;
	return true;
}

/* False: the script ends there, or it is unclear. */
static bool take_command(struct reading *reading)
{
	struct shell_words *command = &reading->command;
	bool is_last = false, is_condition;
	size_t first = 0;

	while (first < command->count && assignment(command->words[first]))
		if (!assign(reading, first++))
			return false;
	if (first < command->count && !strcmp(command->words[first], "exec")) {
		is_last = ++first < command->count;
		if (is_last && *command->words[first] == '-')
			return unclear(reading, "an option of exec");
	}
	if (first == command->count)
		return true;
	is_condition = *command->at == '&' && (!strcmp(command->words[first], "test") ||
					       !strcmp(command->words[first], "["));
	if (is_condition)
		return unclear(reading, "a condition");
	if (!is_last && !strcmp(command->words[first], "exit"))
		return false;
	if (!is_last && run_builtin(reading, first))
		return true;
	if (command->why)
		return false;
	if (reading->program)
		return unclear(reading, "more than one program");
	if (!is_last && is_helper(command->words[first]))
		return true;
	return take_program(reading, first) && !is_last;
}

enum shell_outcome shell_script_read(struct shell_script *script, const char *text,
				     char *const *arguments)
{
	static struct reading reading;
	struct shell_words *command = &reading.command;
	const char *start = text; /* of the command that is being read */

	reading = (struct reading){.command = {.at = text, .arguments = arguments}};
	while (shell_words_read(command)) {
		if (command->count && !take_command(&reading))
			break;
		if (!*command->at)
			break;
		start = ++command->at;
	}
	*script = (struct shell_script){.command = reading.program, .line = 1, .why = command->why};
	if (!script->why)
		return script->command ? SHELL_RUNS : SHELL_ALONE;
	for (const char *at = text; at < start; at++)
		script->line += *at == '\n';
	return SHELL_UNCLEAR;
}
