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

/* From memory that ends where the file does, so that the sanitizer sees each byte too far. */
static bool look(size_t size, struct elf_file *image)
{
	static unsigned char *exact;
	char all[64] = "";
	size_t count = 0;

	free(exact);
	exact = malloc(size ? size : 1);
	memcpy(exact, bytes, size);
	if (!elf_file_open(image, exact, size))
		return false;
	for (const char *name; (name = elf_imports_needed(image, count)) && count < 1000; count++)
		strncat(all, name, sizeof(all) - strlen(all) - 1);
	elf_imports_writes_unlocked(image);
	elf_imports_syncs_streams(image);
	elf_imports_is_go(image);
	return true;
}

static bool is_puts(const char *name)
{
	return !strcmp(name, "fwrite") || !strcmp(name, "fprintf");
}

static void check_myself(void)
{
	struct elf_file image;
	bool libc = false;

	read_file("/proc/self/exe");
	CHECK(look(length, &image));
	for (size_t i = 0; elf_imports_needed(&image, i); i++)
		libc = libc || strstr(elf_imports_needed(&image, i), "libc.");
	CHECK(libc);
	CHECK(elf_imports_any(&image, is_puts) && !elf_imports_writes_unlocked(&image));
	CHECK(!elf_imports_syncs_streams(&image) && !elf_imports_is_go(&image));
	CHECK(elf_file_has_section(&image, ".text") && !elf_file_has_section(&image, ".nonsense"));
}

static void check_coreutils(void)
{
	struct elf_file image;

	read_file("/bin/cat");
	CHECK(look(length, &image));
	CHECK(elf_imports_writes_unlocked(&image));
}

static void check_cut_and_damaged(void)
{
	uint32_t seed = 1;
	struct elf_file image;

	read_file("/bin/cat");
	for (size_t cut = 0; cut < length; cut += cut < 4096 ? 1 : 509)
		CHECK(look(cut, &image) == (cut >= 16));
	for (int i = 0; i < 3000; i++) {
		size_t at[8];
		unsigned char kept[8];

		for (int j = 0; j < 8; j++) {
			seed = seed * 1664525 + 1013904223;
			at[j] = (seed >> 4) % (j < 4 ? 1000 : length);
			kept[j] = bytes[at[j]];
			bytes[at[j]] = (unsigned char)(seed >> 24);
		}
		look(length, &image);
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
