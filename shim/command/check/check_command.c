/* check_command.c -- `idleflush --check COMMAND`: will it work, and why not */
/* SPDX-License-Identifier: MIT */
/*
 * Asks the same questions as the launcher, the loader and the library's constructor, in their
 * order, and by the same code where that is shared.
 */
#include "command/check/check.h"
#include "command/check/check_preload.h"
#include "command/check/check_program.h"
#include "command/check/report.h"
#include "command/check/resolve_command.h"
#include "command/options.h"
#include "shared/program_names.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* NOLINTNEXTLINE(readability-redundant-declaration): unistd.h has it under _GNU_SOURCE only */
extern char **environ;

/* --- what the settings will do in the program ------------------------------------------------- */

static void complain(const struct config_complaint *complaint)
{
	report_line("setting", "%s%s%s%s%s", complaint->env, complaint->value ? "=" : "",
		    complaint->value ? complaint->value : "", complaint->says,
		    complaint->allowed ? complaint->allowed : "");
}

static void check_only(const char *only, const struct resolved_command *resolved)
{
	char file[PATH_MAX];
	struct program_names names = {
		.program = realpath(resolved->program.path, file),
		.started = resolved->started,
		.called = resolved->argv[0],
		.argument = program_names_script((const char *const *)resolved->argv + 1),
	};

	if (!program_names_match(&names, only))
		report_finding(VERDICT_FAILS, "setting",
			       "IDLEFLUSH_ONLY=%s does not name %s%s%s%s%s", only, names.started,
			       names.program ? ", " : "",
			       names.program ? program_file_name(names.program) : "",
			       names.argument ? ", " : "",
			       names.argument ? program_file_name(names.argument) : "");
}

/* The file for the counters is opened only when the process ends. */
static void check_stats(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat file;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		 slash ? path : ".");
	if (stat(path, &file) ? access(folder, W_OK | X_OK) : access(path, W_OK))
		report_line("setting", "IDLEFLUSH_STATS=%s cannot be written: %s", path,
			    strerror(errno));
	else if (!stat(path, &file) && S_ISFIFO(file.st_mode))
		report_line("setting", "IDLEFLUSH_STATS=%s needs a reader at the end", path);
}

/* Reads them as the library will and reports them, first those that are wrong or without effect. */
static void check_settings(struct config *config, const struct resolved_command *resolved)
{
	config_read(config, complain);
	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		const char *value = getenv(setting->env);
		struct config unused;

		if (value && *value && !config_set(&unused, setting, value))
			report_line("setting", "%s=%s", setting->env, value);
	}
	if (config->disable)
		report_finding(VERDICT_FAILS, "setting",
			       "IDLEFLUSH_DISABLE puts the library to sleep");
	if (config->only)
		check_only(config->only, resolved);
	if (config->stats_file)
		check_stats(config->stats_file);
}

/* --- the command ------------------------------------------------------------------------------ */

/* True if the library would keep the program from running as it does without it. */
static bool judge_program(char *const *command, bool whole)
{
	static struct resolved_command resolved;
	static struct libraries libraries;
	struct config config;
	bool harms = false;

	if (!check_preload_library())
		return false;
	resolve_command(&resolved, command);
	if (resolved.end == RESOLVED_NOTHING)
		return false;
	check_settings(&config, &resolved);
	if (resolved.end == RESOLVED_ALONE)
		report_finding(VERDICT_NOT_NEEDED, "output",
			       "a shell writes what it prints at once");
	else if (resolved.end == RESOLVED)
		harms = check_program(&resolved, &libraries, whole ? &config : NULL);
	else
		check_program_kind(&resolved.program);
	if (resolved.program.kind == PROGRAM_DYNAMIC)
		harms = check_preload(&libraries, resolved.user) || harms;
	return harms;
}

/* The same, and whether stdout, which COMMAND has from us, can be flushed to. */
static bool judge(char *const *command, bool whole)
{
	bool harms = judge_program(command, whole);

	report_stdout(NULL, "self");
	return harms;
}

int check_command(char *const *command)
{
	static const char *const words[] = {[VERDICT_NONE] = "it will not work",
					    [VERDICT_WORKS] = "it works",
					    [VERDICT_UNKNOWN] = "cannot tell before it runs",
					    [VERDICT_FAILS] = "it will not work",
					    [VERDICT_NOT_NEEDED] = "not needed"};

	judge(command, true);
	if (report_verdict() == VERDICT_UNKNOWN)
		report_line("ask", "idleflush --check --pid=PID, once it runs and has printed");
	return report_end(words);
}

/* A copy for resolve_command, which may change the strings. */
static char **copy_environment(void)
{
	size_t count = 0;
	char **copy;

	while (environ && environ[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		err(EXIT_FAILED, NULL);
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(environ[i]);
		if (!copy[i])
			err(EXIT_FAILED, NULL);
	}
	return copy;
}

void check_quietly(struct check_answer *answer, char *const *command, bool whole)
{
	char **before = copy_environment();

	report_mute();
	answer->harms = judge(command, whole);
	answer->fails = report_verdict() == VERDICT_FAILS;
	snprintf(answer->reason, sizeof(answer->reason), "%s", report_reason());
	environ = before;
}
