/* elf_fuzz.c -- any bytes at all as a program's file: nothing past them is read */
/* SPDX-License-Identifier: MIT */
#include "command/check/elf_imports.h"
#include "command/elf_file.h"
#include "must.h"
#include "command/program.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char *from, *past;

static bool is_within(const char *text, void *data)
{
	const unsigned char *at = (const unsigned char *)text;

	(void)data;
	MUST(at >= from && at < past && memchr(at, '\0', (size_t)(past - at)));
	return false; /* no: go on to the next */
}

static void is_within_too(const char *text, void *data)
{
	is_within(text, data);
}

static void read_all(const struct elf_file *elf)
{
	struct elf_imports imports;

	elf_imports_is_go(elf);
	if (!elf_imports_open(&imports, elf->bytes, elf->length))
		return;
	elf_imports_libraries(&imports, is_within_too, NULL);
	elf_imports_symbols(&imports, is_within, NULL);
	if (imports.runpath)
		is_within(imports.runpath, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program program;
	unsigned char *copy = malloc(
		size + !size); /* of exactly its size, so that a read past the end is caught */
	struct elf_file elf;

	MUST(copy);
	memcpy(copy, data, size);
	from = copy;
	past = copy + size;
	program_read(&program, copy, size);
	MUST(memchr(program.interpreter, '\0', sizeof(program.interpreter)));
	MUST(memchr(program.argument, '\0', sizeof(program.argument)));
	if (elf_file_open(&elf, copy, size))
		read_all(&elf);
	free(copy);
	return 0;
}
