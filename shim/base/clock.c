/* clock.c -- is clock_gettime libc's, or does another preload replace it? */
/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/platform.h"

bool clock_is_taken;

static bool is_within(const struct dl_phdr_info *object, const void *address)
{
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_LOAD && (uintptr_t)address >= start &&
		    (uintptr_t)address - start < segment->p_memsz)
			return true;
	}
	return false;
}

/* Nobody replaces __fpending, so the object that defines it is libc. */
static int check_object(struct dl_phdr_info *object, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	if (!is_within(object, (const void *)&__fpending))
		return 0;
	clock_is_taken = !is_within(object, (const void *)&clock_gettime);
	return 1;
}

void clock_init(void)
{
	dl_iterate_phdr(check_object, NULL);
}
