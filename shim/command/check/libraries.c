/* libraries.c -- which libraries a dynamic program brings in, its own and theirs; its libc */
/* SPDX-License-Identifier: MIT */
#include "command/check/libraries.h"

#include "command/check/elf_imports.h"
#include "command/elf_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE "/etc/ld.so.cache"

/* Whose libraries are being collected. */
struct search {
	struct libraries *libraries;
	const struct program *program;
	char runpath[PATH_MAX];     /* of the program, with its folder in the place of $ORIGIN */
	char libc_folder[PATH_MAX]; /* where the loader is */
};

static void add(const char *name, void *data)
{
	struct libraries *libraries = data;

	for (size_t i = 0; i < libraries->count; i++)
		if (!strcmp(libraries->names[i], name))
			return;
	if (libraries->count < LIBRARIES_MOST && strlen(name) < LIBRARY_NAME)
		strcpy(libraries->names[libraries->count++], name);
}

static bool is_unlocked(const char *name, void *unused)
{
	static const char *const calls[] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(name, calls[i]))
			return true;
	return false;
}

/* False if there is no such file, or it is for another machine than the program. */
static bool add_those_of(const struct search *search, const char *path)
{
	struct mapping mapping;
	static struct program library;
	struct elf_imports imports;
	bool fits;

	if (mapping_open(&mapping, path))
		return false;
	program_read(&library, mapping.bytes, mapping.length);
	fits = !program_is_foreign(&library, search->program) &&
	       elf_imports_open(&imports, mapping.bytes, mapping.length);
	if (fits) {
		elf_imports_libraries(&imports, add, search->libraries);
		if (elf_imports_symbols(&imports, is_unlocked, NULL))
			search->libraries->unlocked = true;
	}
	mapping_close(&mapping);
	return fits;
}

/* Looks in the folders of a list by colons, each below `root`. */
static bool search_list(const struct search *search, const char *name, const char *root,
			const char *list)
{
	while (list && *list) {
		size_t length = strcspn(list, ":");
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s%.*s/%s", root, (int)length, list, name) <
			    PATH_MAX &&
		    add_those_of(search, path))
			return true;
		list += length + !!list[length];
	}
	return false;
}

/* The cache of glibc's loader, which ldconfig(8) writes, ends in a list of the paths. */
const char *libraries_cached(const char *name)
{
	static char path[PATH_MAX];
	char end[LIBRARY_NAME + 1];
	size_t length = strlen(name) + 2;
	struct mapping cache;
	const char *found, *start;

	*path = '\0';
	if (length > sizeof(end) || mapping_open(&cache, CACHE))
		return NULL;
	snprintf(end, sizeof(end), "/%s", name);
	found = memmem(cache.bytes, cache.length, end, length);
	start = found;
	while (start && (const unsigned char *)start > cache.bytes && start[-1])
		start--;
	if (found && start && (size_t)(found - start) + length <= sizeof(path))
		memcpy(path, start, (size_t)(found - start) + length);
	mapping_close(&cache);
	return *path == '/' ? path : NULL;
}

/* DT_RUNPATH with the program's folder for $ORIGIN, where it begins with that. */
static void take_runpath(struct search *search)
{
	const struct program *program = search->program;
	struct elf_imports imports;
	char real[PATH_MAX];
	const char *rest;

	if (!program->file.bytes ||
	    !elf_imports_open(&imports, program->file.bytes, program->file.length))
		return;
	elf_imports_libraries(&imports, add, search->libraries);
	rest = imports.runpath;
	if (!rest || !realpath(program->path, real))
		return;
	*strrchr(real, '/') = '\0';
	if (!strncmp(rest, "$ORIGIN", 7) || !strncmp(rest, "${ORIGIN}", 9))
		snprintf(search->runpath, sizeof(search->runpath), "%s%s", real,
			 rest + (rest[1] == '{' ? 9 : 7));
	else
		snprintf(search->runpath, sizeof(search->runpath), "%s", rest);
}

/* glibc has a symbol version for each release that added symbols. 2.34 included libpthread. */
static bool is_split(const char *folder)
{
	static const char symbol_version[] = "GLIBC_2.34";
	char path[PATH_MAX + sizeof("/libc.so.6")];
	struct mapping libc;
	bool has;

	snprintf(path, sizeof(path), "%s/libc.so.6", folder);
	if (mapping_open(&libc, path))
		return false;
	has = memmem(libc.bytes, libc.length, symbol_version, sizeof(symbol_version));
	mapping_close(&libc);
	return !has;
}

static enum libc find_libc(const struct search *search)
{
	const char *name = program_file_name(search->program->interpreter);

	if (!strncmp(name, "ld-musl-", 8))
		return LIBC_MUSL;
	if (strncmp(name, "ld-linux", 8) && strncmp(name, "ld64.so", 7) &&
	    strncmp(name, "ld.so.1", 7))
		return LIBC_OTHER;
	if (!search->libraries->count)
		return LIBC_NONE;
	return is_split(search->libc_folder) ? LIBC_GLIBC_SPLIT : LIBC_GLIBC;
}

void libraries_collect(struct libraries *libraries, const struct program *program)
{
	static struct search search;
	const char *cached;

	libraries->count = 0;
	libraries->unlocked = false;
	libraries->libc = LIBC_OTHER;
	memset(&search, 0, sizeof(search));
	search.libraries = libraries;
	search.program = program;
	if (!realpath(program->interpreter, search.libc_folder))
		return;
	*strrchr(search.libc_folder, '/') = '\0';
	take_runpath(&search);
	libraries->libc = find_libc(&search);
	for (size_t i = 0; i < libraries->count; i++) {
		const char *name = libraries->names[i];

		if (search_list(&search, name, "", search.runpath) ||
		    search_list(&search, name, "", getenv("LD_LIBRARY_PATH")) ||
		    search_list(&search, name, "", search.libc_folder))
			continue;
		cached = libraries_cached(name);
		if (!cached || !add_those_of(&search, cached))
			search_list(&search, name, "/usr", search.libc_folder);
	}
}

bool libraries_have(const struct libraries *libraries, const char *prefix)
{
	for (size_t i = 0; i < libraries->count; i++)
		if (!strncmp(libraries->names[i], prefix, strlen(prefix)))
			return true;
	return false;
}
