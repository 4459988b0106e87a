/* output.c -- what a program prints with, and whether that can be kept fresh */
/* SPDX-License-Identifier: MIT */
/*
 * `text` is mostly the name of an environment variable, which the file of a runtime must contain.
 * What is said here of programs of Debian, tests/proofs/programs tries.
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
#define BY_LINE "writes each line at once, unless the program sets another buffer"
#define OWN     "has a buffer of its own"

/* name, programs, option, library, text, runtime, verdict, says, guide */
static const struct output outputs[] = {
	{"PyPy", "pypy*", NULL, "libpypy", NULL, 0, VERDICT_FAILS, OWN, "PYTHONUNBUFFERED=1"},
	{"Python 2", "python2*", NULL, "libpython2", NULL, 0, VERDICT_WORKS,
	 "prints through C stdio", NULL},
	{"CPython", "python,python3*", NULL, "libpython3", "PYTHONUNBUFFERED",
	 CONFIG_RUNTIME_PYTHON, VERDICT_FAILS, "has its own buffer of sys.stdout",
	 "PYTHONUNBUFFERED=1"},
	{"Perl", "perl,perl5*", NULL, "libperl.so", NULL, CONFIG_RUNTIME_PERL, VERDICT_FAILS, OWN,
	 "$| = 1 in the program"},
	{"puma", NULL, NULL, NULL, NULL, 0, VERDICT_NOT_NEEDED, "sets $stdout.sync = true", NULL},
	{"Ruby", "ruby,ruby[0-9]*", NULL, "libruby", NULL, 0, VERDICT_FAILS, OWN,
	 "$stdout.sync = true in the program"},
	{"OCaml", "ocaml,ocamlrun*", NULL, NULL, "OCAMLRUNPARAM", CONFIG_RUNTIME_OCAML,
	 VERDICT_FAILS, OWN, "flush stdout, or %! in the format"},
	{"Guile", "guile*", NULL, "libguile", NULL, 0, VERDICT_FAILS, OWN,
	 "(setvbuf (current-output-port) 'line)"},
	{"Haskell", NULL, NULL, "libHSrts", "GHCRTS", 0, VERDICT_FAILS, OWN,
	 "hSetBuffering stdout LineBuffering"},
	{"Free Pascal", NULL, NULL, NULL, "FPC 3.", 0, VERDICT_FAILS, OWN, "Flush(Output)"},
	{"Racket", "racket*,gracket*", NULL, NULL, "PLTADDONDIR", 0, VERDICT_FAILS, OWN,
	 "(file-stream-buffer-mode (current-output-port) 'line)"},
	{"Lisp", "sbcl*,ecl,clisp", NULL, "libecl", "SBCL_HOME", 0, VERDICT_UNKNOWN, BY_LINE,
	 "(finish-output)"},
	{"Tcl", "tclsh*,wish*", NULL, "libtcl", NULL, 0, VERDICT_UNKNOWN, BY_LINE,
	 "fconfigure stdout -buffering line"},
	{"Fortran", NULL, NULL, "libgfortran", "GFORTRAN_UNBUFFERED_PRECONNECTED", 0,
	 VERDICT_NOT_NEEDED, "writes each record at once, but to a file",
	 "GFORTRAN_UNBUFFERED_PRECONNECTED=y"},
	{"mawk", "mawk", "interactive,-Wi*", NULL, NULL, 0, VERDICT_NOT_NEEDED,
	 "goes on after each line with -W interactive", NULL},
	{"mawk", "mawk", NULL, NULL, NULL, 0, VERDICT_FAILS,
	 "has a buffer for input that it fills before it goes on", "mawk -W interactive"},
	{"m4", "m4", "-e,--interactive", NULL, NULL, 0, VERDICT_NOT_NEEDED,
	 "goes on after each line with -e", NULL},
	{"m4", "m4", NULL, NULL, NULL, 0, VERDICT_FAILS,
	 "has no locks around stdio, and handlers that a flush before it reads could disturb",
	 "m4 -e"},
	{"Miller", "mlr", "--fflush", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"Miller", "mlr", NULL, NULL, NULL, 0, VERDICT_FAILS,
	 "a Go program with a buffer of its own", "mlr --fflush"},
	{"nginx", "nginx", NULL, NULL, NULL, 0, VERDICT_UNKNOWN,
	 "writes each line at once, but where access_log has a buffer=",
	 "flush=10ms in the access_log line"},
	{"lighttpd", "lighttpd", NULL, NULL, NULL, 0, VERDICT_UNKNOWN,
	 "writes its access log itself, every few seconds", NULL},
	{"Apache", "apache2,httpd", NULL, NULL, NULL, 0, VERDICT_UNKNOWN,
	 "writes each line at once, but with BufferedLogs on", "BufferedLogs Off"},
	{"Java", "java", NULL, "libjli.so", NULL, 0, VERDICT_UNKNOWN,
	 "System.out flushes each line itself, a logger may have a buffer of its own",
	 "the logger's own setting, such as immediateFlush"},
	{"Erlang", "beam.smp", NULL, NULL, NULL, 0, VERDICT_UNKNOWN, "has buffers of its own",
	 NULL},
	{"R", "R,Rscript", NULL, "libR.so", NULL, 0, VERDICT_UNKNOWN, "has buffers of its own",
	 "flush(stdout())"},
	{"Node.js", "node,nodejs", NULL, "libnode.so", NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"PHP", "php,php[0-9]*", NULL, NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{".NET", "dotnet", NULL, NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"a client", "docker,podman,nerdctl,kubectl,ssh", NULL, NULL, NULL, 0, VERDICT_FAILS,
	 "what it starts runs elsewhere, with a buffer of its own",
	 "idleflush in front of the program there"},
	{"tail", "tail", "-f,-F,--follow,--follow=*", NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE,
	 NULL},
	{"tee", "tee", NULL, NULL, NULL, 0, VERDICT_NOT_NEEDED, AT_ONCE, NULL},
	{"Rust", NULL, NULL, NULL, "/rustc/", 0, VERDICT_UNKNOWN,
	 "println! writes each line at once, a BufWriter has a buffer of its own",
	 "flush() or LineWriter in the program"},
};

bool output_is_covered(uint64_t runtime, const struct config *config)
{
	return runtime & config->runtimes & COVERED;
}

#define LAST (outputs + sizeof(outputs) / sizeof(outputs[0]))

/* Is one of its arguments that option? */
static bool has_option(char *const *argv, const char *option)
{
	for (size_t i = 1; option && argv[0] && argv[i]; i++)
		if (config_match(option, argv[i]))
			return true;
	return !option;
}

const struct output *output_find_named(const struct program *program, char *const *argv)
{
	char path[PATH_MAX];

	/* The file may be a link: python3 -> python3.11, awk -> mawk. */
	if (!realpath(program->path, path))
		*path = '\0';
	for (const struct output *at = outputs; at < LAST; at++)
		if ((config_match(at->programs, path) ||
		     config_match(at->programs, program->path)) &&
		    has_option(argv, at->option))
			return at;
	return NULL;
}

static bool has_text(const struct mapping *file, const char *text)
{
	return text && file->bytes && file->length <= TEXT_MOST &&
	       memmem(file->bytes, file->length, text, strlen(text));
}

const struct output *output_find(const struct resolved_command *resolved,
				 const struct libraries *libraries, bool *inside)
{
	const struct program *program = &resolved->program;
	const char *script = resolved->started;
	const struct output *found = output_find_named(program, resolved->argv);

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
