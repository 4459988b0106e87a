/* elf_file.c -- an ELF file as bytes: headers, segments, sections and notes, whoever wrote it */
/* SPDX-License-Identifier: MIT */
#include "command/elf_file.h"

#include <elf.h>
#include <string.h>

/* Where the ELF header has what, in a 32-bit and in a 64-bit file. */
#define HEADER(image, field)                                                                       \
	((image)->wide ? offsetof(Elf64_Ehdr, field) : offsetof(Elf32_Ehdr, field))

bool elf_file_open(struct elf_file *image, const unsigned char *bytes, size_t length)
{
	*image = (struct elf_file){.bytes = bytes, .length = length};
	if (length < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
		return false;
	image->wide = bytes[EI_CLASS] == ELFCLASS64;
	image->big = bytes[EI_DATA] == ELFDATA2MSB;
	return (image->wide || bytes[EI_CLASS] == ELFCLASS32) &&
	       (image->big || bytes[EI_DATA] == ELFDATA2LSB);
}

bool elf_file_has(const struct elf_file *image, uint64_t offset, uint64_t size)
{
	return offset <= image->length && size <= image->length - offset;
}

uint64_t elf_file_number(const struct elf_file *image, uint64_t offset, unsigned size)
{
	uint64_t number = 0;

	if (!elf_file_has(image, offset, size))
		return 0;
	for (unsigned i = 0; i < size; i++)
		number = number << 8 | image->bytes[offset + (image->big ? i : size - 1 - i)];
	return number;
}

unsigned elf_file_word(const struct elf_file *image)
{
	return image->wide ? 8 : 4;
}

/* Where the program headers are, and of which size each is. */
static uint64_t segment_table(const struct elf_file *image)
{
	return elf_file_number(image, HEADER(image, e_phoff), elf_file_word(image));
}

static uint64_t segment_size(const struct elf_file *image)
{
	return image->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

size_t elf_file_segments(const struct elf_file *image)
{
	uint64_t size = elf_file_number(image, HEADER(image, e_phentsize), 2);
	uint64_t count = elf_file_number(image, HEADER(image, e_phnum), 2);

	if (size != segment_size(image) || !elf_file_has(image, segment_table(image), count * size))
		return 0;
	return (size_t)count;
}

struct elf_file_segment elf_file_segment(const struct elf_file *image, size_t index)
{
	uint64_t offset = segment_table(image) + index * segment_size(image);
	unsigned word = elf_file_word(image);

	/* p_flags stands behind p_type in the one and near the end in the other */
	return (struct elf_file_segment){
		.type = elf_file_number(image, offset, 4),
		.offset = elf_file_number(image, offset + word, word),
		.address = elf_file_number(image, offset + 2 * word, word),
		.size = elf_file_number(image, offset + 4 * word, word),
	};
}

struct elf_file_segment elf_file_find_segment(const struct elf_file *image, uint64_t type)
{
	for (size_t i = 0; i < elf_file_segments(image); i++) {
		struct elf_file_segment segment = elf_file_segment(image, i);

		if (segment.type == type)
			return segment;
	}
	return (struct elf_file_segment){0};
}

uint64_t elf_file_place(const struct elf_file *image, uint64_t address)
{
	for (size_t i = 0; i < elf_file_segments(image); i++) {
		struct elf_file_segment segment = elf_file_segment(image, i);

		if (segment.type == PT_LOAD && address >= segment.address &&
		    address - segment.address < segment.size)
			return segment.offset + (address - segment.address);
	}
	return UINT64_MAX;
}

const char *elf_file_string(const struct elf_file *image, uint64_t offset)
{
	const char *text;

	if (!elf_file_has(image, offset, 1))
		return NULL;
	text = (const char *)image->bytes + offset;
	return memchr(text, '\0', image->length - offset) ? text : NULL;
}

/* Notes are padded to 4 bytes; those in segments that ask for 8 come with names that fit both. */
static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

static bool find_note_in(const struct elf_file *image, const struct elf_file_segment *segment,
			 const char *name, uint64_t type, struct elf_file_note *note)
{
	uint64_t at = segment->offset, left = segment->size;

	if (!elf_file_has(image, at, left))
		return false;
	while (left >= 12) {
		uint64_t name_size = elf_file_number(image, at, 4);
		uint64_t content_size = elf_file_number(image, at + 4, 4);
		uint64_t size = 12 + padded(name_size) + padded(content_size);

		if (size > left)
			return false;
		*note = (struct elf_file_note){
			.type = elf_file_number(image, at + 8, 4),
			.name_size = name_size,
			.name = image->bytes + at + 12,
			.content_size = content_size,
			.content = image->bytes + at + 12 + padded(name_size),
		};
		/* Go's own names are padded with more than one NUL. */
		if (note->type == type && name_size > strlen(name) &&
		    !memcmp(note->name, name, strlen(name) + 1))
			return true;
		at += size;
		left -= size;
	}
	return false;
}

bool elf_file_find_note(const struct elf_file *image, const char *name, uint64_t type,
			struct elf_file_note *note)
{
	for (size_t i = 0; i < elf_file_segments(image); i++) {
		struct elf_file_segment segment = elf_file_segment(image, i);

		if (segment.type == PT_NOTE && find_note_in(image, &segment, name, type, note))
			return true;
	}
	return false;
}

bool elf_file_has_section(const struct elf_file *image, const char *name)
{
	unsigned word = elf_file_word(image);
	uint64_t table = elf_file_number(image, HEADER(image, e_shoff), word);
	uint64_t size = elf_file_number(image, HEADER(image, e_shentsize), 2);
	uint64_t count = elf_file_number(image, HEADER(image, e_shnum), 2);
	uint64_t names = elf_file_number(image, HEADER(image, e_shstrndx), 2);
	uint64_t offset_at =
		image->wide ? offsetof(Elf64_Shdr, sh_offset) : offsetof(Elf32_Shdr, sh_offset);

	if (!size || names >= count || !elf_file_has(image, table, count * size))
		return false;
	names = elf_file_number(image, table + names * size + offset_at, word);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = names + elf_file_number(image, table + i * size, 4);
		const char *found = at >= names ? elf_file_string(image, at) : NULL;

		if (found && !strcmp(found, name))
			return true;
	}
	return false;
}
