/* check.h -- the unit tests' one macro: count, and on failure say where and end with 1 */
/* SPDX-License-Identifier: MIT */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

static int checks;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		checks++;                                                                          \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

/* The last line of every main: TAP, so that a runner can count. */
#define CHECK_DONE(name) (printf("ok - %s: %d checks\n", name, checks), 0)

#endif
