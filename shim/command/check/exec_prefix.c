/* exec_prefix.c -- commands that set something up and then run the rest of their arguments */
/* SPDX-License-Identifier: MIT */
#include "command/check/exec_prefix.h"
#include "command/options.h"
#include "command/program.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum effect {
	EFFECT_NONE,
	EFFECT_ENV,     /* env(1) */
	EFFECT_SU,      /* runs a shell: su(1), and runuser(1) in one of its two forms */
	EFFECT_SETPRIV, /* setpriv(1) */
	EFFECT_CLEARS,  /* takes LD_PRELOAD out of the environment */
	EFFECT_USER,    /* its first operand is a user */
	EFFECT_ROOT,    /* its first operand is a folder, the root from then on */
	EFFECT_PRELOADS /* the launcher itself */
};

static const struct kind {
	const char *name;
	const char *letters; /* of the options that take a value */
	const char *words;   /* the long ones, by commas: the value may be the next word */
	int operands;        /* so many words come before the command */
	enum effect effect;
} kinds[] = {
	{"env", "uCS", "unset,chdir,split-string", 0, EFFECT_ENV},
	{"nohup", "", "", 0, EFFECT_NONE},
	{"setsid", "", "", 0, EFFECT_NONE},
	{"nice", "n", "adjustment", 0, EFFECT_NONE},
	{"ionice", "cnpPu", "class,classdata,pid,pgid,uid", 0, EFFECT_NONE},
	{"stdbuf", "ioe", "input,output,error", 0, EFFECT_NONE},
	{"timeout", "ks", "kill-after,signal", 1, EFFECT_NONE},
	{"taskset", "", "", 1, EFFECT_NONE},
	{"chrt", "TPD", "sched-runtime,sched-period,sched-deadline", 1, EFFECT_NONE},
	{"prlimit", "", "", 0, EFFECT_NONE},
	{"flock", "wE", "timeout,wait,conflict-exit-code", 1, EFFECT_NONE},
	{"tini", "pe", "", 0, EFFECT_NONE},
	{"tini-static", "pe", "", 0, EFFECT_NONE},
	{"docker-init", "pe", "", 0, EFFECT_NONE},
	{"dumb-init", "r", "rewrite", 0, EFFECT_NONE},
	{"catatonit", "", "", 0, EFFECT_NONE},
	{"gosu", "", "", 1, EFFECT_USER},
	{"su-exec", "", "", 1, EFFECT_USER},
	{"s6-setuidgid", "", "", 1, EFFECT_USER},
	{"setpriv", "",
	 "ambient-caps,inh-caps,bounding-set,ruid,euid,reuid,rgid,egid,regid,groups,securebits,"
	 "selinux-label,apparmor-profile,pdeathsig",
	 0, EFFECT_SETPRIV},
	{"su", "cgGswT", "command,session-command,group,supp-group,shell,whitelist-environment", 0,
	 EFFECT_SU},
	{"runuser", "cgGswuT",
	 "command,session-command,group,supp-group,shell,whitelist-environment,user", 0, EFFECT_SU},
	{"sudo", "ugChprtTUDR",
	 "user,group,close-from,host,prompt,role,type,command-timeout,other-user,chdir,chroot", 0,
	 EFFECT_CLEARS},
	{"doas", "uCa", "", 0, EFFECT_CLEARS},
	{"chroot", "", "groups,userspec", 1, EFFECT_ROOT},
	{"idleflush", "imb", "idle,max-age,heartbeat,buffer,signals,start,runtimes,files,only,pid",
	 0, EFFECT_PRELOADS},
};

static const struct kind *find_kind(const char *path)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(program_file_name(path), kinds[i].name))
			return &kinds[i];
	return NULL;
}

static char *const *make_argv(const char *first, const char *second, const char *third)
{
	const char **argv = calloc(4, sizeof(*argv));

	if (!argv)
		err(EXIT_FAILED, NULL);
	argv[0] = first;
	argv[1] = second;
	argv[2] = third;
	return (char *const *)argv;
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

/* Is the option `word`, "--name" or "--name=value", `name` or an abbreviation of it? */
static bool is_option(const char *word, const char *name, size_t length)
{
	size_t given = strcspn(word + 2, "=");

	return given && given <= length && !strncmp(word + 2, name, given);
}

/* One of a list of long options by commas? */
static bool is_listed(const char *word, const char *list)
{
	while (*list) {
		size_t length = strcspn(list, ",");

		if (is_option(word, list, length))
			return true;
		list += length + !!list[length];
	}
	return false;
}

/* Notes what an option does. `option`: its letter, or -NAME. `value`: NULL if it takes none. */
static void heed(const struct kind *kind, struct exec_prefix *prefix, const char *option,
		 const char *value)
{
	bool is_long = option[0] == '-';
	char letter = *option;

	if (kind->effect == EFFECT_ENV) {
		if (is_long ? is_option(option - 1, "ignore-environment", 18) : letter == 'i')
			clearenv();
		if ((is_long ? is_option(option - 1, "unset", 5) : letter == 'u') && value &&
		    *value && !strchr(value, '='))
			unsetenv(value);
	}
	if (kind->effect == EFFECT_SETPRIV && is_long) {
		if (is_option(option - 1, "reset-env", 9)) {
			clearenv();
			prefix->drops = "starts with a new environment";
		} else if (is_option(option - 1, "reuid", 5) || is_option(option - 1, "euid", 4)) {
			prefix->user = value;
		}
	}
	if (kind->effect != EFFECT_SU)
		return;
	if (is_long ? is_option(option - 1, "login", 5) : letter == 'l')
		prefix->drops = "is a login, with a new environment";
	if (is_long ? is_option(option - 1, "user", 4) : letter == 'u')
		prefix->user = value;
	if ((is_long ? is_option(option - 1, "command", 7) : letter == 'c') && value)
		prefix->command = make_argv("sh", "-c", value);
}

/*
 * Passes over the options in one word, and over the value that the last of them may have in the
 * next word. Returns how many words that were.
 */
static int pass_options(const struct kind *kind, struct exec_prefix *prefix, char *const *word)
{
	if ((*word)[1] == '-') {
		const char *equals = strchr(*word, '=');
		bool takes = !equals && is_listed(*word, kind->words);

		heed(kind, prefix, *word + 1, equals ? equals + 1 : takes ? word[1] : NULL);
		return takes && word[1] ? 2 : 1;
	}
	for (const char *letter = *word + 1; *letter; letter++) {
		bool takes = strchr(kind->letters, *letter) != NULL;
		const char *value = !takes ? NULL : letter[1] ? letter + 1 : word[1];

		heed(kind, prefix, letter, value);
		if (takes)
			return letter[1] || !word[1] ? 1 : 2;
	}
	return 1;
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

/* Operands before the command, and the command itself. */
static void take_operands(const struct kind *kind, struct exec_prefix *prefix, char *const *word)
{
	bool runs_shell = kind->effect == EFFECT_SU && (prefix->command || !prefix->user);

	if (kind->effect == EFFECT_CLEARS) {
		unsetenv("LD_PRELOAD");
		prefix->drops = "takes LD_PRELOAD out of the environment: idleflush goes behind it";
	}
	for (; kind->effect == EFFECT_ENV && *word && strchr(*word, '='); word++)
		putenv(*word);
	if (runs_shell && *word && !strcmp(*word, "-")) {
		prefix->drops = "is a login, with a new environment";
		word++;
	}
	if (runs_shell && *word)
		prefix->user = *word++;
	if (runs_shell && !prefix->command)
		prefix->command = make_argv("sh", *word, *word ? word[1] : NULL);
	for (int i = 0; i < kind->operands && *word; i++, word++) {
		if (kind->effect == EFFECT_USER)
			prefix->user = *word;
		if (kind->effect == EFFECT_ROOT)
			prefix->root = *word;
	}
	if (!prefix->command)
		prefix->command = *word ? word : NULL;
	if (kind->effect == EFFECT_SU && prefix->drops)
		clearenv();
	prefix->preloads = kind->effect == EFFECT_PRELOADS;
}

/* NOLINTNEXTLINE(misc-no-recursion): once for each -S, and every one of them is of fewer words */
bool exec_prefix_read(struct exec_prefix *prefix, char *const *argv)
{
	const struct kind *kind = find_kind(argv[0]);

	*prefix = (struct exec_prefix){0};
	if (!kind)
		return false;
	for (argv++; *argv && **argv == '-' && strcmp(*argv, "--");) {
		char *const *rest;
		const char *text = kind->effect == EFFECT_ENV ? split_text(argv, &rest) : NULL;

		if (text)
			return exec_prefix_read(prefix, split(text, rest));
		if (!strcmp(*argv, "-")) {
			if (kind->effect == EFFECT_SU)
				break;
			if (kind->effect == EFFECT_ENV)
				clearenv();
		}
		argv += pass_options(kind, prefix, argv);
	}
	if (*argv && !strcmp(*argv, "--"))
		argv++;
	take_operands(kind, prefix, argv);
	return true;
}
