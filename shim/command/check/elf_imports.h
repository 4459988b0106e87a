/* elf_imports.h -- what a program's file imports: libraries, where to find them, symbols */
/* SPDX-License-Identifier: MIT */
/* Pure; launcher only. Any file will do, a damaged one too. Source: elf(5). */
#ifndef IDLEFLUSH_ELF_IMPORTS_H
#define IDLEFLUSH_ELF_IMPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "command/elf_file.h"

/* Its dynamic section, read once. Places are offsets in the file; 0: there is none. */
struct elf_imports {
	struct elf_file elf;
	uint64_t dynamic, dynamic_size;
	uint64_t names, symbols;
	struct {
		uint64_t place, size, entry;
	} relocations[3];
	const char *runpath; /* DT_RUNPATH or DT_RPATH, or NULL */
};

/* Takes the bytes of a file. False where they are no ELF file that is loaded dynamically. */
bool elf_imports_open(struct elf_imports *imports, const unsigned char *bytes, size_t length);

/* Calls `each` with the name of every library that the file itself asks for (DT_NEEDED). */
void elf_imports_libraries(const struct elf_imports *imports, void (*each)(const char *, void *),
			   void *data);

/*
 * Calls `each` with the name of every symbol that the file imports, until one call returns true.
 * Returns whether one did. By the relocations, as symbols_imports does in memory.
 */
bool elf_imports_symbols(const struct elf_imports *imports, bool (*each)(const char *, void *),
			 void *data);

/* Was it made by Go's linker? Any ELF file. */
bool elf_imports_is_go(const struct elf_file *elf);

#endif
