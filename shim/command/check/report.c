/* report.c -- the report of --check: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#include "command/check/report.h"

#include "command/options.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

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

/* Terminals' device numbers; Documentation/admin-guide/devices.txt of Linux. */
static bool is_terminal(dev_t device)
{
	return major(device) == 4 || major(device) == 5 ||
	       (major(device) >= 136 && major(device) <= 143);
}

void report_stdout(const char *name, const char *path)
{
	struct stat file;
	const char *kind;

	if (stat(path, &file))
		kind = "closed, or not to be seen";
	else if (S_ISFIFO(file.st_mode))
		kind = "a pipe";
	else if (S_ISSOCK(file.st_mode))
		kind = "a socket";
	else if (S_ISREG(file.st_mode))
		kind = "a file";
	else if (file.st_rdev == makedev(1, 3))
		kind = "/dev/null: nothing to do";
	else if (is_terminal(file.st_rdev))
		kind = "a terminal: fresh by itself, nothing to do";
	else
		kind = "a device: nothing to do";
	report_line("stdout", "%s%s%s", name ? name : "", name ? ", " : "", kind);
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
