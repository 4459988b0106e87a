/* anatomy.h -- what a program's file tells of how it will behave: libraries, calls, who made it */
/* SPDX-License-Identifier: MIT */
/* Pure; launcher only. Any image will do, a damaged one too. Source: elf(5). */
#ifndef IDLEFLUSH_ANATOMY_H
#define IDLEFLUSH_ANATOMY_H

#include <stdbool.h>
#include <stddef.h>

#include "image.h"

/*
 * Name `index` of the libraries that the file itself asks for (DT_NEEDED), or NULL past the last
 * one. Points into the image.
 */
const char *anatomy_needed(const struct image *image, size_t index);

/*
 * Does it refer to a function of another's for which `is_wanted(name)` is true? By its relocations,
 * as symbols_imports does in memory.
 */
bool anatomy_imports(const struct image *image, bool (*is_wanted)(const char *name));

/* Does it write to stdio without taking the streams' locks? See unlocked.h. */
bool anatomy_writes_unlocked(const struct image *image);

/* May it take C++ streams out of step with stdio (std::ios_base::sync_with_stdio)? */
bool anatomy_syncs_streams(const struct image *image);

/* Was it made by Go's linker? */
bool anatomy_is_go(const struct image *image);

#endif
