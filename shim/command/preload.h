/* preload.h -- where the library is, and how LD_PRELOAD names it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PRELOAD_H
#define IDLEFLUSH_PRELOAD_H

#include <stdbool.h>
#include <stddef.h>

#define PRELOAD_LIBRARY    "libidleflush.so"
#define PRELOAD_SEPARATORS " \t\n\v\f\r:" /* of LD_PRELOAD: musl's set, which has glibc's in it */

#ifndef IDLEFLUSH_LIBDIR
#define IDLEFLUSH_LIBDIR "/usr/local/lib/idleflush"
#endif

/*
 * The library beside this executable, else where it is installed, or NULL: it is in neither place.
 * `*beside` is then the directory of this executable, or NULL where /proc is not there.
 */
const char *preload_find_library(const char **beside);

/* Can LD_PRELOAD name this path? */
bool preload_can_name(const char *path);

/*
 * The entry of an LD_PRELOAD at or behind `list`, and its length; NULL: there is none any more.
 */
const char *preload_next(const char *list, size_t *length);

/* Is there an entry that loads our library from anywhere? It is copied to `entry`, unless NULL. */
bool preload_has_library(const char *list, char *entry, size_t size);

/*
 * What LD_PRELOAD must be for COMMAND: `list` (or NULL) and `library`, unless the list has it
 * already. Ours comes last, because a sanitizer's runtime must be the first. Allocated; NULL: no
 * memory.
 */
char *preload_extend(const char *list, const char *library);

#endif
