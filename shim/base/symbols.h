/* symbols.h -- the dynamic symbols of the objects in memory, read without the loader's help */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SYMBOLS_H
#define IDLEFLUSH_SYMBOLS_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One object's. All zero: it has none, or none that can be found. */
struct symbols {
	ElfW(Addr) base;
	const ElfW(Sym) * table;
	const char *names;
	const ElfW(Half) * versions;       /* one a symbol, or NULL */
	const uint32_t *sysv;              /* DT_HASH, or NULL */
	const uint32_t *gnu;               /* DT_GNU_HASH, or NULL */
	const ElfW(Rela) * relocations[2]; /* of data and of the PLT */
	size_t relocation_count[2];
	size_t relative_count; /* so many at the front name no symbol */
};

/* Those of the object that is loaded at `base` and has that dynamic section. Any context. */
struct symbols symbols_read(ElfW(Addr) base, const ElfW(Dyn) * dynamic);

/* Does the object refer to another's symbol for which `is_wanted(name)` is true? Any context. */
bool symbols_imports(const struct symbols *symbols, bool (*is_wanted)(const char *name));

/*
 * What dlsym(RTLD_NEXT, name) finds, or NULL: for a libc that has no dlsym of its own, such as
 * glibc before 2.34, where it is in libdl. Walks the loader's list without its lock: constructor
 * only.
 */
void *symbols_find_next(const char *name);

#endif
