/* elf_fuzz.c -- any bytes at all as a program's file: whatever they claim, nothing past them is
 * read */
/* SPDX-License-Identifier: MIT */
#include "anatomy.h"
#include "image.h"
#include "must.h"
#include "program.h"

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

static void look_at_image(const struct image *image)
{
	const char *name;

	for (size_t i = 0; i < 8 && (name = anatomy_needed(image, i)); i++)
		is_within(name);
	anatomy_imports(image, is_within);
	anatomy_writes_unlocked(image);
	anatomy_syncs_streams(image);
	anatomy_is_go(image);
	for (size_t i = 0; i < image_segments(image) && i < 8; i++)
		image_place(image, image_segment(image, i).address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct program program;
	unsigned char *copy = malloc(size + !size); /* of its very size: a step too far is seen */
	struct image image;

	MUST(copy);
	memcpy(copy, data, size);
	from = copy;
	past = copy + size;
	program_read(&program, copy, size);
	MUST(memchr(program.interpreter, '\0', sizeof(program.interpreter)));
	MUST(memchr(program.argument, '\0', sizeof(program.argument)));
	if (image_open(&image, copy, size))
		look_at_image(&image);
	free(copy);
	return 0;
}
