/* main.c -- the command: finds the library, puts it into LD_PRELOAD, becomes COMMAND */
/* SPDX-License-Identifier: MIT */
/*
 * Makes no child and opens nothing that COMMAND inherits. Exits as stdbuf(1) and env(1) do.
 */
#include "command/check/check.h"
#include "command/check/report.h"
#include "command/copy.h"
#include "command/elf_file.h"
#include "command/options.h"
#include "command/preload.h"
#include "command/program.h"
#include "shared/config.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends with 125 where there is no library that could be preloaded. */
static const char *find_library(void)
{
	const char *beside, *path = preload_find_library(&beside);

	if (!path)
		errx(EXIT_FAILED, "cannot find " PRELOAD_LIBRARY " in %s or in " IDLEFLUSH_LIBDIR,
		     beside ? beside : "(/proc is not there)");
	if (!preload_can_name(path))
		errx(EXIT_FAILED, "%s: LD_PRELOAD cannot name a path with spaces or colons", path);
	return path;
}

static void add_preload(const char *library)
{
	char *list = preload_extend(getenv("LD_PRELOAD"), library);

	if (!list)
		err(EXIT_FAILED, NULL);
	options_export("LD_PRELOAD", list);
	free(list);
}

static bool is_debugging(void)
{
	struct config config;

	config_read(&config, NULL);
	return config.debug;
}

/*
 * Does the library keep COMMAND from running? Silent except under --debug, because stderr may
 * belong to a client; with --strict the process ends if the library will not work.
 */
static bool is_harmful(char *const *command, bool strict)
{
	static struct check_answer answer;
	bool debug = is_debugging();

	check_quietly(&answer, command, strict || debug);
	if (answer.fails && strict)
		errx(EXIT_FAILED, "%s", answer.reason);
	if (debug && (answer.fails || answer.harms))
		warnx("%s: it runs without idleflush", answer.reason);
	return answer.harms;
}

/* The options that ask for the library itself, and run nothing. */
static int hand_over(const struct options *options, const char *library)
{
	int error = options->copy_to ? copy_to(options->copy_to, library) : 0;

	if (error)
		errx(EXIT_FAILED, "cannot copy to '%s': %s", options->copy_to, strerror(-error));
	if (options->print_library && (puts(library) < 0 || fflush(stdout)))
		err(EXIT_FAILED, "write error");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options options = options_read(argc, argv);
	const char *path, *name = options.command[0];
	static char command[PROGRAM_PATH_MAX];
	static struct program library, target;
	bool found, refused;
	int status;

	/* Not exit: LeakSanitizer, preloaded for COMMAND, would complain of memory that we keep. */
	if (options.json)
		report_as_json();
	if (options.check)
		_exit(options.pid ? check_process(options.pid) : check_command(options.command));
	path = find_library();
	if (program_inspect(&library, path) || library.kind != PROGRAM_LIBRARY)
		errx(EXIT_FAILED, "%s is not a shared library", path);
	if (options.copy_to || options.print_library)
		return hand_over(&options, path);
	found = program_find(command, name);
	if (found)
		program_inspect(&target, command);
	refused = target.kind == PROGRAM_BROKEN;
	if (!found || refused || !is_harmful(options.command, options.strict))
		add_preload(path);
	refused = refused || program_is_foreign(&target, &library);
	mapping_end();
	/* execvp would hand a binary that the kernel refuses to sh, to be read as a script */
	if (refused)
		execv(command, options.command);
	else
		execvp(name, options.command);
	status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_INVOKE;
	err(status, "failed to run command '%s'", name);
}
