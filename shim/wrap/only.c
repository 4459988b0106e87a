/* only.c -- is this program one that IDLEFLUSH_ONLY names? */
/* SPDX-License-Identifier: MIT */
/* Called from: the constructor, which gets no argv from musl, so everything is read from /proc. */
#include "wrap/only.h"

#include "base/log.h"
#include "base/platform.h"
#include "shared/program_names.h"

#include <limits.h>

#define ARGUMENTS_MOST 16

/* What /proc says about a process. */
struct told {
	char program[PATH_MAX];
	char arguments[PATH_MAX]; /* one after the other, each ended by NUL */
	const char *argv[ARGUMENTS_MOST + 1];
};

/* Static, because a stack may be small; only the constructor uses it. */
LARGE static struct told self, parent;

/* "/proc/SELF/FILE", where `self` is a number or "self". */
static void name_file(char path[64], pid_t pid, const char *file)
{
	struct log_line line = {0};

	log_text(&line, "/proc/");
	if (pid)
		log_number(&line, pid);
	else
		log_text(&line, "self");
	log_text(&line, file);
	memcpy(path, line.text, line.length);
	path[line.length] = '\0';
}

static void ask(struct told *told, pid_t pid)
{
	char path[64];
	long length;
	size_t count = 0;
	int fd;

	name_file(path, pid, "/exe");
	length = syscall(SYS_readlinkat, AT_FDCWD, path, told->program, sizeof(told->program) - 1);
	told->program[length > 0 ? length : 0] = '\0';
	name_file(path, pid, "/cmdline");
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	length = syscall(SYS_read, fd, told->arguments, sizeof(told->arguments) - 1);
	syscall(SYS_close, fd);
	for (long at = 0; at < length && count < ARGUMENTS_MOST; count++) {
		told->argv[count] = told->arguments + at;
		at += (long)strlen(told->arguments + at) + 1;
	}
	told->argv[count] = NULL;
}

static void say(const char *list, const struct program_names *names)
{
	const char *const each[] = {names->started, names->program, names->called, names->argument};
	struct log_line line;

	if (!log_debugging())
		return;
	log_begin(&line);
	log_text(&line, "IDLEFLUSH_ONLY=");
	log_text(&line, list);
	log_text(&line, " names none of these:");
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		if (!each[i] || !*each[i])
			continue;
		log_text(&line, " ");
		log_text(&line, each[i]);
	}
	log_send(&line, STDERR_FILENO);
}

bool only_names_us(const char *list)
{
	struct program_names names = {0};

	ask(&self, 0);
	names = (struct program_names){
		.program = self.program,
		.started = (const char *)getauxval(AT_EXECFN),
		.called = self.argv[0],
		.argument = self.argv[0] ? program_names_script(self.argv + 1) : NULL,
	};
	if (program_names_match(&names, list))
		return true;
	say(list, &names);
	ask(&parent, (pid_t)syscall(SYS_getppid));
	if (!*self.program || strcmp(self.program, parent.program) != 0 || !parent.argv[0])
		return false;
	names = (struct program_names){.called = parent.argv[0],
				       .argument = program_names_script(parent.argv + 1)};
	return program_names_match(&names, list);
}
