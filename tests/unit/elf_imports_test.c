/* elf_imports_test.c -- real files of this machine, whole, cut and damaged */
/* SPDX-License-Identifier: MIT */
#include "command/check/elf_imports.h"
#include "check.h"

#include <string.h>

static unsigned char *bytes;
static size_t length;

static void read_file(const char *path)
{
	FILE *file = fopen(path, "r");

	CHECK(file);
	CHECK(!fseek(file, 0, SEEK_END));
	length = (size_t)ftell(file);
	rewind(file);
	free(bytes);
	bytes = malloc(length);
	CHECK(fread(bytes, 1, length, file) == length);
	fclose(file);
}

/* Reads it all, from memory that ends where the file does: the sanitizer sees a read past it. */
struct seen {
	bool libc, printing, unlocked;
	size_t symbols;
};

static void see_library(const char *name, void *data)
{
	struct seen *seen = data;

	seen->libc = seen->libc || strstr(name, "libc.");
}

static bool see_symbol(const char *name, void *data)
{
	struct seen *seen = data;

	seen->symbols++;
	seen->printing = seen->printing || !strcmp(name, "fwrite") || !strcmp(name, "fprintf");
	seen->unlocked = seen->unlocked || strstr(name, "_unlocked");
	return false;
}

static bool read_copy(size_t size, struct elf_file *elf, struct seen *seen)
{
	static unsigned char *exact;
	struct elf_imports imports;

	free(exact);
	exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	*seen = (struct seen){0};
	if (!elf_file_open(elf, exact, size))
		return false;
	elf_imports_is_go(elf);
	if (elf_imports_open(&imports, exact, size)) {
		elf_imports_libraries(&imports, see_library, seen);
		elf_imports_symbols(&imports, see_symbol, seen);
	}
	return true;
}

static void check_myself(void)
{
	struct elf_file elf;
	struct seen seen;

	read_file("/proc/self/exe");
	CHECK(read_copy(length, &elf, &seen));
	CHECK(seen.libc && seen.printing && !seen.unlocked);
	CHECK(!elf_imports_is_go(&elf));
	CHECK(elf_file_has_section(&elf, ".text") && !elf_file_has_section(&elf, ".nonsense"));
}

static void check_coreutils(void)
{
	struct elf_file elf;
	struct seen seen;

	read_file("/bin/cat");
	CHECK(read_copy(length, &elf, &seen));
	CHECK(seen.unlocked && seen.symbols > 10);
}

static void check_cut_and_damaged(void)
{
	uint32_t seed = 1;
	struct elf_file elf;
	struct seen seen;

	read_file("/bin/cat");
	for (size_t cut = 0; cut < length; cut += cut < 4096 ? 1 : 509)
		CHECK(read_copy(cut, &elf, &seen) == (cut >= 16));
	for (int i = 0; i < 3000; i++) {
		size_t at[8];
		unsigned char kept[8];

		for (int j = 0; j < 8; j++) {
			seed = seed * 1664525 + 1013904223;
			at[j] = (seed >> 4) % (j < 4 ? 1000 : length);
			kept[j] = bytes[at[j]];
			bytes[at[j]] = (unsigned char)(seed >> 24);
		}
		read_copy(length, &elf, &seen);
		for (int j = 8; j--;)
			bytes[at[j]] = kept[j];
	}
}

int main(void)
{
	check_myself();
	check_coreutils();
	check_cut_and_damaged();
	free(bytes);
	return CHECK_DONE("elf_imports");
}
