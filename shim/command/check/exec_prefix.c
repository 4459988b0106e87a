/* exec_prefix.c -- programs that set something up and then run the rest of their arguments */
/* SPDX-License-Identifier: MIT */
#include "command/check/exec_prefix.h"
#include "command/options.h"

#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct exec_prefix {
	const char *name;
	const char *letters; /* of the options that take a value */
	int operands;        /* so many words come before the command */
} prefixes[] = {{"env", "uCS", 0},        {"nohup", "", 0},      {"setsid", "", 0},
		{"nice", "n", 0},         {"ionice", "cn", 0},   {"stdbuf", "ioe", 0},
		{"timeout", "ks", 1},     {"tini", "pe", 0},     {"tini-static", "pe", 0},
		{"docker-init", "pe", 0}, {"dumb-init", "r", 0}, {"catatonit", "", 0},
		{"gosu", "", 1},          {"su-exec", "", 1},    {"idleflush", "imb", 0}};

static const struct exec_prefix *find(const char *path)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strcmp(slash ? slash + 1 : path, prefixes[i].name))
			return &prefixes[i];
	return NULL;
}

/* The words of `text`, and behind them `rest`. Quotes and backslashes are not understood. */
static char *const *split(const char *text, char *const *rest)
{
	char *copy = strdup(text), *kept = NULL;
	size_t count = 0;
	char **words;

	while (rest[count])
		count++;
	words = calloc(strlen(text) + count + 2, sizeof(*words));
	if (!copy || !words)
		err(EXIT_FAILED, NULL);
	count = 1; /* the first word is the program's own name, as in its argv */
	words[0] = (char *)"env";
	for (char *word = strtok_r(copy, " \t", &kept); word; word = strtok_r(NULL, " \t", &kept))
		words[count++] = word;
	while (*rest)
		words[count++] = *rest++;
	return words;
}

/* env's options that matter to us. */
static void heed_env(char letter, const char *value)
{
	if (letter == 'i')
		clearenv();
	if (letter == 'u' && value && *value && !strchr(value, '='))
		unsetenv(value);
}

/*
 * Passes over the options in one word, and the value that the last may have in the next word.
 * Returns how many words that was.
 */
static int pass_options(const struct exec_prefix *exec_prefix, char *const *word, bool env)
{
	for (const char *letter = *word + 1; *letter; letter++) {
		bool takes = strchr(exec_prefix->letters, *letter) != NULL;
		const char *value = !takes ? NULL : letter[1] ? letter + 1 : word[1];

		if (env)
			heed_env(*letter, value);
		if (takes)
			return letter[1] || !word[1] ? 1 : 2;
	}
	return 1;
}

static void heed_long(const char *word)
{
	if (!strcmp(word, "--ignore-environment"))
		heed_env('i', NULL);
	else if (!strncmp(word, "--unset=", 8))
		heed_env('u', word + 8);
}

/* env -S TEXT, env -STEXT, env -vS TEXT; NULL: the word is not that. */
static const char *split_text(char *const *word, char *const **rest)
{
	const char *s = (*word)[1] == '-' ? NULL : strchr(*word, 'S');

	*rest = word + 1;
	if (!strncmp(*word, "--split-string=", 15))
		return *word + 15;
	if (!s || strcspn(*word, "uC") < (size_t)(s - *word))
		return NULL;
	if (s[1])
		return s + 1;
	*rest = word[1] ? word + 2 : word + 1;
	return word[1] ? word[1] : "";
}

/* NOLINTNEXTLINE(misc-no-recursion): once for each -S, and every one of them is of fewer words */
char *const *exec_prefix_command(char *const *argv)
{
	const struct exec_prefix *exec_prefix = find(argv[0]);
	bool env = exec_prefix && !strcmp(exec_prefix->name, "env");

	if (!exec_prefix)
		return NULL;
	for (argv++; *argv && **argv == '-';) {
		char *const *rest;
		const char *text = env ? split_text(argv, &rest) : NULL;

		if (text)
			return exec_prefix_command(split(text, rest));
		if (!strcmp(*argv, "--")) {
			argv++;
			break;
		}
		if (env && !strcmp(*argv, "-"))
			clearenv();
		if (env && (*argv)[1] == '-')
			heed_long(*argv);
		argv += (*argv)[1] == '-' ? 1 : pass_options(exec_prefix, argv, env);
	}
	for (; env && *argv && strchr(*argv, '='); argv++)
		putenv(*argv);
	for (int i = 0; i < exec_prefix->operands && *argv; i++)
		argv++;
	return *argv ? argv : NULL;
}
