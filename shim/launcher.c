/* launcher.c -- the command: finds the library, puts it into LD_PRELOAD, becomes COMMAND */
/* SPDX-License-Identifier: MIT */
/*
 * Makes no child and opens nothing that COMMAND inherits. Exits as stdbuf(1) and env(1) do.
 */
#include "options.h"
#include "program.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IDLEFLUSH_LIBDIR
#define IDLEFLUSH_LIBDIR "/usr/local/lib/idleflush"
#endif

#define LIBRARY    "libidleflush.so"
#define SEPARATORS " \t\n\v\f\r:" /* of LD_PRELOAD: musl's set, which has glibc's in it */

/* Beside this executable, else where it is installed; ends with 125 where there is none. */
static const char *find_library(void)
{
	static char path[PROGRAM_PATH_MAX + sizeof(LIBRARY)];
	ssize_t length = readlink("/proc/self/exe", path, PROGRAM_PATH_MAX);
	char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;

	if (slash) {
		strcpy(slash + 1, LIBRARY);
		if (!access(path, R_OK))
			return path;
		*slash = '\0';
	}
	if (!access(IDLEFLUSH_LIBDIR "/" LIBRARY, R_OK))
		return IDLEFLUSH_LIBDIR "/" LIBRARY;
	errx(EXIT_FAILED, "cannot find " LIBRARY " in %s or in " IDLEFLUSH_LIBDIR,
	     slash ? path : "(/proc is not there)");
}

/* Is there an entry in LD_PRELOAD that loads us, from here or from elsewhere? Twice is too much. */
static bool is_preloaded(const char *list)
{
	char entry[PROGRAM_PATH_MAX];
	size_t length;

	for (; *list; list += length + !!list[length]) {
		const char *name;

		length = strcspn(list, SEPARATORS);
		if (length >= sizeof(entry))
			continue;
		snprintf(entry, sizeof(entry), "%.*s", (int)length, list);
		name = strrchr(entry, '/');
		if (!strcmp(name ? name + 1 : entry, LIBRARY) && (!name || !access(entry, R_OK)))
			return true;
	}
	return false;
}

/* Ours comes last: a sanitizer's runtime insists on being the first. */
static void add_preload(const char *library)
{
	const char *list = getenv("LD_PRELOAD");
	char *longer;

	if (!list || !*list) {
		options_export("LD_PRELOAD", library);
	} else if (!is_preloaded(list)) {
		if (asprintf(&longer, "%s:%s", list, library) < 0)
			err(EXIT_FAILED, NULL);
		options_export("LD_PRELOAD", longer);
		free(longer);
	}
}

/* One line where the library will have no effect; under --strict that ends the process. */
static void check_target(const struct program *target, const struct program *library,
			 const char *command, bool strict)
{
	const char *obstacle = program_obstacle(target, library);
	bool script = strcmp(target->path, command) != 0;

	if (!obstacle)
		return;
	warnx("%s%s%s %s%s", command, script ? ": its interpreter " : "",
	      script ? target->path : "", obstacle, strict ? "" : ": it runs without idleflush");
	if (strict)
		exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct options options = options_read(argc, argv);
	const char *path = find_library(), *name = options.command[0];
	static char command[PROGRAM_PATH_MAX];
	static struct program library, target;
	bool foreign;
	int status;

	if (path[strcspn(path, SEPARATORS)])
		errx(EXIT_FAILED, "%s: LD_PRELOAD cannot name a path with spaces or colons", path);
	if (program_inspect(&library, path) || library.kind != PROGRAM_LIBRARY)
		errx(EXIT_FAILED, "%s is not a shared library", path);
	if (program_find(command, name)) {
		program_follow(&target, command);
		check_target(&target, &library, command, options.strict);
	}
	foreign = program_is_foreign(&target, &library);
	if (!foreign)
		add_preload(path);
	/* execvp would hand a binary that the kernel refuses to sh, to be read as a script */
	if (foreign || target.kind == PROGRAM_BROKEN)
		execv(command, options.command);
	else
		execvp(name, options.command);
	status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_INVOKE;
	err(status, "failed to run command '%s'", name);
}
