/* libc_object.c -- is a function libc's, or does another preload replace it? */
/* SPDX-License-Identifier: MIT */
#include "base/libc_object.h"

#include "base/platform.h"

static uintptr_t start, end; /* of libc in memory; written at the first call */

/* Nobody replaces __fpending, so the object that defines it is libc. */
static int check_object(struct dl_phdr_info *object, size_t size, void *unused)
{
	const uintptr_t libcs = (uintptr_t)&__fpending;

	(void)size;
	(void)unused;
	start = UINTPTR_MAX;
	end = 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type != PT_LOAD)
			continue;
		if (from < start)
			start = from;
		if (from + segment->p_memsz > end)
			end = from + segment->p_memsz;
	}
	return libcs >= start && libcs < end;
}

bool libc_object_has(const void *address)
{
	if (!end && !dl_iterate_phdr(check_object, NULL))
		return false;
	return (uintptr_t)address >= start && (uintptr_t)address < end;
}
