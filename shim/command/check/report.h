/* report.h -- the report of --check: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_REPORT_H
#define IDLEFLUSH_REPORT_H

#include <stdbool.h>

/* One line: what it is about, and what there is to say. */
void report_line(const char *about, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, and it is why idleflush will not work. The first such line is in the verdict again. */
void report_obstacle(const char *about, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The line about a standard output: its `name`, unless NULL, and what kind of file it is, which
 * `path` leads to.
 */
void report_stdout(const char *name, const char *path);

/* Was there an obstacle? */
bool report_is_negative(void);

/*
 * The last line: `good`, or `bad` and the first obstacle. Returns the exit status: 0, or 1 with an
 * obstacle. Ends the process with EXIT_FAILED where the report could not be written.
 */
int report_end(const char *good, const char *bad);

#endif
