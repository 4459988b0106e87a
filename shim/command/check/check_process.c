/* check_process.c -- `idleflush --check --pid PID`: how the library fares in a running process */
/* SPDX-License-Identifier: MIT */
#include "command/check/check.h"
#include "shared/config.h"
#include "command/check/remote_state.h"
#include "shared/introspect.h"
#include "command/options.h"
#include "command/preload.h"
#include "command/check/process.h"
#include "command/program.h"
#include "command/check/report.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000) /* in nanoseconds */

static struct remote_state remote;
static char target[PROGRAM_PATH_MAX]; /* what a link of /proc says */

/* Past the last line: too little may be read for a verdict. */
static int give_up(const char *why)
{
	report_line("verdict", "cannot be told: %s", why);
	if (fflush(stdout))
		err(EXIT_FAILED, "write error");
	return EXIT_FAILED;
}

/* --- not loaded: why? ------------------------------------------------------------------------- */

static void explain_preload(pid_t pid)
{
	char list[PROGRAM_PATH_MAX], place[64];
	size_t length;
	const char *at = list;

	if (!process_variable(pid, "LD_PRELOAD", list, sizeof(list))) {
		report_obstacle("library", "not loaded: it was started without LD_PRELOAD");
		return;
	}
	while ((at = preload_next(at, &length))) {
		char path[PROGRAM_PATH_MAX + sizeof(place)];

		snprintf(path, sizeof(path), "/proc/%d/root%.*s", (int)pid, (int)length, at);
		if (strstr(path, PRELOAD_LIBRARY) && *at == '/' && access(path, F_OK)) {
			report_obstacle("library", "not loaded: %.*s is not there, as it sees it",
					(int)length, at);
			return;
		}
		at += length;
	}
	report_obstacle("library", "not loaded, with LD_PRELOAD=%s", list);
}

static void explain_absence(pid_t pid)
{
	static struct program program, library;
	char path[64];
	const char *beside, *ours = preload_find_library(&beside), *obstacle = NULL;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (ours && !program_inspect(&library, ours) && !program_inspect(&program, path))
		obstacle = program_obstacle(&program, &library);
	if (obstacle)
		report_obstacle("library", "not loaded: the program %s", obstacle);
	else
		explain_preload(pid);
}

/* --- loaded: awake? --------------------------------------------------------------------------- */

static bool is_asleep_by_choice(void)
{
	const char *word = "asleep";
	size_t length = strlen(remote.says);

	return length >= strlen(word) && !strcmp(remote.says + length - strlen(word), word);
}

/* True where the numbers are of this process, and not what it has from its parent. */
static bool check_state(pid_t pid, pid_t thread)
{
	int64_t mode = remote.value[STATUS_MODE];
	pid_t owner = (pid_t)remote.value[STATUS_OWNER], own = process_own_pid(pid);

	if (!*remote.says)
		report_obstacle("state", "its constructor has not run yet");
	else if (is_asleep_by_choice())
		report_obstacle("state", "%s", remote.says);
	else if (!owner)
		report_obstacle("state", "forked past fork(3), by clone(2): asleep");
	else if (own && owner != own)
		report_obstacle("state", "in its parent's memory until it executes a program");
	else if (mode == FLUSHER_ASLEEP)
		report_obstacle("state", "it ends: asleep");
	else if (mode == FLUSHER_WANTED)
		report_line("state", "awake, its thread starts at the first sign of a server");
	else if (thread || mode == FLUSHER_STARTING)
		report_line("state", "awake");
	else
		report_obstacle("state", "awake, but its thread is gone");
	if (thread)
		report_line("thread", "%d is alive", (int)thread);
	else
		report_line("thread", "none");
	if (process_is_stopped(pid))
		report_line("", "(stopped by a signal or a debugger, and so is the thread)");
	return owner && (!own || owner == own);
}

/* --- what it did ------------------------------------------------------------------------------ */

/* "12 ms ago", or "never". */
static const char *tell_age(char text[32], int64_t then)
{
	struct timespec clock;
	int64_t age;

	clock_gettime(CLOCK_MONOTONIC, &clock);
	age = clock.tv_sec * SECOND + clock.tv_nsec - then;
	if (!then)
		strcpy(text, "never");
	else if (age < SECOND)
		snprintf(text, 32, "%" PRId64 " ms ago", (age > 0 ? age : 0) / (SECOND / 1000));
	else if (age < 100 * SECOND)
		snprintf(text, 32, "%.1f s ago", (double)age / SECOND);
	else
		snprintf(text, 32, "%" PRId64 " min ago", age / (60 * SECOND));
	return text;
}

static void print_settings(pid_t pid)
{
	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		char value[256];

		if (process_variable(pid, setting->env, value, sizeof(value)))
			report_line("setting", "%s=%s", setting->env, value);
	}
}

static void print_counts(void)
{
	const int64_t *value = remote.value;
	char activity[32], flush[32], armed[32];

	if (remote.pending < 0)
		report_line("pending", "cannot be told of this libc");
	else
		report_line(
			"pending", "%" PRId64 " bytes in %u C streams%s%s", remote.pending,
			remote.streams, value[STATUS_RETRY] ? ", put off: no room, or in use" : "",
			value[STATUS_MUTED] ? ", left there: a device, or nobody reads it" : "");
	if (value[STATUS_ARMED_SINCE])
		report_line("", "(a flush is due, armed %s)",
			    tell_age(armed, value[STATUS_ARMED_SINCE]));
	report_line("done", "responses=%" PRId64 " flushes=%" PRId64 " bytes=%" PRId64,
		    value[STATUS_RESPONSES] - value[STATUS_INHERITED], value[STATUS_FLUSHES],
		    value[STATUS_BYTES]);
	report_line("", "no_room=%" PRId64 " heartbeats=%" PRId64 " oldest_ms=%" PRId64,
		    value[STATUS_NO_ROOM], value[STATUS_HEARTBEATS],
		    value[STATUS_OLDEST] / (SECOND / 1000));
	report_line("last", "activity %s, flush %s", tell_age(activity, value[STATUS_ACTIVITY]),
		    tell_age(flush, value[STATUS_FLUSHED]));
}

/* What may be known of a process whose memory may not be read: thread names are public. */
static int check_from_afar(pid_t thread)
{
	report_line("state", "cannot be read: %s (needs its user without special rights, or root)",
		    strerror(-remote.memory_error));
	if (!thread)
		return give_up("there is no permission, and no thread to be seen");
	report_line("thread", "%d is alive", (int)thread);
	return report_end("it works", "");
}

int check_process(pid_t pid)
{
	pid_t thread = process_find_thread(pid, "idleflush");
	char name[32], path[64];
	bool is_own;
	int error;

	if (!process_exists(pid))
		errx(EXIT_FAILED, "there is no process %d", (int)pid);
	if (process_text(pid, "comm", name, sizeof(name)) > 0)
		report_line("process", "%d, %.*s", (int)pid, (int)strcspn(name, "\n"), name);
	if (process_link(pid, "exe", target, sizeof(target)) == -ENOENT) {
		report_obstacle("program", "it is a thread of the kernel, or at its end");
		return report_end("", "it does not work");
	}
	report_line("program", "%s", target);
	process_link(pid, "fd/1", target, sizeof(target));
	snprintf(path, sizeof(path), "/proc/%d/fd/1", (int)pid);
	report_stdout(target, path);
	error = remote_state_read(&remote, pid);
	if (error) {
		remote.memory_error = error;
		return check_from_afar(thread);
	}
	if (!remote.loaded) {
		explain_absence(pid);
		return report_end("", "it does not work");
	}
	report_line("library", "%s%s%s", remote.path, *remote.version ? ", version " : "",
		    remote.version);
	if (remote.memory_error)
		return check_from_afar(thread);
	if (!*remote.version)
		return give_up("that library keeps no status: it is older than this command");
	is_own = check_state(pid, thread);
	print_settings(pid);
	if (is_own)
		print_counts();
	return report_end("it works", "it does not work");
}
