/* check_settings.c -- what the settings will do in the program */
/* SPDX-License-Identifier: MIT */
#include "command/check/check_settings.h"

#include "command/check/report.h"
#include "shared/program_names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void complain(const struct config_complaint *complaint)
{
	report_line("setting", "%s%s%s%s%s", complaint->env, complaint->value ? "=" : "",
		    complaint->value ? complaint->value : "", complaint->says,
		    complaint->allowed ? complaint->allowed : "");
}

static const char *last_component(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
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
			       names.program ? last_component(names.program) : "",
			       names.argument ? ", " : "",
			       names.argument ? last_component(names.argument) : "");
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

void check_settings(struct config *config, const struct resolved_command *resolved)
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
