/* program.c -- what kind of program a file is, and whether a library can be preloaded into it */
/* SPDX-License-Identifier: MIT */
#include "command/program.h"

#include "command/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

const char *program_file_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Does the dynamic section say DF_1_PIE? */
static bool says_pie(const struct elf_file *elf, const struct elf_file_segment *dynamic)
{
	unsigned word = elf_file_word(elf);
	uint64_t offset = dynamic->offset;

	if (!elf_file_has(elf, dynamic->offset, dynamic->size))
		return false;
	for (uint64_t left = dynamic->size; left >= 2 * word; left -= 2 * word) {
		uint64_t tag = elf_file_number(elf, offset, word);

		if (tag == DT_NULL)
			break;
		if (tag == DT_FLAGS_1)
			return elf_file_number(elf, offset + word, word) & DF_1_PIE;
		offset += 2 * word;
	}
	return false;
}

/*
 * A position-independent file that asks for no loader may be a library or the loader itself. What
 * tells them from a static-pie program is that they lack the flag that linkers give to every PIE.
 */
static enum program_kind kind_without_loader(const struct elf_file *elf, uint64_t type)
{
	struct elf_file_segment dynamic = elf_file_find_segment(elf, PT_DYNAMIC);

	return type == ET_DYN && dynamic.size && !says_pie(elf, &dynamic) ? PROGRAM_LIBRARY
									  : PROGRAM_STATIC;
}

static enum program_kind read_elf(struct program *program, const unsigned char *bytes,
				  size_t length)
{
	struct elf_file_segment loader;
	struct elf_file elf;
	uint64_t type;

	if (!elf_file_open(&elf, bytes, length))
		return PROGRAM_BROKEN;
	program->class = bytes[EI_CLASS];
	program->order = bytes[EI_DATA];
	program->machine = (uint16_t)elf_file_number(&elf, 18, 2);
	type = elf_file_number(&elf, 16, 2);
	if ((type != ET_EXEC && type != ET_DYN) || !elf_file_segment_count(&elf))
		return PROGRAM_BROKEN;
	loader = elf_file_find_segment(&elf, PT_INTERP);
	if (loader.type != PT_INTERP)
		return kind_without_loader(&elf, type);
	if (loader.size < 2 || loader.size > sizeof(program->interpreter) ||
	    !elf_file_has(&elf, loader.offset, loader.size) ||
	    bytes[loader.offset + loader.size - 1])
		return PROGRAM_BROKEN;
	memcpy(program->interpreter, bytes + loader.offset, loader.size);
	return PROGRAM_DYNAMIC;
}

/* The kernel reads a fixed piece, filled up with NUL, and refuses an interpreter cut by its end. */
static enum program_kind read_script(struct program *program, const unsigned char *bytes,
				     size_t length)
{
	char line[PROGRAM_LINE_MAX + 1] = {0};
	const char *name;
	size_t size;

	memcpy(line, bytes, length < PROGRAM_LINE_MAX ? length : PROGRAM_LINE_MAX);
	name = line + 2 + strspn(line + 2, " \t");
	size = strcspn(name, " \t\n");
	if (!size || name + size == line + PROGRAM_LINE_MAX)
		return PROGRAM_OTHER;
	memcpy(program->interpreter, name, size);
	name += size + strspn(name + size, " \t");
	size = strcspn(name, "\n");
	while (size && strchr(" \t", name[size - 1]))
		size--;
	memcpy(program->argument, name, size);
	return PROGRAM_SCRIPT;
}

void program_read(struct program *program, const unsigned char *bytes, size_t length)
{
	program->class = program->order = 0;
	program->machine = 0;
	memset(program->interpreter, 0, sizeof(program->interpreter));
	memset(program->argument, 0, sizeof(program->argument));
	if (length >= SELFMAG && !memcmp(bytes, ELFMAG, SELFMAG))
		program->kind = read_elf(program, bytes, length);
	else if (length >= 2 && !memcmp(bytes, "#!", 2))
		program->kind = read_script(program, bytes, length);
	else
		program->kind = PROGRAM_OTHER;
}

/*
 * As in cap_bprm_creds_from_file of Linux: a program is secure if its effective ID is not the
 * caller's real one, or if its file gives it capabilities and the caller is not root.
 */
static void check_privileges(struct program *program, const struct stat *file)
{
	struct statvfs mount;
	bool nosuid = !statvfs(program->path, &mount) && mount.f_flag & ST_NOSUID;
	bool heeded = !nosuid && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
	bool set_uid = heeded && file->st_mode & S_ISUID;
	bool set_gid = heeded && file->st_mode & S_ISGID && file->st_mode & S_IXGRP;

	program->set_id = (set_uid ? file->st_uid : geteuid()) != getuid() ||
			  (set_gid ? file->st_gid : getegid()) != getgid();
	program->capabilities = !nosuid && getuid() != 0 &&
				getxattr(program->path, "security.capability", NULL, 0) > 0;
}

static bool is_executable(const char *path)
{
	struct stat file;

	return !stat(path, &file) && S_ISREG(file.st_mode) &&
	       !faccessat(AT_FDCWD, path, X_OK, AT_EACCESS);
}

bool program_find(char path[PROGRAM_PATH_MAX], const char *name)
{
	const char *list = getenv("PATH");
	char standard[64];

	if (strchr(name, '/') || !*name)
		list = "";
	else if (!list)
		list = confstr(_CS_PATH, standard, sizeof(standard)) ? standard : "";
	for (;; list++) {
		size_t length = strcspn(list, ":");
		int size = snprintf(path, PROGRAM_PATH_MAX, "%.*s%s%s", (int)length, list,
				    length ? "/" : "", name);

		if (size < PROGRAM_PATH_MAX && is_executable(path))
			return true;
		list += length;
		if (!*list)
			return false;
	}
}

int program_inspect(struct program *program, const char *path)
{
	struct stat file;
	int error;

	if (program->file.bytes)
		mapping_close(&program->file);
	memset(program, 0, sizeof(*program));
	if (snprintf(program->path, sizeof(program->path), "%s", path) >= PROGRAM_PATH_MAX)
		return -ENAMETOOLONG;
	if (stat(path, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EACCES;
	check_privileges(program, &file);
	error = mapping_open(&program->file, path);
	if (error) {
		program->file.bytes = NULL;
		return error;
	}
	program_read(program, program->file.bytes, program->file.length);
	return 0;
}

static bool is_elf(const struct program *program)
{
	return program->kind == PROGRAM_STATIC || program->kind == PROGRAM_DYNAMIC ||
	       program->kind == PROGRAM_LIBRARY;
}

bool program_is_foreign(const struct program *program, const struct program *library)
{
	return is_elf(program) &&
	       (program->class != library->class || program->order != library->order ||
		program->machine != library->machine);
}

const char *program_obstacle(const struct program *program, const struct program *library)
{
	if (program_is_foreign(program, library))
		return "is built for another architecture";
	if (program->kind == PROGRAM_STATIC)
		return "is statically linked";
	if (!is_elf(program) && program->kind != PROGRAM_OPAQUE)
		return NULL;
	if (program->set_id)
		return "changes its user or group ID";
	if (program->capabilities)
		return "has file capabilities";
	return NULL;
}
