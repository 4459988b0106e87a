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

/* From memory that ends where the file does, so that the sanitizer catches a read past it. */
static bool read_copy(size_t size, struct elf_file *elf)
{
	static unsigned char *exact;
	char all[64] = "";
	size_t count = 0;

	free(exact);
	exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	if (!elf_file_open(elf, exact, size))
		return false;
	for (const char *name; (name = elf_imports_needed(elf, count)) && count < 1000; count++)
		strncat(all, name, sizeof(all) - strlen(all) - 1);
	elf_imports_writes_unlocked(elf);
	elf_imports_syncs_streams(elf);
	elf_imports_is_go(elf);
	return true;
}

static bool is_puts(const char *name)
{
	return !strcmp(name, "fwrite") || !strcmp(name, "fprintf");
}

static void check_myself(void)
{
	struct elf_file elf;
	bool libc = false;

	read_file("/proc/self/exe");
	CHECK(read_copy(length, &elf));
	for (size_t i = 0; elf_imports_needed(&elf, i); i++)
		libc = libc || strstr(elf_imports_needed(&elf, i), "libc.");
	CHECK(libc);
	CHECK(elf_imports_any(&elf, is_puts) && !elf_imports_writes_unlocked(&elf));
	CHECK(!elf_imports_syncs_streams(&elf) && !elf_imports_is_go(&elf));
	CHECK(elf_file_has_section(&elf, ".text") && !elf_file_has_section(&elf, ".nonsense"));
}

static void check_coreutils(void)
{
	struct elf_file elf;

	read_file("/bin/cat");
	CHECK(read_copy(length, &elf));
	CHECK(elf_imports_writes_unlocked(&elf));
}

static void check_cut_and_damaged(void)
{
	uint32_t seed = 1;
	struct elf_file elf;

	read_file("/bin/cat");
	for (size_t cut = 0; cut < length; cut += cut < 4096 ? 1 : 509)
		CHECK(read_copy(cut, &elf) == (cut >= 16));
	for (int i = 0; i < 3000; i++) {
		size_t at[8];
		unsigned char kept[8];

		for (int j = 0; j < 8; j++) {
			seed = seed * 1664525 + 1013904223;
			at[j] = (seed >> 4) % (j < 4 ? 1000 : length);
			kept[j] = bytes[at[j]];
			bytes[at[j]] = (unsigned char)(seed >> 24);
		}
		read_copy(length, &elf);
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
