/* elf_file.h -- an ELF file as bytes: headers, segments, sections and notes, whoever wrote it */
/* SPDX-License-Identifier: MIT */
/*
 * Pure but for the mapping. Of either word size and byte order, cut or damaged: nothing past the
 * bytes is read, and what a hostile header claims is checked. Source: elf(5).
 */
#ifndef IDLEFLUSH_ELF_FILE_H
#define IDLEFLUSH_ELF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_file {
	const unsigned char *bytes;
	size_t length;
	bool wide; /* 64-bit */
	bool big;  /* most significant byte first */
};

/* A program header. */
struct elf_file_segment {
	uint64_t type, offset, address, size; /* size: in the file */
};

/* An entry of a note segment; `name` and `content` point into the file. */
struct elf_file_note {
	uint64_t type, name_size, content_size;
	const unsigned char *name, *content;
};

/* Takes the bytes of a file. False where they are not ELF of a known word size and byte order. */
bool elf_file_open(struct elf_file *elf, const unsigned char *bytes, size_t length);

/* Are there `size` bytes at `offset`? */
bool elf_file_has(const struct elf_file *elf, uint64_t offset, uint64_t size);

/* The number of `size` bytes, at most 8, at `offset`; 0 where the file has ended. */
uint64_t elf_file_number(const struct elf_file *elf, uint64_t offset, unsigned size);

/* The bytes of an address, a size or an offset in this file: 4 or 8. */
unsigned elf_file_word(const struct elf_file *elf);

/* How many program headers there are; 0: none, or they are not as elf(5) has them. */
size_t elf_file_segment_count(const struct elf_file *elf);

/* The program header `index`, below elf_file_segment_count. */
struct elf_file_segment elf_file_segment(const struct elf_file *elf, size_t index);

/* The first program header of `type`; all zero where there is none. */
struct elf_file_segment elf_file_find_segment(const struct elf_file *elf, uint64_t type);

/* Where in the file the byte is that is loaded at `address`; UINT64_MAX: nowhere. */
uint64_t elf_file_place(const struct elf_file *elf, uint64_t address);

/* The string at `offset`, or NULL where it does not end within the file and 1000 bytes. */
const char *elf_file_string(const struct elf_file *elf, uint64_t offset);

/* Finds a note of that name and type, in one of the first 16 note segments. */
bool elf_file_find_note(const struct elf_file *elf, const char *name, uint64_t type,
			struct elf_file_note *note);

/* Is there a section of that name? Sections may be stripped. */
bool elf_file_has_section(const struct elf_file *elf, const char *name);

/* --- any file's bytes in memory */

struct mapping {
	const unsigned char *bytes; /* never NULL where mapping_open said 0 */
	size_t length;
};

/*
 * Maps a regular file for reading. Returns 0 or a negative errno: -EACCES if it is not regular. If
 * the file shrinks meanwhile, the missing bytes are read as zeros; for that SIGBUS is handled until
 * mapping_end.
 */
int mapping_open(struct mapping *mapping, const char *path);

/* Undoes that. */
void mapping_close(struct mapping *mapping);

/* Restores SIGBUS for the program that is executed. No mapping may be read any more. */
void mapping_end(void);

#endif
