/* report.c -- the doctor's report: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "options.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>

#define COLUMN 11

static char obstacle[8192]; /* the first one; room for a path */

static void print(const char *about, const char *format, va_list arguments)
{
	printf("%-*s", COLUMN, about);
	vprintf(format, arguments);
	putchar('\n');
}

void report_line(const char *about, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(about, format, arguments);
	va_end(arguments);
}

void report_obstacle(const char *about, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print(about, format, arguments);
	va_end(arguments);
	if (*obstacle)
		return;
	va_start(arguments, format);
	vsnprintf(obstacle, sizeof(obstacle), format, arguments);
	va_end(arguments);
}

bool report_is_negative(void)
{
	return *obstacle;
}

int report_end(const char *good, const char *bad)
{
	if (*obstacle)
		printf("%-*s%s: %s\n", COLUMN, "verdict", bad, obstacle);
	else
		printf("%-*s%s\n", COLUMN, "verdict", good);
	if (ferror(stdout) || fclose(stdout))
		err(EXIT_FAILED, "write error");
	return *obstacle ? 1 : 0;
}
