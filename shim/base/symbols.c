/* symbols.c -- the dynamic symbols of the loaded objects, read without the loader's help */
/* SPDX-License-Identifier: MIT */
/* Source: the ELF specification, and for DT_GNU_HASH the loaders of glibc and musl. */
#include "base/symbols.h"

#include "base/platform.h"

#define VERSION_HIDDEN 0x8000 /* an old version, which new programs are not bound to */

/* glibc adds the load address to the pointers of a dynamic section, musl leaves them. */
static const void *loaded(ElfW(Addr) base, ElfW(Addr) pointer)
{
	return (const void *)(pointer < base ? base + pointer : pointer);
}

struct symbols symbols_read(ElfW(Addr) base, const ElfW(Dyn) * dynamic)
{
	struct symbols found = {.base = base, .dynamic = dynamic};

	for (; dynamic->d_tag != DT_NULL; dynamic++) {
		const void *at = loaded(base, dynamic->d_un.d_ptr);

		switch (dynamic->d_tag) {
		case DT_SYMTAB:
			found.table = at;
			break;
		case DT_STRTAB:
			found.names = at;
			break;
		case DT_VERSYM:
			found.versions = at;
			break;
		case DT_HASH:
			found.sysv = at;
			break;
		case DT_GNU_HASH:
			found.gnu = at;
			break;
		case DT_RELA:
			found.relocations[0] = at;
			break;
		case DT_RELASZ:
			found.relocation_count[0] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_RELACOUNT:
			found.relative_count = dynamic->d_un.d_val;
			break;
		case DT_JMPREL:
			found.relocations[1] = at;
			break;
		case DT_PLTRELSZ:
			found.relocation_count[1] = dynamic->d_un.d_val / sizeof(ElfW(Rela));
			break;
		}
	}
	return found.table && found.names
		       ? found
		       : (struct symbols){.base = base, .dynamic = found.dynamic};
}

/* By the relocations, because the DT_GNU_HASH of a program does not contain its imports. */
bool symbols_imports(const struct symbols *symbols, bool (*is_wanted)(const char *name))
{
	for (int kind = 0; kind < 2 && symbols->table; kind++) {
		const ElfW(Rela) *at = symbols->relocations[kind];
		size_t count = at ? symbols->relocation_count[kind] : 0;
		uint32_t last = 0; /* linkers put those of a symbol side by side */

		for (size_t r = kind ? 0 : symbols->relative_count; r < count; r++) {
			uint32_t i = (uint32_t)ELF64_R_SYM(at[r].r_info);

			if (i != last && symbols->table[i].st_shndx == SHN_UNDEF &&
			    is_wanted(symbols->names + symbols->table[i].st_name))
				return true;
			last = i;
		}
	}
	return false;
}

/* Is symbol `i` a definition of `name` that new programs are bound to? */
static bool defines(const struct symbols *symbols, uint32_t i, const char *name)
{
	const ElfW(Sym) *symbol = &symbols->table[i];

	return symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) != STT_TLS &&
	       !(symbols->versions && symbols->versions[i] & VERSION_HIDDEN) &&
	       !strcmp(symbols->names + symbol->st_name, name);
}

/*
 * The table's layout: bucket count, first symbol, filter size, shift; filter; buckets; chains.
 * The filter saves nothing where, as in libc, a name is there.
 */
static uint32_t find_by_gnu_hash(const struct symbols *symbols, const char *name, uint32_t hash)
{
	const uint32_t *table = symbols->gnu;
	const uint32_t *buckets = table + 4 + table[2] * (sizeof(ElfW(Addr)) / sizeof(*table));
	const uint32_t *chains = buckets + table[0];
	uint32_t i = table[0] ? buckets[hash % table[0]] : 0;

	if (i < table[1])
		return 0;
	for (;; i++) {
		uint32_t entry = chains[i - table[1]];

		if ((entry | 1) == (hash | 1) && defines(symbols, i, name))
			return i;
		if (entry & 1) /* the last of its bucket */
			return 0;
	}
}

/* Its layout: bucket count, symbol count; buckets; chains. */
static uint32_t find_by_sysv_hash(const struct symbols *symbols, const char *name)
{
	const uint32_t *buckets = symbols->sysv + 2, *chains = buckets + buckets[-2];
	uint32_t hash = 0, i;

	for (const char *at = name; *at; at++) {
		hash = (hash << 4) + (unsigned char)*at;
		hash = (hash ^ (hash >> 24 & 0xf0)) & 0x0fffffff;
	}
	i = buckets[hash % buckets[-2]];
	while (i && !defines(symbols, i, name))
		i = chains[i];
	return i;
}

static uint32_t find(const struct symbols *symbols, const char *name, uint32_t hash)
{
	if (symbols->gnu)
		return find_by_gnu_hash(symbols, name, hash);
	return symbols->sysv && *symbols->sysv ? find_by_sysv_hash(symbols, name) : 0;
}

/* --- all objects -------------------------------------------------------------------------- */

/* Where there is no dl_iterate_phdr: the list of objects that the loader keeps for debuggers. */
static const struct link_map *first_object(void)
{
	return &_dl_debug_addr && _dl_debug_addr ? _dl_debug_addr->r_map : NULL;
}

struct visit {
	bool (*each)(const struct symbols *symbols, void *data);
	void *data;
};

static int visit_object(struct dl_phdr_info *info, size_t size, void *data)
{
	struct visit *visit = data;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		struct symbols symbols;

		if (segment->p_type != PT_DYNAMIC)
			continue;
		symbols = symbols_read(info->dlpi_addr,
				       (const void *)(info->dlpi_addr + segment->p_vaddr));
		return visit->each(&symbols, visit->data);
	}
	return 0;
}

/* In the order of loading, which is that of look-ups, until `each` returns true. */
static void visit_all(bool (*each)(const struct symbols *symbols, void *data), void *data)
{
	if (dl_iterate_phdr) {
		dl_iterate_phdr(visit_object, &(struct visit){each, data});
		return;
	}
	for (const struct link_map *map = first_object(); map; map = map->l_next) {
		struct symbols symbols = symbols_read(map->l_addr, map->l_ld);

		if (each(&symbols, data))
			return;
	}
}

struct search {
	struct symbols_wanted *wanted;
	size_t count;
	bool begun;
};

static bool search_object(const struct symbols *symbols, void *data)
{
	struct search *search = data;

	for (size_t k = 0; search->begun && k < search->count; k++) {
		struct symbols_wanted *wanted = &search->wanted[k];
		uint32_t i = wanted->symbol ? 0 : find(symbols, wanted->name, wanted->hash);

		if (!i)
			continue;
		wanted->symbol = &symbols->table[i];
		if (ELF64_ST_TYPE(wanted->symbol->st_info) == STT_FUNC)
			wanted->address = (void *)(symbols->base + wanted->symbol->st_value);
	}
	search->begun = search->begun || symbols->dynamic == _DYNAMIC;
	return false;
}

const char *symbols_want(struct symbols_wanted *wanted, const char *name)
{
	*wanted = (struct symbols_wanted){.name = name, .hash = 5381};
	for (; *name; name++)
		wanted->hash = wanted->hash * 33 + (unsigned char)*name;
	return name + 1;
}

void symbols_find(struct symbols_wanted *wanted, size_t count)
{
	visit_all(search_object, &(struct search){wanted, count, true});
}

void symbols_find_next(struct symbols_wanted *wanted, size_t count)
{
	visit_all(search_object, &(struct search){wanted, count, false});
}

struct question {
	bool (*is_wanted)(const char *name);
	bool of_libraries, imports;
};

static bool ask_object(const struct symbols *symbols, void *data)
{
	struct question *question = data;

	question->imports = symbols_imports(symbols, question->is_wanted);
	return question->imports || !question->of_libraries; /* the first object is the program */
}

static bool ask(struct question question)
{
	visit_all(ask_object, &question);
	return question.imports;
}

bool symbols_program_imports(bool (*is_wanted)(const char *name))
{
	return ask((struct question){.is_wanted = is_wanted});
}

bool symbols_any_imports(bool (*is_wanted)(const char *name))
{
	return ask((struct question){.is_wanted = is_wanted, .of_libraries = true});
}
