/* lines.c -- a program that does nothing but log: N lines by printf, as fast as it can */
/* SPDX-License-Identifier: MIT */
/*
 *   lines COUNT [line]
 *
 * `line`: the source patch that idleflush is compared with, setvbuf(3) to line buffering.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;

	if (count < 1)
		return 125;
	if (argc > 2 && !strcmp(argv[2], "line"))
		setvbuf(stdout, NULL, _IOLBF, 0);
	for (long i = 0; i < count; i++)
		printf("INFO request=%ld status=%d bytes=%ld GET /api/items/%ld\n", i, 200,
		       512 + i % 4096, i % 1000);
	return 0;
}
