/* options.c -- the launcher's options: from argv into the environment, --help, --version */
/* SPDX-License-Identifier: MIT */
/*
 * Strict where the library is tolerant: a bad option ends here with 125, before anything runs.
 */
#include "command/options.h"
#include "shared/config.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELP_COLUMN 26
#define HELP_WIDTH  80

/* What getopt_long returns; the settings' options follow OPTION_SETTING in their order. */
enum {
	OPTION_STRICT = 256,
	OPTION_CHECK,
	OPTION_PID,
	OPTION_JSON,
	OPTION_PRINT_LIBRARY,
	OPTION_COPY_TO,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_SETTING
};

static void print_option(const struct config_setting *setting)
{
	char left[HELP_WIDTH], fallback[HELP_WIDTH] = "";
	int length, room;

	length = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s%s", setting->letter ? '-' : ' ',
			  setting->letter ? setting->letter : ' ', setting->letter ? ',' : ' ',
			  setting->option,
			  setting->optional   ? "[="
			  : setting->argument ? "="
					      : "",
			  setting->argument ? setting->argument : "", setting->optional ? "]" : "");
	if (setting->fallback)
		snprintf(fallback, sizeof(fallback), "default: %s", setting->fallback);
	printf("%s%s%*s%s", left, length < HELP_COLUMN ? "" : "\n",
	       length < HELP_COLUMN ? HELP_COLUMN - length : HELP_COLUMN, "", setting->help);
	room = HELP_WIDTH - HELP_COLUMN - (int)strlen(setting->help) - 2;
	if (*fallback && (int)strlen(fallback) <= room)
		printf("; %s", fallback);
	else if (*fallback)
		printf(";\n%*s%s", HELP_COLUMN, "", fallback);
	putchar('\n');
}

static void print_help(void)
{
	puts("Usage: idleflush [OPTION]... COMMAND [ARG]...\n"
	     "   or: idleflush [OPTION]... --check COMMAND [ARG]...\n"
	     "   or: idleflush --check --pid=PID\n"
	     "   or: idleflush --print-library | --copy-to=DIR\n"
	     "Run COMMAND, an unmodified server, so that its lines on stdout come within\n"
	     "milliseconds and survive its end.\n");
	for (const struct config_setting *setting = config_settings; setting->env; setting++)
		if (setting->option)
			print_option(setting);
	printf("      --strict            fail where --check says that it will not work\n"
	       "      --check             run nothing; say whether it will work, and why not\n"
	       "      --pid=PID           with --check: examine a running process\n"
	       "      --json              with --pid: counters, as one line of JSON\n"
	       "      --print-library     say where the library is, for LD_PRELOAD, and exit\n"
	       "      --copy-to=DIR       put command and library into DIR, and exit\n"
	       "      --help              show this help and exit\n"
	       "      --version           show the version and exit\n"
	       "\n"
	       "TIME is a number with an optional unit: us, ms, s (the default), m, h, d.\n"
	       "SIZE is a number of bytes with an optional unit: K, KB, M, MB, G, GB.\n"
	       "Each option exports a variable, --max-age IDLEFLUSH_MAX_AGE, that works without\n"
	       "it too. IDLEFLUSH_DISABLE=1 in the environment makes idleflush do nothing.\n"
	       "\n"
	       "Exit status: with --check 0 if it works or is not needed, 1 if not, 125 if that\n"
	       "cannot be told; else that of COMMAND, or\n"
	       "  125  if idleflush itself fails\n"
	       "  126  if COMMAND is found but cannot be invoked\n"
	       "  127  if COMMAND cannot be found\n"
	       "\n"
	       "Example:\n"
	       "  idleflush --stats ./server | tee server.log\n");
}

/* Ends the process: what was asked for is out, or 125. */
static _Noreturn void exit_printed(void)
{
	if (ferror(stdout) || fclose(stdout))
		err(EXIT_FAILED, "write error");
	exit(EXIT_SUCCESS);
}

static _Noreturn void exit_usage(void)
{
	fprintf(stderr, "Try '%s --help' for more information.\n", program_invocation_short_name);
	exit(EXIT_FAILED);
}

/* COMMAND may change its directory before it writes to `path`. */
static void export_path(const char *name, const char *path)
{
	char *directory = getcwd(NULL, 0), *absolute;

	if (!directory || asprintf(&absolute, "%s/%s", directory, path) < 0)
		err(EXIT_FAILED, "cannot tell the working directory");
	options_export(name, absolute);
	free(absolute);
	free(directory);
}

/* A setting that has no effect is treated as a mistake. */
static void refuse_useless(bool gives_idle, bool gives_stats)
{
	const char *slash;
	struct config config;

	config_read(&config, NULL);
	if (gives_idle && config.max_age_ns && config.idle_ns > config.max_age_ns) {
		warnx("--idle=%s has no effect: --max-age is shorter, %gms",
		      getenv("IDLEFLUSH_IDLE"), (double)config.max_age_ns / 1e6);
		exit_usage();
	}
	slash = gives_stats && config.stats_file ? strrchr(config.stats_file, '/') : NULL;
	if (slash && slash > config.stats_file) {
		char *folder = strndup(config.stats_file, (size_t)(slash - config.stats_file));

		if (folder && access(folder, F_OK)) {
			warn("--stats=%s cannot be written", config.stats_file);
			exit_usage();
		}
		free(folder);
	}
}

static void export_setting(const struct config_setting *setting, const char *value)
{
	struct config config = {0};
	int error = config_set(&config, setting, value);

	if (error) {
		const char *what = setting->argument ? setting->argument : "value";

		warnx(error == -ERANGE ? "%s out of range for --%s: '%s' (allowed: %s)"
				       : "invalid %s for --%s: '%s' (allowed: %s)",
		      what, setting->option, value, setting->allowed);
		exit_usage();
	}
	if (config.stats_file && *config.stats_file != '/')
		export_path(setting->env, config.stats_file);
	else
		options_export(setting->env, value);
}

/* The options for getopt_long, from the table of settings. */
static const struct option *list_options(void)
{
	static const struct option own[] = {
		{"strict", no_argument, NULL, OPTION_STRICT},
		{"check", no_argument, NULL, OPTION_CHECK},
		{"pid", required_argument, NULL, OPTION_PID},
		{"json", no_argument, NULL, OPTION_JSON},
		{"print-library", no_argument, NULL, OPTION_PRINT_LIBRARY},
		{"copy-to", required_argument, NULL, OPTION_COPY_TO},
		{"help", no_argument, NULL, OPTION_HELP},
		{"version", no_argument, NULL, OPTION_VERSION},
		{NULL, 0, NULL, 0}};
	static struct option *options;
	struct option *next;
	size_t count = 0;

	while (config_settings[count].env)
		count++;
	next = options = calloc(count + sizeof(own) / sizeof(own[0]), sizeof(*options));
	if (!options)
		err(EXIT_FAILED, NULL);
	for (size_t i = 0; i < count; i++) {
		const struct config_setting *setting = &config_settings[i];

		if (setting->option)
			*next++ = (struct option){setting->option,
						  setting->optional   ? optional_argument
						  : setting->argument ? required_argument
								      : no_argument,
						  NULL, OPTION_SETTING + (int)i};
	}
	memcpy(next, own, sizeof(own));
	return options;
}

/* The letters for getopt_long, from the same table; + ends the options at COMMAND. */
static const char *list_letters(void)
{
	static char letters[64] = "+";
	char *next = letters + 1;

	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		if (!setting->letter || next > letters + sizeof(letters) - 4)
			continue;
		*next++ = setting->letter;
		if (setting->argument)
			*next++ = ':';
		if (setting->optional)
			*next++ = ':';
	}
	return letters;
}

/* The setting of what getopt_long returned, or NULL: it is an option of the launcher's own. */
static const struct config_setting *find_setting(int option)
{
	const struct config_setting *setting = config_settings;

	if (option >= OPTION_SETTING)
		return &config_settings[option - OPTION_SETTING];
	while (setting->env && setting->letter != option)
		setting++;
	return setting->env ? setting : NULL;
}

static pid_t read_pid(const char *value)
{
	char *end;
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): the option requires it */
	long pid = strtol(value, &end, 10);

	if (*value < '1' || *value > '9' || *end || pid > INT_MAX) {
		warnx("invalid PID for --pid: '%s' (allowed: one process, by its number)", value);
		exit_usage();
	}
	return (pid_t)pid;
}

struct options options_read(int argc, char **argv)
{
	const struct option *options = list_options();
	const char *letters = list_letters();
	struct options given = {0};
	bool gives_idle = false, gives_stats = false;
	int option;

	/* getopt_long names the program by it: without the directory, as all our messages */
	if (argc > 0)
		argv[0] = program_invocation_short_name;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct config_setting *setting = find_setting(option);

		if (setting) {
			export_setting(setting, optarg ? optarg : "1");
			gives_idle = gives_idle || setting->letter == 'i';
			gives_stats = gives_stats || setting->form == CONFIG_OUTPUT;
		} else if (option == OPTION_STRICT) {
			given.strict = true;
		} else if (option == OPTION_CHECK) {
			given.check = true;
		} else if (option == OPTION_PID) {
			given.pid = read_pid(optarg);
		} else if (option == OPTION_JSON) {
			given.json = true;
		} else if (option == OPTION_PRINT_LIBRARY) {
			given.print_library = true;
		} else if (option == OPTION_COPY_TO) {
			given.copy_to = optarg;
		} else if (option == OPTION_HELP) {
			print_help();
			exit_printed();
		} else if (option == OPTION_VERSION) {
			puts("idleflush " IDLEFLUSH_VERSION "\nLicense MIT. There is no warranty.");
			exit_printed();
		} else {
			exit_usage();
		}
	}
	refuse_useless(gives_idle, gives_stats);
	given.command = argv + optind;
	if ((given.pid && !given.check) || (given.json && !given.pid))
		warnx("%s only", given.pid ? "--pid goes with --check" : "--json goes with --pid");
	else if (given.pid && optind < argc)
		warnx("--pid and a COMMAND do not go together");
	else if ((given.print_library || given.copy_to) && optind < argc)
		warnx("--print-library and --copy-to run no COMMAND");
	else if (!given.pid && !given.print_library && !given.copy_to && optind >= argc)
		warnx("missing operand");
	else
		return given;
	exit_usage();
}

void options_export(const char *name, const char *value)
{
	if (setenv(name, value, 1))
		err(EXIT_FAILED, "cannot set %s", name);
}
