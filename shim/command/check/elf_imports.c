/* elf_imports.c -- what an ELF file says of its program: libraries, calls, who made it */
/* SPDX-License-Identifier: MIT */
#include "command/check/elf_imports.h"

#include <elf.h>
#include <string.h>

#define GO_BUILD_ID 4 /* the note's type; cmd/link/internal/ld/elf.go of Go */

/* A dynamic section's entry `tag`, `skip` of them passed over; false: there is none. */
static bool find_dynamic(const struct elf_file *elf, uint64_t tag, size_t skip, uint64_t *value)
{
	struct elf_file_segment dynamic = elf_file_find_segment(elf, PT_DYNAMIC);
	unsigned word = elf_file_word(elf);

	if (!elf_file_has(elf, dynamic.offset, dynamic.size))
		return false;
	for (uint64_t at = 0; dynamic.size - at >= 2 * word; at += 2 * word) {
		uint64_t found = elf_file_number(elf, dynamic.offset + at, word);

		if (found == DT_NULL)
			break;
		if (found != tag || skip--)
			continue;
		*value = elf_file_number(elf, dynamic.offset + at + word, word);
		return true;
	}
	return false;
}

/* The same for an entry that is an address: where in the file that is. */
static bool find_table(const struct elf_file *elf, uint64_t tag, uint64_t *place)
{
	uint64_t address;

	if (!find_dynamic(elf, tag, 0, &address))
		return false;
	*place = elf_file_place(elf, address);
	return *place != UINT64_MAX;
}

const char *elf_imports_needed(const struct elf_file *elf, size_t index)
{
	uint64_t names, name;

	if (!find_table(elf, DT_STRTAB, &names) || !find_dynamic(elf, DT_NEEDED, index, &name))
		return NULL;
	return name < elf->length ? elf_file_string(elf, names + name) : NULL;
}

/* A relocation table's kind: where it starts, how long it is, how long one of it is. */
struct relocations {
	uint64_t table, size, entry;
};

static const struct relocations kinds[] = {
	{DT_RELA, DT_RELASZ, 3}, {DT_REL, DT_RELSZ, 2}, {DT_JMPREL, DT_PLTRELSZ, 0}};

/* The name of the undefined symbol `index`, or NULL. */
static const char *undefined_name(const struct elf_file *elf, uint64_t index)
{
	uint64_t size = elf->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t section =
		elf->wide ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx);
	uint64_t table, names, at;

	if (!index || !find_table(elf, DT_SYMTAB, &table) || !find_table(elf, DT_STRTAB, &names))
		return NULL;
	at = table + index * size;
	if (!elf_file_has(elf, at, size) || elf_file_number(elf, at + section, 2) != SHN_UNDEF)
		return NULL;
	return elf_file_string(elf, names + elf_file_number(elf, at, 4));
}

bool elf_imports_any(const struct elf_file *elf, bool (*is_wanted)(const char *name))
{
	unsigned word = elf_file_word(elf);

	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		uint64_t table, size, form = DT_RELA, entry = kinds[kind].entry * word;

		if (!find_table(elf, kinds[kind].table, &table) ||
		    !find_dynamic(elf, kinds[kind].size, 0, &size) ||
		    !elf_file_has(elf, table, size))
			continue;
		if (!entry && find_dynamic(elf, DT_PLTREL, 0, &form))
			entry = form == DT_REL ? 2 * word : 3 * word;
		for (uint64_t at = 0; entry && size - at >= entry; at += entry) {
			uint64_t info = elf_file_number(elf, table + at + word, word);
			const char *name = undefined_name(elf, info >> (elf->wide ? 32 : 8));

			if (name && is_wanted(name))
				return true;
		}
	}
	return false;
}

static bool is_unlocked(const char *name)
{
	static const char *const calls[] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(name, calls[i]))
			return true;
	return false;
}

bool elf_imports_writes_unlocked(const struct elf_file *elf)
{
	return elf_imports_any(elf, is_unlocked);
}

static bool is_sync(const char *name)
{
	return !strcmp(name, "_ZNSt8ios_base15sync_with_stdioEb");
}

bool elf_imports_syncs_streams(const struct elf_file *elf)
{
	return elf_imports_any(elf, is_sync);
}

/* The build ID may be left out; what it was built from is said in a section then. */
bool elf_imports_is_go(const struct elf_file *elf)
{
	struct elf_file_note note;

	return elf_file_find_note(elf, "Go", GO_BUILD_ID, &note) ||
	       elf_file_has_section(elf, ".go.buildinfo");
}
