/* elf_imports.h -- what an ELF file says of its program: libraries, calls, who made it */
/* SPDX-License-Identifier: MIT */
/* Pure; launcher only. Any file will do, a damaged one too. Source: elf(5). */
#ifndef IDLEFLUSH_ELF_IMPORTS_H
#define IDLEFLUSH_ELF_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "command/elf_file.h"

/*
 * Name `index` of the libraries that the file itself asks for (DT_NEEDED), or NULL past the last
 * one. Points into the file.
 */
const char *elf_imports_needed(const struct elf_file *elf, size_t index);

/*
 * Does it refer to a function of another's for which `is_wanted(name)` is true? By its relocations,
 * as symbols_imports does in memory.
 */
bool elf_imports_any(const struct elf_file *elf, bool (*is_wanted)(const char *name));

/* Does it write to stdio without taking the streams' locks? See unlocked.h. */
bool elf_imports_writes_unlocked(const struct elf_file *elf);

/* May it take C++ streams out of step with stdio (std::ios_base::sync_with_stdio)? */
bool elf_imports_syncs_streams(const struct elf_file *elf);

/* Was it made by Go's linker? */
bool elf_imports_is_go(const struct elf_file *elf);

#endif
