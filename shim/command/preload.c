/* preload.c -- where the library is, and how LD_PRELOAD names it */
/* SPDX-License-Identifier: MIT */
#include "command/preload.h"
#include "command/check/libraries.h"
#include "command/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *preload_find_library(const char **beside)
{
	static char path[PROGRAM_PATH_MAX + sizeof(PRELOAD_LIBRARY)];
	ssize_t length = readlink("/proc/self/exe", path, PROGRAM_PATH_MAX);
	char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;

	*beside = NULL;
	if (slash) {
		strcpy(slash + 1, PRELOAD_LIBRARY);
		if (!access(path, R_OK))
			return path;
		*slash = '\0';
		*beside = path;
	}
	if (!access(IDLEFLUSH_LIBDIR "/" PRELOAD_LIBRARY, R_OK))
		return IDLEFLUSH_LIBDIR "/" PRELOAD_LIBRARY;
	return NULL;
}

bool preload_can_name(const char *path)
{
	return !path[strcspn(path, PRELOAD_SEPARATORS)];
}

const char *preload_next(const char *list, size_t *length)
{
	list += strspn(list, PRELOAD_SEPARATORS);
	*length = strcspn(list, PRELOAD_SEPARATORS);
	return *length ? list : NULL;
}

/* Does the loader find a library of that bare name, in the places of ld.so(8)? */
static bool is_found(const char *name)
{
	static const char *const folders[] = {"/lib", "/usr/lib", "/lib64", "/usr/lib64"};
	const char *list = getenv("LD_LIBRARY_PATH");
	char path[2 * PROGRAM_PATH_MAX];

	while (list && *list) {
		size_t length = strcspn(list, ":;");

		snprintf(path, sizeof(path), "%.*s/%s", (int)length, list, name);
		if (!access(path, R_OK))
			return true;
		list += length + !!list[length];
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!access(path, R_OK))
			return true;
	}
	return libraries_cached(name);
}

bool preload_has_library(const char *list, char *entry, size_t size)
{
	char path[PROGRAM_PATH_MAX];
	size_t length;

	for (; list && (list = preload_next(list, &length)); list += length) {
		if (length >= sizeof(path))
			continue;
		snprintf(path, sizeof(path), "%.*s", (int)length, list);
		if (strcmp(program_file_name(path), PRELOAD_LIBRARY) ||
		    (strchr(path, '/') ? access(path, R_OK) : !is_found(path)))
			continue;
		if (entry)
			snprintf(entry, size, "%s", path);
		return true;
	}
	return false;
}

char *preload_extend(const char *list, const char *library)
{
	char *longer;

	if (!list || !*list)
		return strdup(library);
	if (preload_has_library(list, NULL, 0))
		return strdup(list);
	return asprintf(&longer, "%s:%s", list, library) < 0 ? NULL : longer;
}
