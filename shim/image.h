/* image.h -- an ELF file as bytes: headers, segments, sections and notes, whoever wrote it */
/* SPDX-License-Identifier: MIT */
/*
 * Pure. Of either word size and byte order, cut or damaged: nothing past the bytes is read, and
 * what a hostile header claims is checked. Source: elf(5).
 */
#ifndef IDLEFLUSH_IMAGE_H
#define IDLEFLUSH_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	const unsigned char *bytes;
	size_t length;
	bool wide; /* 64-bit */
	bool big;  /* most significant byte first */
};

/* A program header. */
struct image_segment {
	uint64_t type, offset, address, size; /* size: in the file */
};

/* An entry of a note segment; `name` and `content` point into the image. */
struct image_note {
	uint64_t type, name_size, content_size;
	const unsigned char *name, *content;
};

/* Takes the bytes of a file. False where they are not ELF of a known word size and byte order. */
bool image_open(struct image *image, const unsigned char *bytes, size_t length);

/* Are there `size` bytes at `offset`? */
bool image_has(const struct image *image, uint64_t offset, uint64_t size);

/* The number of `size` bytes, at most 8, at `offset`; 0 where the file has ended. */
uint64_t image_number(const struct image *image, uint64_t offset, unsigned size);

/* The bytes of an address, a size or an offset in this file: 4 or 8. */
unsigned image_word(const struct image *image);

/* How many program headers there are; 0: none, or they are not as elf(5) has them. */
size_t image_segments(const struct image *image);

/* The program header `index`, below image_segments. */
struct image_segment image_segment(const struct image *image, size_t index);

/* The first program header of `type`; all zero where there is none. */
struct image_segment image_find_segment(const struct image *image, uint64_t type);

/* Where in the file the byte is that is loaded at `address`; UINT64_MAX: nowhere. */
uint64_t image_place(const struct image *image, uint64_t address);

/* The string at `offset`, or NULL where it does not end within the file. */
const char *image_string(const struct image *image, uint64_t offset);

/* Finds a note of that name and type. */
bool image_find_note(const struct image *image, const char *name, uint64_t type,
		     struct image_note *note);

/* Is there a section of that name? Sections may be stripped. */
bool image_has_section(const struct image *image, const char *name);

#endif
