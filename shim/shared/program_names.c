/* program_names.c -- the names by which a person would call a running program: IDLEFLUSH_ONLY */
/* SPDX-License-Identifier: MIT */
/* Called from: the library's constructor, before the program runs; the launcher. */
#include "shared/program_names.h"

#include "shared/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#pragma weak syscall

/* By system calls, because another preload may replace libc's functions. */
static bool is_script(const char *path)
{
	struct stat file;
	char start[2] = "";
	int fd;

	/* Checked first: opening a device may have effects. */
	if (syscall(SYS_newfstatat, AT_FDCWD, path, &file, 0) || !S_ISREG(file.st_mode))
		return false;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	syscall(SYS_read, fd, start, sizeof(start));
	syscall(SYS_close, fd);
	return start[0] == '#' && start[1] == '!';
}

const char *program_names_script(const char *const *arguments)
{
	while (*arguments && **arguments == '-')
		arguments++;
	return *arguments && is_script(*arguments) ? *arguments : NULL;
}

bool program_names_match(const struct program_names *names, const char *list)
{
	const char *const each[] = {names->program, names->started, names->called, names->argument};

	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
		if (each[i] && config_match(list, each[i]))
			return true;
	return false;
}
