/* absence.c -- why the library is not in a running process */
/* SPDX-License-Identifier: MIT */
#include "command/check/absence.h"

#include "command/check/process.h"
#include "command/check/report.h"
#include "command/preload.h"
#include "command/program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void explain_preload(pid_t pid)
{
	char list[PROGRAM_PATH_MAX], place[64];
	size_t length;
	const char *at = list;
	int error = process_variable(pid, "LD_PRELOAD", list, sizeof(list));

	if (error == -ENOENT) {
		report_finding(VERDICT_FAILS, "library",
			       "not loaded: it was started without LD_PRELOAD");
		return;
	}
	if (error) {
		report_finding(VERDICT_UNKNOWN, "library", "not seen, nor its environment: %s",
			       strerror(-error));
		return;
	}
	while ((at = preload_next(at, &length))) {
		char path[PROGRAM_PATH_MAX + sizeof(place)];

		snprintf(path, sizeof(path), "/proc/%d/root%.*s", (int)pid, (int)length, at);
		if (strstr(path, PRELOAD_LIBRARY) && *at == '/' && access(path, F_OK)) {
			report_finding(VERDICT_FAILS, "library",
				       "not loaded: %.*s is not there, as it sees it", (int)length,
				       at);
			return;
		}
		at += length;
	}
	report_finding(VERDICT_FAILS, "library", "not loaded, with LD_PRELOAD=%s", list);
}

void absence_explain(pid_t pid)
{
	static struct program program, library;
	char path[64];
	const char *beside, *ours = preload_find_library(&beside), *obstacle = NULL;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (ours && !program_inspect(&library, ours) && !program_inspect(&program, path))
		obstacle = program_obstacle(&program, &library);
	if (obstacle)
		report_finding(VERDICT_FAILS, "library", "not loaded: the program %s", obstacle);
	else
		explain_preload(pid);
}
