/* spawn.c -- starts a command N times, one after the other: what does a start cost? */
/* SPDX-License-Identifier: MIT */
/*
 *   spawn COUNT COMMAND [ARGUMENT...]
 *
 * Prints microseconds a run, from posix_spawn to the end of wait. Preloads come in by the command
 * (`env LD_PRELOAD=...` would be measured with it) or, as `-e NAME=VALUE`, in its environment.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	char **command = argv + 2;
	double start;

	while (count > 0 && *command && !strcmp(*command, "-e")) {
		putenv(command[1]);
		command += 2;
	}
	if (count < 1 || !*command)
		return 125;
	start = now_us();
	for (long i = 0; i < count; i++) {
		pid_t pid;
		int status;

		errno = posix_spawnp(&pid, *command, NULL, NULL, command, environ);
		if (errno || waitpid(pid, &status, 0) < 0 || status) {
			perror(*command);
			return 1;
		}
	}
	printf("%.2f\n", (now_us() - start) / (double)count);
	return 0;
}
