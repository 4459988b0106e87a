/* output.c -- what a program prints with, and whether that can be kept fresh */
/* SPDX-License-Identifier: MIT */
/*
 * `text` is mostly the name of an
 * environment variable, which the file of a runtime must contain.
 */
#include "command/check/output.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MOST (256 << 20) /* larger files are not searched */

/* What the library flushes of the runtimes that IDLEFLUSH_RUNTIMES may name. */
#define COVERED                                                                                    \
	(CONFIG_RUNTIME_CXX | CONFIG_RUNTIME_PERL | CONFIG_RUNTIME_OCAML | CONFIG_RUNTIME_PYTHON)

#define AT_ONCE "writes what it prints at once"
#define OWN     "has a buffer of its own"

/* name, programs, library, text, runtime, verdict, says, guide */
static const struct output outputs[] = {
	{"PyPy", "pypy*", "libpypy", NULL, 0, VERDICT_FAILS, OWN, "PYTHONUNBUFFERED=1"},
	{"Python 2", "python2*", "libpython2", NULL, 0, VERDICT_WORKS, "prints through C stdio",
	 NULL},
	{"CPython", "python,python3*", "libpython3", "PYTHONUNBUFFERED", CONFIG_RUNTIME_PYTHON,
	 VERDICT_FAILS, "has its own buffer of sys.stdout", "PYTHONUNBUFFERED=1"},
	{"Perl", "perl,perl5*", "libperl.so", NULL, CONFIG_RUNTIME_PERL, VERDICT_FAILS, OWN,
	 "$| = 1 in the program"},
	{"puma", NULL, NULL, NULL, 0, VERDICT_NOT_NEEDED, "sets $stdout.sync = true", NULL},
	{"Ruby", "ruby,ruby[0-9]*", "libruby", NULL, 0, VERDICT_FAILS, OWN,
	 "$stdout.sync = true in the program"},
	{"OCaml", "ocaml,ocamlrun*", NULL, "OCAMLRUNPARAM", CONFIG_RUNTIME_OCAML, VERDICT_FAILS,
	 OWN, "flush stdout, or %! in the format"},
	{"Guile", "guile*", "libguile", NULL, 0, VERDICT_FAILS, OWN,
	 "(setvbuf (current-output-port) 'line)"},
	{"Haskell", NULL, "libHSrts", "GHCRTS", 0, VERDICT_FAILS, OWN,
	 "hSetBuffering stdout LineBuffering"},
	{"Free Pascal", NULL, NULL, "FPC 3.", 0, VERDICT_FAILS, OWN, "Flush(Output)"},
	{"Racket", "racket*,gracket*", NULL, "PLTADDONDIR", 0, VERDICT_FAILS, OWN,
	 "(file-stream-buffer-mode (current-output-port) 'line)"},
	{"Lisp", "sbcl*,ecl,clisp", "libecl", "SBCL_HOME", 0, VERDICT_FAILS, OWN,
	 "(finish-output)"},
	{"Tcl", "tclsh*,wish*", "libtcl", NULL, 0, VERDICT_FAILS, OWN,
	 "fconfigure stdout -buffering line"},
	{"Fortran", NULL, "libgfortran", "GFORTRAN_UNBUFFERED_PRECONNECTED", 0, VERDICT_FAILS, OWN,
	 "GFORTRAN_UNBUFFERED_PRECONNECTED=y"},
	{"mawk", "mawk", NULL, NULL, 0, VERDICT_FAILS,
	 "has a buffer for input that it fills before it goes on", "mawk -W interactive"},
	{"nginx", "nginx", NULL, NULL, 0, VERDICT_UNKNOWN,
	 "writes each line at once, but where access_log has a buffer=",
	 "flush=10ms in the access_log line"},
	{"Apache", "apache2,httpd", NULL, NULL, 0, VERDICT_UNKNOWN,
	 "writes each line at once, but with BufferedLogs on", "BufferedLogs Off"},
	{"Java", "java", "libjli.so", NULL, 0, VERDICT_UNKNOWN,
	 "System.out flushes each line itself, a logger may have a buffer of its own",
	 "the logger's own setting, such as immediateFlush"},
	{"Erlang", "beam.smp", NULL, NULL, 0, VERDICT_UNKNOWN, "has buffers of its own", NULL},
	{"R", "R,Rscript", "libR.so", NULL, 0, VERDICT_UNKNOWN, "has buffers of its own",
	 "flush(stdout())"},
	{"Node.js", "node,nodejs", "libnode.so", NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"PHP", "php,php[0-9]*", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{".NET", "dotnet", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"tail", "tail", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"tee", "tee", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"Rust", NULL, NULL, "/rustc/", 0, VERDICT_UNKNOWN,
	 "println! writes each line at once, a BufWriter has a buffer of its own",
	 "flush() or LineWriter in the program"},
};

bool output_is_covered(uint64_t runtime, const struct config *config)
{
	return runtime & config->runtimes & COVERED;
}

#define LAST (outputs + sizeof(outputs) / sizeof(outputs[0]))

static const struct output *find_by_name(const struct program *program)
{
	char path[PATH_MAX];

	/* The file may be a link: python3 -> python3.11, awk -> mawk. */
	if (!realpath(program->path, path))
		*path = '\0';
	for (const struct output *at = outputs; at < LAST; at++)
		if (config_match(at->programs, path) || config_match(at->programs, program->path))
			return at;
	return NULL;
}

static bool has_text(const struct mapping *file, const char *text)
{
	return text && file->bytes && file->length <= TEXT_MOST &&
	       memmem(file->bytes, file->length, text, strlen(text));
}

const struct output *output_find(const struct program *program, const char *script,
				 const struct libraries *libraries, bool *inside)
{
	const struct output *found = find_by_name(program);

	*inside = false;
	for (const struct output *at = outputs; script && at < LAST; at++)
		if (!at->programs && !at->library && !at->text && config_match(at->name, script))
			return at;
	for (const struct output *at = outputs; !found && at < LAST; at++)
		found = has_text(&program->file, at->text) ? at : NULL;
	if (found)
		return found;
	*inside = true;
	for (const struct output *at = outputs; at < LAST; at++)
		if (at->library && libraries_have(libraries, at->library))
			return at;
	return NULL;
}
