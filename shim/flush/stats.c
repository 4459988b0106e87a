/* stats.c -- the one line of counters at exit */
/* SPDX-License-Identifier: MIT */
/* The file is opened only to write the line, because it would shift the program's descriptors. */
#include "flush/stats.h"

#include "base/futex.h"
#include "base/log.h"
#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "shared/introspect.h"

#include <limits.h>

static bool wanted;
LARGE static char path[PATH_MAX]; /* "": stderr */
static char program[64];          /* a copy: servers write their titles over the original */

void stats_init(const struct config *config)
{
	const char *name = &program_invocation_short_name ? program_invocation_short_name : NULL;
	const char *file = config->stats_file;
	size_t used = 0;

	wanted = config->stats;
	for (size_t i = 0; name && name[i] && i < sizeof(program) - 1; i++)
		program[i] = (char)(name[i] > ' ' && name[i] < 0x7f ? name[i] : '?'); /* a word */
	if (!file)
		return;
	if (*file != '/' && syscall(SYS_getcwd, path, sizeof(path) - 1) > 0) {
		used = strlen(path);
		path[used++] = '/';
	}
	if (used + strlen(file) >= sizeof(path)) {
		wanted = false;
		log_debug("the name of the stats file is too long: no stats");
		return;
	}
	memcpy(path + used, file, strlen(file) + 1);
}

static void put(struct log_line *line, const char *name, uint64_t value)
{
	log_text(line, name);
	log_number(line, (int64_t)value);
}

void stats_print(void)
{
	const struct status *done = &library_status;
	struct log_line line;
	int fd = STDERR_FILENO;

	if (!wanted)
		return;
	turn_taking_end_all(); /* the end of the process closes what was answered */
	log_begin(&line);
	put(&line, "pid=", (uint64_t)platform_pid());
	log_text(&line, " program=");
	log_text(&line, *program ? program : "?");
	put(&line, " responses=", conn_responses());
	put(&line, " flushes=", done->flushes);
	put(&line, " at_waits=", done->at_waits);
	put(&line, " bytes=", done->bytes);
	put(&line, " no_room=", done->no_room);
	put(&line, " heartbeats=", done->heartbeats);
	put(&line, " oldest_ms=", (uint64_t)(done->oldest_ns / NS_PER_MS));
	/* A FIFO that nobody reads must not block us, and a terminal must not become ours. */
	if (*path)
		fd = (int)syscall(SYS_openat, AT_FDCWD, path,
				  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
				  0666);
	if (fd < 0)
		return;
	log_send(&line, fd);
	if (*path)
		syscall(SYS_close, fd);
}
