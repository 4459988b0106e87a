/* elf_needed.c -- which libraries a program brings in, its own and theirs */
/* SPDX-License-Identifier: MIT */
#include "command/check/elf_needed.h"
#include "command/check/elf_imports.h"
#include "command/elf_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct elf_needed *needed, const char *name)
{
	for (size_t i = 0; i < needed->count; i++)
		if (!strcmp(needed->names[i], name))
			return;
	if (needed->count < ELF_NEEDED_MOST && strlen(name) < ELF_NEEDED_NAME)
		strcpy(needed->names[needed->count++], name);
}

/* False where there is no such file, or none for a machine like `program`'s. */
static bool add_those_of(struct elf_needed *needed, const char *path, const struct program *program)
{
	struct mapping mapping;
	struct program library;
	struct elf_file elf;
	bool fits;

	if (mapping_open(&mapping, path))
		return false;
	program_read(&library, mapping.bytes, mapping.length);
	fits = !program_is_foreign(&library, program) &&
	       elf_file_open(&elf, mapping.bytes, mapping.length);
	for (size_t i = 0; fits && elf_imports_needed(&elf, i); i++)
		add(needed, elf_imports_needed(&elf, i));
	mapping_close(&mapping);
	return fits;
}

/* Looks in the folders of a list by colons, each below `root`. */
static bool search(struct elf_needed *needed, const char *name, const char *root, const char *list,
		   const struct program *program)
{
	while (list && *list) {
		size_t length = strcspn(list, ":");
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s%.*s/%s", root, (int)length, list, name) <
			    PATH_MAX &&
		    add_those_of(needed, path, program))
			return true;
		list += length + !!list[length];
	}
	return false;
}

void elf_needed_collect(struct elf_needed *needed, const struct program *program)
{
	char loader[PATH_MAX], *slash;

	needed->count = 0;
	if (!realpath(program->interpreter, loader))
		return;
	slash = strrchr(loader, '/');
	*slash = '\0'; /* now the folder of libc */
	add_those_of(needed, program->path, program);
	for (size_t i = 0; i < needed->count; i++)
		if (!search(needed, needed->names[i], "", getenv("LD_LIBRARY_PATH"), program) &&
		    !search(needed, needed->names[i], "", loader, program))
			search(needed, needed->names[i], "/usr", loader, program);
}

const char *elf_needed_find(const struct elf_needed *needed, const char *prefix)
{
	for (size_t i = 0; i < needed->count; i++)
		if (!strncmp(needed->names[i], prefix, strlen(prefix)))
			return needed->names[i];
	return NULL;
}
