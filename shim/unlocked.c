/* unlocked.c -- does the program write to stdio without taking the streams' locks? */
/* SPDX-License-Identifier: MIT */
/*
 * Reads the main program's dynamic symbol table in memory. Libraries are not looked at: they are
 * written to be used with threads.
 */
#include "unlocked.h"

#include "platform.h"

struct symbols {
	const ElfW(Sym) * table;
	const char *names;
	size_t count; /* of those that may be undefined: imports come first */
};

static bool writes_unlocked(const char *name)
{
	static const char *const calls[] = {
		"__overflow",        "fputc_unlocked",   "fputs_unlocked",  "fwrite_unlocked",
		"putc_unlocked",     "putchar_unlocked", "fputwc_unlocked", "putwc_unlocked",
		"putwchar_unlocked", "fputws_unlocked",  "__woverflow"};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(name, calls[i]) == 0)
			return true;
	return false;
}

/* glibc adds the load address to the pointers of a dynamic section, musl leaves them. */
static const void *loaded(ElfW(Addr) base, ElfW(Addr) pointer)
{
	return (const void *)(pointer < base ? base + pointer : pointer);
}

static struct symbols find_symbols(ElfW(Addr) base, const ElfW(Dyn) * dynamic)
{
	struct symbols found = {NULL, NULL, 0};

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *at = loaded(base, dynamic->d_un.d_ptr);

		if (dynamic->d_tag == DT_SYMTAB)
			found.table = at;
		else if (dynamic->d_tag == DT_STRTAB)
			found.names = at;
		else if (dynamic->d_tag == DT_HASH)
			found.count = ((const uint32_t *)at)[1]; /* nchain: all symbols */
		else if (dynamic->d_tag == DT_GNU_HASH && !found.count)
			found.count = ((const uint32_t *)at)[1]; /* symoffset: the imports */
	}
	return found;
}

static int look_at_program(struct dl_phdr_info *info, size_t size, void *used)
{
	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		struct symbols symbols;

		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		symbols = find_symbols(
			info->dlpi_addr,
			(const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr));
		for (size_t s = 1; symbols.table && symbols.names && s < symbols.count; s++)
			if (symbols.table[s].st_shndx == SHN_UNDEF &&
			    writes_unlocked(symbols.names + symbols.table[s].st_name))
				*(bool *)used = true;
	}
	return 1; /* the first object is the program; stop there */
}

bool unlocked_is_used(void)
{
	bool used = false;

	dl_iterate_phdr(look_at_program, &used);
	return used;
}
