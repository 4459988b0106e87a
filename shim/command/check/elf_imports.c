/* elf_imports.c -- what a program's file imports: libraries, where to find them, symbols */
/* SPDX-License-Identifier: MIT */
#include "command/check/elf_imports.h"

#include <elf.h>

#define GO_BUILD_ID 4 /* the note's type; cmd/link/internal/ld/elf.go of Go */

/* An entry of the dynamic section; false: there is no further. */
static bool get_dynamic(const struct elf_imports *imports, uint64_t index, uint64_t *tag,
			uint64_t *value)
{
	unsigned word = elf_file_word(&imports->elf);
	uint64_t at = index * 2 * word;

	if (imports->dynamic_size < at + 2 * word)
		return false;
	*tag = elf_file_number(&imports->elf, imports->dynamic + at, word);
	*value = elf_file_number(&imports->elf, imports->dynamic + at + word, word);
	return *tag != DT_NULL;
}

static void take_entry(struct elf_imports *imports, uint64_t tag, uint64_t value, uint64_t *runpath,
		       uint64_t *form)
{
	static const uint64_t tables[] = {DT_RELA, DT_REL, DT_JMPREL};
	static const uint64_t sizes[] = {DT_RELASZ, DT_RELSZ, DT_PLTRELSZ};
	bool is_table = tag == DT_STRTAB || tag == DT_SYMTAB;
	uint64_t place;

	for (size_t i = 0; i < 3; i++) {
		is_table = is_table || tag == tables[i];
		if (tag == sizes[i])
			imports->relocations[i].size = value;
	}
	if (tag == DT_RUNPATH || (tag == DT_RPATH && !*runpath))
		*runpath = value;
	if (tag == DT_PLTREL)
		*form = value;
	place = is_table ? elf_file_place(&imports->elf, value) : UINT64_MAX;
	if (place == UINT64_MAX)
		return;
	if (tag == DT_STRTAB)
		imports->names = place;
	else if (tag == DT_SYMTAB)
		imports->symbols = place;
	for (size_t i = 0; i < 3; i++)
		if (tag == tables[i])
			imports->relocations[i].place = place;
}

/* A name in the string table, or NULL. */
static const char *name_at(const struct elf_imports *imports, uint64_t offset)
{
	return imports->names && offset < imports->elf.length
		       ? elf_file_string(&imports->elf, imports->names + offset)
		       : NULL;
}

bool elf_imports_open(struct elf_imports *imports, const unsigned char *bytes, size_t length)
{
	struct elf_file_segment dynamic;
	uint64_t tag, value, runpath = 0, form = DT_RELA;
	unsigned word;

	*imports = (struct elf_imports){0};
	if (!elf_file_open(&imports->elf, bytes, length))
		return false;
	dynamic = elf_file_find_segment(&imports->elf, PT_DYNAMIC);
	if (!dynamic.size || !elf_file_has(&imports->elf, dynamic.offset, dynamic.size))
		return false;
	imports->dynamic = dynamic.offset;
	imports->dynamic_size = dynamic.size;
	/* A section with more entries than there are tags is not valid. */
	for (uint64_t i = 0; i < 10000 && get_dynamic(imports, i, &tag, &value); i++)
		take_entry(imports, tag, value, &runpath, &form);
	word = elf_file_word(&imports->elf);
	imports->relocations[0].entry = 3 * word;
	imports->relocations[1].entry = 2 * word;
	imports->relocations[2].entry = form == DT_REL ? 2 * word : 3 * word;
	imports->runpath = runpath ? name_at(imports, runpath) : NULL;
	return true;
}

void elf_imports_libraries(const struct elf_imports *imports, void (*each)(const char *, void *),
			   void *data)
{
	uint64_t tag, value;

	for (uint64_t i = 0; i < 10000 && get_dynamic(imports, i, &tag, &value); i++) {
		const char *name = tag == DT_NEEDED ? name_at(imports, value) : NULL;

		if (name)
			each(name, data);
	}
}

/*
 * The name of the symbol `index` of a relocation, or NULL if it is a function that the file itself
 * defines. A variable may be defined in the file: those of libraries are copied into programs.
 */
static const char *symbol_name(const struct elf_imports *imports, uint64_t index)
{
	const struct elf_file *elf = &imports->elf;
	uint64_t size = elf->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint64_t section =
		elf->wide ? offsetof(Elf64_Sym, st_shndx) : offsetof(Elf32_Sym, st_shndx);
	uint64_t info = elf->wide ? offsetof(Elf64_Sym, st_info) : offsetof(Elf32_Sym, st_info);
	uint64_t at = imports->symbols + index * size;

	if (!index || index > UINT32_MAX || !elf_file_has(elf, at, size))
		return NULL;
	if (elf_file_number(elf, at + section, 2) != SHN_UNDEF &&
	    (elf_file_number(elf, at + info, 1) & 0xf) != STT_OBJECT)
		return NULL;
	return name_at(imports, elf_file_number(elf, at, 4));
}

bool elf_imports_symbols(const struct elf_imports *imports, bool (*each)(const char *, void *),
			 void *data)
{
	const struct elf_file *elf = &imports->elf;
	unsigned word = elf_file_word(elf);

	for (size_t kind = 0; imports->symbols && kind < 3; kind++) {
		uint64_t table = imports->relocations[kind].place;
		uint64_t size = imports->relocations[kind].size;
		uint64_t entry = imports->relocations[kind].entry;

		if (!table || !elf_file_has(elf, table, size))
			continue;
		for (uint64_t at = 0; size - at >= entry; at += entry) {
			uint64_t info = elf_file_number(elf, table + at + word, word);
			const char *name = symbol_name(imports, info >> (elf->wide ? 32 : 8));

			if (name && each(name, data))
				return true;
		}
	}
	return false;
}

/* The build ID may be left out; what it was built from is said in a section then. */
bool elf_imports_is_go(const struct elf_file *elf)
{
	struct elf_file_note note;

	return elf_file_find_note(elf, "Go", GO_BUILD_ID, &note) ||
	       elf_file_has_section(elf, ".go.buildinfo");
}
