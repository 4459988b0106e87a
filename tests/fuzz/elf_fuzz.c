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

static bool is_within(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	MUST(at >= from && at < past && memchr(at, '\0', (size_t)(past - at)));
	return false; /* no: go on to the next */
}

static void read_all(const struct elf_file *elf)
{
	const char *name;

	for (size_t i = 0; i < 8 && (name = elf_imports_needed(elf, i)); i++)
		is_within(name);
	elf_imports_any(elf, is_within);
	elf_imports_writes_unlocked(elf);
	elf_imports_syncs_streams(elf);
	elf_imports_is_go(elf);
	for (size_t i = 0; i < elf_file_segment_count(elf) && i < 8; i++)
		elf_file_place(elf, elf_file_segment(elf, i).address);
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
