/* runtime.c -- language runtimes, and whether their output passes through a buffer we can flush */
/* SPDX-License-Identifier: MIT */
#include "command/check/runtime.h"
#include "shared/config.h"

#include <limits.h>
#include <stdlib.h>

static const struct runtime runtimes[] = {
	{"PyPy", "pypy*", "libpypy", false, "has a buffer of its own, which is not flushed"},
	{"Python 2", "python2*", "libpython2", true, "prints through C stdio"},
	{"CPython", "python,python3*", "libpython3", true,
	 "its own buffer of sys.stdout is flushed, too (3.7 and newer)"},
	{"Perl", "perl*", "libperl.so", false,
	 "has a buffer of its own, which is not flushed; $| = 1 turns it off"},
	{"Ruby", "ruby*", "libruby", false,
	 "has a buffer of its own, which is not flushed; $stdout.sync = true turns it off"},
	{"Java", "java", "libjli.so", false,
	 "has buffers of its own, which are not flushed (System.out flushes each line itself)"},
	{"Node.js", "node,nodejs", "libnode.so", false,
	 "writes at once and holds nothing back: there is nothing to flush"},
	{"a shell", "sh,bash,dash,ash,ksh*,zsh", NULL, true,
	 "what it starts gets the library, too; check that by itself"},
	{"Erlang", "beam.smp", NULL, false, "has buffers of its own, which are not flushed"},
};

/* Its name may be a link: python3 -> python3.11, awk -> mawk. */
static bool is_called(const struct program *program, const char *globs)
{
	char path[PATH_MAX];

	return config_match(globs, program->path) ||
	       (realpath(program->path, path) && config_match(globs, path));
}

const struct runtime *runtime_find(const struct program *program, const struct elf_needed *needed,
				   bool *inside)
{
	const struct runtime *last = runtimes + sizeof(runtimes) / sizeof(runtimes[0]);

	*inside = false;
	for (const struct runtime *at = runtimes; at < last; at++)
		if (is_called(program, at->programs))
			return at;
	*inside = true;
	for (const struct runtime *at = runtimes; at < last; at++)
		if (at->library && elf_needed_find(needed, at->library))
			return at;
	return NULL;
}
