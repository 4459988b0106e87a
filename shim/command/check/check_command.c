/* check_command.c -- `idleflush --check COMMAND`: will it work, and why not */
/* SPDX-License-Identifier: MIT */
/*
 * Asks the same questions as the launcher, the loader and the library's constructor, in their
 * order, by the same rules where they have them in a file of their own.
 */
#include "command/check/check.h"
#include "command/check/elf_imports.h"
#include "command/check/resolve_command.h"
#include "shared/config.h"
#include "command/check/libc.h"
#include "command/elf_file.h"
#include "command/check/elf_needed.h"
#include "command/options.h"
#include "command/preload.h"
#include "command/program.h"
#include "command/check/report.h"
#include "command/check/runtime.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GO_UNBUFFERED "(os.Stdout of Go has no buffer: what it prints is out at once)"

static struct program library;
static struct elf_needed needed;

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

/* --- the library ------------------------------------------------------------------------------ */

/* Finds it and puts it where the launcher would. False: there is none to go on with. */
static bool check_library(void)
{
	const char *beside, *path = preload_find_library(&beside), *list = getenv("LD_PRELOAD");
	char other[PROGRAM_PATH_MAX];
	char *extended;

	if (!path)
		report_obstacle("library", PRELOAD_LIBRARY " is not in %s or in " IDLEFLUSH_LIBDIR,
				beside ? beside : "(/proc is not there)");
	else if (!preload_can_name(path))
		report_obstacle("library",
				"%s: LD_PRELOAD cannot name a path with spaces or colons", path);
	else if (program_inspect(&library, path) || library.kind != PROGRAM_LIBRARY)
		report_obstacle("library", "%s is not a shared library", path);
	else if (preload_has_library(list, other, sizeof(other)))
		report_line("library", "%s, by the LD_PRELOAD that is set", other);
	else
		report_line("library", "%s", path);
	if (report_is_negative())
		return false;
	extended = preload_extend(list, path);
	options_export("LD_PRELOAD", extended ? extended : path);
	free(extended);
	return true;
}

/* --- what LD_PRELOAD holds in the end --------------------------------------------------------- */

static bool is_sanitizer(const char *path)
{
	return strstr(path, "libasan.so") || strstr(path, "libclang_rt.asan");
}

static void check_entry(const char *path)
{
	static struct program other;

	if (strchr(path, '/') && access(path, R_OK))
		report_line("preload", "%s is not there: the loader says so and goes on", path);
	else if (strchr(path, '/') && !program_inspect(&other, path) &&
		 program_is_foreign(&other, &library))
		report_line("preload", "%s is for %s: the loader says so and goes on", path,
			    machine_name(&other));
	else if (strstr(path, "libstdbuf.so"))
		report_line("preload", "%s: the buffer is then as stdbuf has it", path);
}

/* AddressSanitizer looks at the order itself, unless it is told not to. */
static void check_order(const char *list)
{
	const char *options = getenv("ASAN_OPTIONS");
	bool there = elf_needed_find(&needed, "libasan.so") ||
		     elf_needed_find(&needed, "libclang_rt.asan");
	bool first = false;
	size_t length;

	for (const char *at = list; (at = preload_next(at, &length)); at += length) {
		char path[PROGRAM_PATH_MAX];

		snprintf(path, sizeof(path), "%.*s", (int)length, at);
		check_entry(path);
		if (!is_sanitizer(path))
			continue;
		first = first || !strncmp(list + strspn(list, PRELOAD_SEPARATORS), path, length);
		there = true;
	}
	if (!there || first || (options && strstr(options, "verify_asan_link_order=0")))
		return;
	report_obstacle("preload", "AddressSanitizer will not start: its runtime must come first");
	report_line("", "(LD_PRELOAD=$(gcc -print-file-name=libasan.so) idleflush ...)");
}

static void check_preload(void)
{
	const char *list = getenv("LD_PRELOAD");

	if (list && preload_has_library(list, NULL, 0))
		check_order(list);
	else
		report_obstacle("preload", "LD_PRELOAD is taken away or replaced on the way");
}

/* --- the program ------------------------------------------------------------------------------ */

static void check_kind(const struct program *program)
{
	const char *obstacle = program_obstacle(program, &library);
	const char *path = program->path, *machine = machine_name(program);
	bool foreign = program_is_foreign(program, &library);

	if (program->kind == PROGRAM_BROKEN || program->kind == PROGRAM_OTHER)
		report_obstacle("program", "%s is damaged: the kernel will not have it", path);
	else if (foreign)
		report_obstacle("program", "%s is built for another architecture, %s", path,
				machine);
	else if (obstacle)
		report_obstacle("program", "%s %s", path, obstacle);
	else if (program->kind == PROGRAM_OPAQUE)
		report_line("program", "%s cannot be read, so this is all that can be told", path);
	else if (program->kind == PROGRAM_LIBRARY)
		report_line("program", "%s is a loader or a library, %s", path, machine);
	else
		report_line("program", "%s is dynamic, %s", path, machine);
	if (program->kind == PROGRAM_DYNAMIC && !foreign && access(program->interpreter, X_OK))
		report_obstacle("program", "its loader %s is not there", program->interpreter);
	if (program->kind == PROGRAM_STATIC && !foreign)
		report_line("", "(dynamic programs that it starts get the library)");
}

/* As the library's constructor finds it. */
static void check_libc(const struct program *program)
{
	struct libc libc;

	libc_identify(&libc, program, &needed);
	if (libc.kind == LIBC_NONE)
		report_obstacle("libc", "no libc: the library stays asleep");
	else if (libc.kind == LIBC_OTHER)
		report_line("libc", "not one that is known (%s): the library may stay asleep",
			    program->interpreter);
	else if (libc.kind == LIBC_GLIBC && libc_is_older(&libc, 2, 34) &&
		 !elf_needed_find(&needed, "libpthread.so"))
		report_obstacle("libc", "glibc %s without libpthread: the library stays asleep",
				libc.version);
	else
		report_line("libc", "%s %s", libc_name(&libc),
			    *libc.version ? libc.version : "of a version that it does not say");
}

/* What it prints with: nothing of ours, C stdio, or a buffer of its own. */
static void check_output(const struct program *program, const struct elf_file *elf)
{
	bool inside;
	const struct runtime *runtime = runtime_find(program, &needed, &inside);

	if (elf_imports_is_go(elf)) {
		report_obstacle("output", "Go makes its own system calls, past any library");
		report_line("", GO_UNBUFFERED);
	} else if (elf_imports_writes_unlocked(elf)) {
		report_obstacle("output",
				"writes to stdio without locks: the library stays asleep");
	} else if (runtime && (runtime->covered || inside)) {
		report_line("output", "%s%s: %s", inside ? "has in it " : "", runtime->name,
			    runtime->says);
	} else if (runtime) {
		report_obstacle("output", "%s %s", runtime->name, runtime->says);
	} else {
		report_line("output", "C stdio");
	}
	if (elf_imports_syncs_streams(elf))
		report_line("", "(not std::cout after sync_with_stdio(false))");
	if (runtime && runtime->covered && getenv("PYTHONUNBUFFERED"))
		report_line("", "(PYTHONUNBUFFERED is set: Python holds nothing back anyway)");
}

static void check_program(const struct program *program)
{
	struct mapping mapping;
	struct elf_file elf;

	check_kind(program);
	if (program_is_foreign(program, &library) || mapping_open(&mapping, program->path))
		return;
	if (!elf_file_open(&elf, mapping.bytes, mapping.length)) {
		mapping_close(&mapping);
		return;
	}
	if (program->kind == PROGRAM_DYNAMIC) {
		elf_needed_collect(&needed, program);
		check_libc(program);
		check_output(program, &elf);
	} else if (elf_imports_is_go(&elf)) {
		report_line("", GO_UNBUFFERED);
	}
	mapping_close(&mapping);
}

/* --- settings --------------------------------------------------------------------------------- */

/* The same, says is_named in init.c, as the library will find it. */
static bool is_named(const char *only, const struct resolved_command *resolved)
{
	char thread[16];

	snprintf(thread, sizeof(thread), "%.15s", resolved->thread);
	return config_match(only, thread) || config_match(only, resolved->name);
}

static void check_settings(const struct resolved_command *resolved)
{
	struct config config;

	config_init(&config);
	for (const struct config_setting *setting = config_settings; setting->env; setting++) {
		const char *value = getenv(setting->env);

		if (!value || !*value)
			continue;
		if (config_set(&config, setting, value))
			report_line("setting", "%s=%s is not %s: the default holds", setting->env,
				    value, setting->allowed);
		else
			report_line("setting", "%s=%s", setting->env, value);
	}
	if (config.disable)
		report_obstacle("setting", "IDLEFLUSH_DISABLE puts the library to sleep");
	if (config.only && !is_named(config.only, resolved))
		report_obstacle("setting", "IDLEFLUSH_ONLY does not name %s", resolved->name);
}

int check_command(char *const *command)
{
	static struct resolved_command resolved;
	bool found = check_library();

	if (resolve_command(&resolved, command) && found) {
		check_program(&resolved.program);
		if (resolved.program.kind == PROGRAM_DYNAMIC)
			check_preload();
		check_settings(&resolved);
	}
	report_stdout(NULL, "/proc/self/fd/1");
	return report_end("it works", "it will not work");
}
