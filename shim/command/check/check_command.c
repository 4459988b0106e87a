/* check_command.c -- `idleflush --check COMMAND`: will it work, and why not */
/* SPDX-License-Identifier: MIT */
/*
 * Asks the same questions as the launcher, the loader and the library's constructor, in their
 * order, by the same rules where they have them in a file of their own.
 */
#include "command/check/check.h"
#include "command/check/check_preload.h"
#include "command/check/check_program.h"
#include "command/check/check_settings.h"
#include "command/check/report.h"
#include "command/check/resolve_command.h"
#include "command/options.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NOLINTNEXTLINE(readability-redundant-declaration): unistd.h has it under _GNU_SOURCE only */
extern char **environ;

static struct resolved_command resolved;
static struct libraries libraries;

/* True where the library would keep the program from running as it does without. */
static bool judge(char *const *command, bool whole)
{
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

int check_command(char *const *command)
{
	static const char *const words[] = {[VERDICT_NONE] = "it will not work",
					    [VERDICT_WORKS] = "it works",
					    [VERDICT_UNKNOWN] = "cannot tell before it runs",
					    [VERDICT_FAILS] = "it will not work",
					    [VERDICT_NOT_NEEDED] = "not needed"};

	judge(command, true);
	report_stdout(NULL, "self");
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
