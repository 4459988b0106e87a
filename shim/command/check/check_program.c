/* check_program.c -- can the library be loaded into a program, and flush what it prints? */
/* SPDX-License-Identifier: MIT */
#include "command/check/check_program.h"

#include "command/check/check_preload.h"
#include "command/check/elf_imports.h"
#include "command/check/output.h"
#include "command/check/report.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GO       "Go makes its own system calls, and os.Stdout has no buffer"
#define TERMINAL "unbuffer COMMAND, which gives it a terminal"

static const char *machine_name(const struct program *program)
{
	static char other[32];

	switch (program->machine) {
	case EM_X86_64:
		return program->class == ELFCLASS64 ? "x86-64" : "x32";
	case EM_AARCH64:
		return "aarch64";
	case EM_386:
		return "i386";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	}
	snprintf(other, sizeof(other), "machine %u", program->machine);
	return other;
}

bool check_program_kind(const struct program *program)
{
	const struct program *library = check_preload_file();
	const char *obstacle = program_obstacle(program, library);
	const char *path = program->path, *machine = machine_name(program);

	if (program->kind == PROGRAM_BROKEN || program->kind == PROGRAM_OTHER)
		report_finding(VERDICT_FAILS, "program",
			       "%s is damaged: the kernel will not have it", path);
	else if (program_is_foreign(program, library))
		report_finding(VERDICT_FAILS, "program", "%s is built for another architecture, %s",
			       path, machine);
	else if (obstacle)
		report_finding(VERDICT_FAILS, "program", "%s %s", path, obstacle);
	else if (program->kind == PROGRAM_OPAQUE)
		report_finding(VERDICT_UNKNOWN, "program", "%s cannot be read", path);
	else if (program->kind == PROGRAM_LIBRARY)
		report_finding(VERDICT_UNKNOWN, "program", "%s is a loader or a library, %s", path,
			       machine);
	else if (access(program->interpreter, X_OK))
		report_finding(VERDICT_FAILS, "program", "its loader %s is not there",
			       program->interpreter);
	else {
		report_line("program", "%s is dynamic, %s", path, machine);
		return true;
	}
	return false;
}

/* As the library's constructor finds it. */
static void check_libc(const struct program *program, const struct libraries *libraries)
{
	switch (libraries->libc) {
	case LIBC_NONE:
		report_finding(VERDICT_FAILS, "libc", "no libc: the library stays asleep");
		break;
	case LIBC_OTHER:
		report_finding(VERDICT_UNKNOWN, "libc", "not one that is known (%s)",
			       program->interpreter);
		break;
	case LIBC_GLIBC_SPLIT:
		if (!libraries_have(libraries, "libpthread.so"))
			report_finding(VERDICT_FAILS, "libc",
				       "glibc before 2.34 without libpthread: the library stays "
				       "asleep");
		else
			report_line("libc", "glibc, before 2.34");
		break;
	case LIBC_GLIBC:
		report_line("libc", "glibc");
		break;
	case LIBC_MUSL:
		report_line("libc", "musl");
		break;
	}
}

/* The calls of the file itself, found in one walk over its relocations. */
struct calls {
	bool unlocked, stdout_of_c, cout, syncs;
	bool d; /* the D runtime locks a stream around the unlocked calls */
};

static bool note_call(const char *name, void *data)
{
	static const char *const unlocked[] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};
	static const char *const printing[] = {
		"stdout",       "printf",        "vprintf", "puts",     "putchar",
		"__printf_chk", "__vprintf_chk", "wprintf", "putwchar", "__wprintf_chk"};
	struct calls *calls = data;

	for (size_t i = 0; i < sizeof(unlocked) / sizeof(unlocked[0]); i++)
		calls->unlocked = calls->unlocked || !strcmp(name, unlocked[i]);
	for (size_t i = 0; i < sizeof(printing) / sizeof(printing[0]); i++)
		calls->stdout_of_c = calls->stdout_of_c || !strcmp(name, printing[i]);
	calls->d = calls->d || !strcmp(name, "_d_run_main");
	calls->cout = calls->cout || !strcmp(name, "_ZSt4cout");
	calls->syncs = calls->syncs || !strcmp(name, "_ZNSt8ios_base15sync_with_stdioEb");
	return false;
}

/* C stdio, and C++ above it. */
static void check_calls(const struct calls *calls, const struct config *config,
			const struct program *program, const struct libraries *libraries)
{
	bool shared = libraries_have(libraries, "libstdc++") || libraries_have(libraries, "libc++");

	static const char cxx[] =
		"St9basic_ios"; /* in a program that is linked with libstdc++ statically */

	if (calls->syncs && !output_is_covered(CONFIG_RUNTIME_CXX, config))
		report_finding(VERDICT_UNKNOWN, "output",
			       "C++: std::cout has a buffer of its own after "
			       "sync_with_stdio(false)");
	else if (!shared && program->file.bytes &&
		 memmem(program->file.bytes, program->file.length, cxx, sizeof(cxx) - 1))
		report_finding(VERDICT_UNKNOWN, "output",
			       "C++ linked statically: std::cout has a buffer of its own after "
			       "sync_with_stdio(false)");
	else if (calls->cout)
		report_finding(VERDICT_WORKS, "output", "C++ streams, above C stdio");
	else if (calls->stdout_of_c)
		report_finding(VERDICT_WORKS, "output", "C stdio");
	else
		report_finding(VERDICT_UNKNOWN, "output",
			       "the file has no call of C stdio that prints");
}

/* Perl's and OCaml's buffers are flushed by the thread that owns them, and by no other. */
static const char *how_flushed(uint64_t runtime)
{
	return runtime & (CONFIG_RUNTIME_PERL | CONFIG_RUNTIME_OCAML)
		       ? ", which is flushed when the program waits"
		       : ", which is flushed, too";
}

/* A language runtime, or a program with buffers of its own. */
static void check_runtime(const struct output *output, bool inside, const struct config *config)
{
	bool covered = output_is_covered(output->runtime, config);
	enum verdict verdict = covered ? VERDICT_WORKS : output->verdict;

	/* A program that only contains the runtime may print with C stdio. */
	if (inside && verdict != VERDICT_WORKS)
		verdict = VERDICT_UNKNOWN;
	report_guide(output->guide);
	report_finding(verdict, "output", "%s%s: %s%s", inside ? "contains " : "", output->name,
		       output->says,
		       covered                            ? how_flushed(output->runtime)
		       : output->verdict == VERDICT_FAILS ? ", which is not flushed"
							  : "");
	if (output->runtime == CONFIG_RUNTIME_PYTHON && getenv("PYTHONUNBUFFERED"))
		report_line("", "(PYTHONUNBUFFERED is set: Python holds nothing back anyway)");
}

/* `c`: C code in it prints with C stdio. */
static void check_go(const struct resolved_command *resolved, const struct config *config, bool c)
{
	const struct output *named =
		config ? output_find_named(&resolved->program, resolved->argv) : NULL;

	if (named)
		check_runtime(named, false, config);
	else if (c)
		report_finding(VERDICT_WORKS, "output",
			       "C stdio, beside os.Stdout of Go, which has no buffer");
	else
		report_finding(VERDICT_NOT_NEEDED, "output", GO);
}

static void check_output(const struct resolved_command *resolved, const struct libraries *libraries,
			 const struct config *config)
{
	const struct program *program = &resolved->program;
	struct elf_imports imports;
	struct calls calls = {0};
	bool inside,
		readable = program->file.bytes &&
			   elf_imports_open(&imports, program->file.bytes, program->file.length);
	const struct output *output = output_find(resolved, libraries, &inside);

	if (readable)
		elf_imports_symbols(&imports, note_call, &calls);
	calls.unlocked = calls.unlocked || libraries->unlocked;
	if (readable && elf_imports_is_go(&imports.elf))
		check_go(resolved, config, calls.stdout_of_c);
	else if (output)
		check_runtime(output, inside, config);
	else if (calls.unlocked && !calls.d && strstr(program->interpreter, "ld-musl"))
		report_finding(VERDICT_FAILS, "output",
			       "writes to stdio without locks: the library stays asleep");
	else if (calls.unlocked && !calls.d)
		report_finding(VERDICT_WORKS, "output",
			       "C stdio without locks: flushed at the program's own waits");
	else if (readable)
		check_calls(&calls, config, program, libraries);
}

bool check_program(const struct resolved_command *resolved, struct libraries *libraries,
		   const struct config *config)
{
	const struct program *program = &resolved->program;
	bool foreign = program_is_foreign(program, check_preload_file());
	struct elf_file elf;

	if (check_program_kind(program)) {
		libraries_collect(libraries, program);
		check_libc(program, libraries);
		if (config)
			check_output(resolved, libraries, config);
	} else if (program->file.bytes && !foreign &&
		   elf_file_open(&elf, program->file.bytes, program->file.length) &&
		   elf_imports_is_go(&elf)) {
		check_go(resolved, config, false);
	} else if (program_obstacle(program, check_preload_file()) && !foreign) {
		report_guide(TERMINAL);
		if (program->kind == PROGRAM_STATIC)
			report_line("", "(dynamic programs that it starts get the library)");
	}
	return foreign;
}
