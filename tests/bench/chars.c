/* chars.c -- a program that logs by putchar: what does a second thread cost it? */
/* SPDX-License-Identifier: MIT */
/*
 *   chars COUNT
 *
 * COUNT characters to stdout; on stderr `ns N`, nanoseconds a character.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	double start = now_ns();

	if (count < 1)
		return 125;
	for (long i = 0; i < count; i++)
		putchar(i % 64 == 63 ? '\n' : 'x');
	fprintf(stderr, "ns %.3f\n", (now_ns() - start) / (double)count);
	return 0;
}
