/* waiting.c -- programs that are no network servers, and print a line whenever they wake */
/* SPDX-License-Identifier: MIT */
/*
 *   waiting sleep COUNT   prints, sleeps 20 ms, and goes on sleeping after COUNT lines
 *   waiting pipe          a filter: reads bytes from stdin, answers on stderr by write(2), prints
 *   waiting inetd         a server on stdio: reads lines from stdin, prints
 *
 * Each line says when it was printed, as the reader of tests/fixtures wants it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void say(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("req 1 pid %d ns %lld\n", getpid(), now.tv_sec * 1000000000LL + now.tv_nsec);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 0;
	char line[64];

	if (!strcmp(mode, "sleep")) {
		for (long i = 0;; i++) {
			if (i < count)
				say();
			usleep(20000);
		}
	}
	if (!strcmp(mode, "pipe")) {
		while (read(STDIN_FILENO, line, 1) == 1 && write(STDERR_FILENO, line, 1) == 1)
			say();
		return 0;
	}
	if (!strcmp(mode, "inetd")) {
		while (fgets(line, sizeof(line), stdin))
			say();
		return 0;
	}
	return 125;
}
