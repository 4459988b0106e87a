/* symbols.h -- the dynamic symbols of the loaded objects, read without the loader's help */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SYMBOLS_H
#define IDLEFLUSH_SYMBOLS_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The symbols of one object. No table: it has none, or none that can be found. */
struct symbols {
	ElfW(Addr) base;
	const ElfW(Dyn) * dynamic;
	const ElfW(Sym) * table;
	const char *names;
	const ElfW(Half) * versions;       /* one a symbol, or NULL */
	const uint32_t *sysv;              /* DT_HASH, or NULL */
	const uint32_t *gnu;               /* DT_GNU_HASH, or NULL */
	const ElfW(Rela) * relocations[2]; /* of data and of the PLT */
	size_t relocation_count[2];
	size_t relative_count; /* relocations at the front that name no symbol */
};

/* Reads those of the object that is loaded at `base` with this dynamic section. Any context. */
struct symbols symbols_read(ElfW(Addr) base, const ElfW(Dyn) * dynamic);

/* Does the object import a symbol for which `is_wanted(name)` is true? Any context. */
bool symbols_imports(const struct symbols *symbols, bool (*is_wanted)(const char *name));

/* The same for the main program. Takes a lock of the loader's: not in a signal handler. */
bool symbols_program_imports(bool (*is_wanted)(const char *name));

/* The same for the program or any library that is loaded. */
bool symbols_any_imports(bool (*is_wanted)(const char *name));

/* A name to look up, and what was found: no symbol, or one without an address. */
struct symbols_wanted {
	const char *name;
	uint32_t hash;
	const ElfW(Sym) * symbol;
	void *address; /* NULL: no plain function; only the loader knows what to make of it */
};

/* Asks for a name. Returns what follows its NUL, for names that lie one after the other. */
const char *symbols_want(struct symbols_wanted *wanted, const char *name);

/*
 * Looks up `count` names in all loaded objects. What it does not find, dlsym(RTLD_DEFAULT) does not
 * find either. Allocates nothing. Takes a lock of the loader's.
 */
void symbols_find(struct symbols_wanted *wanted, size_t count);

/* The same in the objects behind this one: as dlsym(RTLD_NEXT), in a fraction of the time. */
void symbols_find_next(struct symbols_wanted *wanted, size_t count);

#endif
