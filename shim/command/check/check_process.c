/* check_process.c -- `idleflush --check --pid PID`: how the library fares in a running process */
/* SPDX-License-Identifier: MIT */
#include "command/check/check.h"
#include "command/check/check_preload.h"
#include "command/check/process.h"
#include "command/check/remote_state.h"
#include "command/check/report.h"
#include "command/options.h"
#include "command/program.h"
#include "shared/config.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND        INT64_C(1000000000) /* in nanoseconds */
#define CHILDREN_MOST 64

static struct remote_state remote;
static char target[PROGRAM_PATH_MAX]; /* what a link of /proc says */

/* --- loaded: awake? --------------------------------------------------------------------------- */

/* True where the numbers are of this process, and not what it has from its parent. */
static bool check_state(pid_t pid, pid_t thread)
{
	const char *asleep = remote_state_asleep(&remote, process_own_pid(pid), thread);
	pid_t owner = remote.owner, own = process_own_pid(pid);

	if (asleep)
		report_finding(VERDICT_FAILS, "state", "%s", asleep);
	else if (remote.mode == FLUSHER_WANTED && strcmp(remote.says, "awake"))
		report_line("state", "%s", remote.says); /* it never has a thread */
	else if (remote.mode == FLUSHER_WANTED)
		report_line("state", "awake, its thread starts at the first sign of a server");
	else
		report_line("state", "awake");
	if (thread)
		report_line("thread", "%d is alive", (int)thread);
	else
		report_line("thread", "none");
	if (thread && process_has_own_table(pid, thread) == 1)
		report_line("", "(it has a descriptor table of its own)");
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

		if (!process_variable(pid, setting->env, value, sizeof(value)))
			report_line("setting", "%s=%s", setting->env, value);
	}
}

static void print_counts(void)
{
	const struct status *done = &remote.status;
	char activity[32], flush[32], due[32];

	if (remote.pending < 0)
		report_line("pending", "cannot be told of this libc");
	else
		report_line("pending", "%" PRId64 " bytes in %u C streams%s%s", remote.pending,
			    remote.streams,
			    done->retry_ns ? ", deferred: no room, in use, or an incomplete line"
					   : "",
			    remote.muted ? ", left there: a device, or nobody reads it" : "");
	if (remote.streams >= STATUS_EXTRA_STREAMS)
		report_line("", "(no more can be kept fresh; any further log files are not)");
	report_bytes(remote.perl, "Perl's STDOUT", "pending_perl");
	report_bytes(remote.ocaml, "OCaml's stdout", "pending_ocaml");
	if (done->python)
		report_line("", "(what Python's streams hold, only Python can tell)");
	if (remote.armed_since_ns)
		report_line("", "(a flush is due, armed %s)", tell_age(due, remote.armed_since_ns));
	report_line("done",
		    "responses=%" PRId64 " flushes=%" PRIu64 " at_waits=%" PRIu64 " bytes=%" PRIu64,
		    remote.responses, done->flushes, done->at_waits, done->bytes);
	report_line("", "no_room=%" PRIu64 " heartbeats=%" PRIu64 " oldest_ms=%" PRId64,
		    done->no_room, done->heartbeats, done->oldest_ns / (SECOND / 1000));
	report_line("last", "activity %s, flush %s", tell_age(activity, remote.last_activity_ns),
		    tell_age(flush, done->flushed_ns));
}

/* Of the process and its workers. */
static struct {
	int64_t responses, bytes, pending;
} total;

static void add_counts(void)
{
	total.responses += remote.responses;
	total.bytes += (int64_t)remote.status.bytes;
	total.pending += remote.held;
}

/* It works if bytes have been flushed; a thread that is awake proves nothing. */
static void judge_counts(void)
{
	if (total.bytes > 0)
		report_finding(VERDICT_WORKS, "output", "has been flushed");
	else if (total.pending > 0)
		report_finding(VERDICT_UNKNOWN, "output", "none of it has been flushed yet");
	else if (total.responses > 0)
		report_finding(VERDICT_UNKNOWN, "output",
			       "%" PRId64 " responses, but not a byte through any buffer that is "
			       "known here: it prints nothing, or past these",
			       total.responses);
	else
		report_finding(VERDICT_UNKNOWN, "output",
			       "nothing has gone through a buffer that is known here: it has "
			       "printed nothing yet, or past these");
}

/* --- its children ----------------------------------------------------------------------------- */

/* Once: a child that was made a moment ago may be about to execute another program. */
static bool settle(void)
{
	static bool settled;
	bool before = settled;

	settled = true;
	return !before && !usleep(50000);
}

/* A worker runs the same program as the master, with which it is checked. */
static void check_worker(pid_t master, pid_t pid)
{
	const char *asleep;

	do {
		pid_t thread = process_find_thread(pid, "idleflush");
		int error = remote_state_read(&remote, pid);

		if (!process_runs_same(master, pid))
			return;
		if (error || remote.memory_error || !remote.loaded || !*remote.version) {
			report_finding(VERDICT_UNKNOWN, "worker", "%d: %s", (int)pid,
				       error || remote.memory_error || remote.loaded
					       ? "cannot be read"
					       : "not loaded");
			return;
		}
		asleep = remote_state_asleep(&remote, process_own_pid(pid), thread);
	} while (asleep && settle());
	if (asleep)
		report_finding(VERDICT_FAILS, "worker", "%d: %s", (int)pid, asleep);
	else
		report_line("worker", "%d: awake, bytes=%" PRIu64 ", pending %" PRId64, (int)pid,
			    remote.status.bytes, remote.pending);
	if (!asleep)
		add_counts();
}

static void check_workers(pid_t pid)
{
	static pid_t children[CHILDREN_MOST];
	size_t count = process_descendants(pid, children, CHILDREN_MOST);

	for (size_t i = 0; i < count; i++)
		check_worker(pid, children[i]);
	if (count == CHILDREN_MOST)
		report_line("", "(there may be more: %d children are looked at)", CHILDREN_MOST);
}

/* The same for --json. */
static void report_counts(void)
{
	const struct status *done = &remote.status;

	report_number("streams", remote.streams);
	if (remote.pending >= 0)
		report_number("pending", remote.pending);
	report_number("responses", remote.responses);
	report_number("flushes", (int64_t)done->flushes);
	report_number("at_waits", (int64_t)done->at_waits);
	report_number("bytes", (int64_t)done->bytes);
	report_number("no_room", (int64_t)done->no_room);
	report_number("heartbeats", (int64_t)done->heartbeats);
	report_number("oldest_ms", done->oldest_ns / (SECOND / 1000));
}

static void examine(pid_t pid)
{
	pid_t thread = process_find_thread(pid, "idleflush");
	int error = remote_state_read(&remote, pid);
	bool is_own;

	if (error || (remote.memory_error && remote.loaded)) {
		report_finding(
			VERDICT_UNKNOWN, "state",
			"cannot be read: %s (needs its user without special rights, or root)",
			strerror(error ? -error : -remote.memory_error));
		if (thread)
			report_line("thread", "%d is alive", (int)thread);
		return;
	}
	if (!remote.loaded) {
		check_preload_of_process(pid);
		return;
	}
	report_line("library", "%s%s%s", remote.path, *remote.version ? ", version " : "",
		    remote.version);
	report_text("library", remote.path);
	report_text("version", remote.version);
	if (!*remote.version) {
		report_finding(VERDICT_UNKNOWN, "state",
			       "that library keeps no status that this command understands");
		return;
	}
	is_own = check_state(pid, thread);
	print_settings(pid);
	if (is_own) {
		print_counts();
		report_counts();
		add_counts();
	}
}

int check_process(pid_t pid)
{
	static const char *const words[] = {[VERDICT_NONE] = "cannot be told",
					    [VERDICT_WORKS] = "it works",
					    [VERDICT_UNKNOWN] = "cannot be told",
					    [VERDICT_FAILS] = "it does not work",
					    [VERDICT_NOT_NEEDED] = "not needed"};
	char name[32], number[32];

	if (!process_exists(pid))
		errx(EXIT_FAILED, "there is no process %d", (int)pid);
	if (process_of_thread(pid) != pid)
		errx(EXIT_FAILED, "%d is a thread of process %d", (int)pid,
		     (int)process_of_thread(pid));
	report_number("pid", pid);
	if (process_text(pid, "comm", name, sizeof(name)) > 0)
		report_line("process", "%d, %.*s", (int)pid, (int)strcspn(name, "\n"), name);
	if (process_link(pid, "exe", target, sizeof(target)) == -ENOENT) {
		report_finding(VERDICT_FAILS, "program",
			       "it is a thread of the kernel, or at its end");
		return report_end(words);
	}
	report_line("program", "%s", target);
	report_text("program", target);
	process_link(pid, "fd/1", target, sizeof(target));
	snprintf(number, sizeof(number), "%d", (int)pid);
	report_stdout(target, number);
	examine(pid);
	check_workers(pid);
	if (report_verdict() == VERDICT_NONE)
		judge_counts();
	return report_end(words);
}
