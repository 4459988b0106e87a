/* unlocked.c -- does the program write to stdio without taking the streams' locks? */
/* SPDX-License-Identifier: MIT */
/*
 * Reads in memory what the main program imports. Libraries do not matter: they are written to be
 * used with threads.
 */
#include "sink/unlocked.h"

#include "base/platform.h"
#include "base/symbols.h"

static bool writes_unlocked(const char *name)
{
	static const char *const calls[] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(name, calls[i]) == 0)
			return true;
	return false;
}

static int read_program(struct dl_phdr_info *info, size_t size, void *used)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		struct symbols symbols;

		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		symbols = symbols_read(
			info->dlpi_addr,
			(const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
		*(bool *)used = symbols_imports(&symbols, writes_unlocked);
	}
	return 1; /* the first object is the program: stop here */
}

bool unlocked_is_used(void)
{
	bool used = false;

	dl_iterate_phdr(read_program, &used);
	return used;
}
