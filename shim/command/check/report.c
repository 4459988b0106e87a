/* report.c -- the report of --check: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#include "command/check/report.h"

#include "command/options.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define COLUMN 11

static bool muted, json;
static char separator = '{'; /* before the next member */
static enum verdict verdict;
static char *reason; /* of the verdict, escaped */
static const char *advice;

void report_mute(void)
{
	muted = true;
}

void report_as_json(void)
{
	json = muted = true;
}

static void begin_member(const char *name)
{
	printf("%c\"%s\":", separator, name);
	separator = ',';
}

/* A path may hold any byte: what is no printable ASCII goes out as if it were Latin-1. */
void report_text(const char *name, const char *text)
{
	if (!json)
		return;
	begin_member(name);
	putchar('"');
	for (const char *at = text; *at; at++)
		if (*at < ' ' || *at > '~' || *at == '"' || *at == '\\')
			printf("\\u%04x", (unsigned char)*at);
		else
			putchar(*at);
	putchar('"');
}

void report_number(const char *name, int64_t number)
{
	if (!json)
		return;
	begin_member(name);
	printf("%" PRId64, number);
}

void report_bytes(int64_t size, const char *what, const char *name)
{
	if (size < 0)
		return;
	report_line("", "%" PRId64 " bytes in %s", size, what);
	report_number(name, size);
}

/* The end of the object. */
static void end_object(void)
{
	static const char *const works[] = {[VERDICT_NONE] = "null",
					    [VERDICT_WORKS] = "true",
					    [VERDICT_UNKNOWN] = "null",
					    [VERDICT_FAILS] = "false",
					    [VERDICT_NOT_NEEDED] = "true"};

	if (verdict != VERDICT_WORKS && *report_reason())
		report_text("why", report_reason());
	begin_member("works");
	printf("%s}\n", works[verdict]);
}

/* Returns a copy in which every byte that is not printable ASCII is escaped. */
static char *escape(const char *format, va_list arguments)
{
	char *text, *escaped, *to;

	if (vasprintf(&text, format, arguments) < 0)
		err(EXIT_FAILED, NULL);
	to = escaped = malloc(4 * strlen(text) + 1);
	if (!escaped)
		err(EXIT_FAILED, NULL);
	for (const char *from = text; *from; from++) {
		if (*from >= ' ' && *from < 0x7f && *from != '\\')
			*to++ = *from;
		else if (*from == '\n')
			to = stpcpy(to, "\\n");
		else if (*from == '\\')
			to = stpcpy(to, "\\\\");
		else
			to += snprintf(to, 5, "\\%03o", (unsigned char)*from);
	}
	*to = '\0';
	free(text);
	return escaped;
}

/* Returns the text, escaped. */
static char *print(const char *about, const char *format, va_list arguments)
{
	char *text = escape(format, arguments);

	if (!muted)
		printf("%-*s%s\n", COLUMN, about, text);
	return text;
}

void report_line(const char *about, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	free(print(about, format, arguments));
	va_end(arguments);
}

void report_finding(enum verdict found, const char *about, const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = print(about, format, arguments);
	va_end(arguments);
	if (found <= verdict) {
		free(text);
		return;
	}
	free(reason);
	verdict = found;
	reason = text;
}

enum verdict report_verdict(void)
{
	return verdict;
}

const char *report_reason(void)
{
	return reason ? reason : "";
}

void report_guide(const char *guide)
{
	advice = guide;
}

/* Terminals' device numbers; Documentation/admin-guide/devices.txt of Linux. */
static bool is_terminal(dev_t device)
{
	return major(device) == 4 || major(device) == 5 ||
	       (major(device) >= 136 && major(device) <= 143);
}

#define MESSAGES "a socket of messages: to such a stdout nothing is flushed"

/* Has the table /proc/PROCESS/net/NAME a line with `inode`? For datagram sockets. */
static bool is_listed(const char *process, const char *name, ino_t inode)
{
	char path[64], *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *table;

	snprintf(path, sizeof(path), "/proc/%s/net/%s", process, name);
	table = fopen(path, "re");
	while (table && !found && getline(&line, &room, table) > 0) {
		unsigned type = SOCK_DGRAM;
		uintmax_t number = 0;

		if (!strcmp(name, "unix"))
			sscanf(line, "%*s %*s %*s %*s %x %*s %ju", &type, &number);
		else
			sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %ju", &number);
		found = number == inode && type != SOCK_STREAM;
	}
	free(line);
	if (table)
		fclose(table);
	return found;
}

static bool is_message_socket(const struct stat *file, const char *process)
{
	return S_ISSOCK(file->st_mode) && (is_listed(process, "unix", file->st_ino) ||
					   is_listed(process, "udp", file->st_ino) ||
					   is_listed(process, "udp6", file->st_ino));
}

void report_stdout(const char *name, const char *process)
{
	const char *before = name ? name : "", *comma = name ? ", " : "";
	struct stat file;
	const char *kind;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/fd/1", process);
	if (stat(path, &file))
		kind = "closed, or not to be seen";
	else if (S_ISFIFO(file.st_mode))
		kind = "a pipe";
	else if (is_message_socket(&file, process)) {
		report_finding(VERDICT_FAILS, "stdout", "%s%s%s", before, comma, MESSAGES);
		return;
	} else if (S_ISSOCK(file.st_mode))
		kind = "a socket";
	else if (S_ISREG(file.st_mode))
		kind = "a file";
	else if (file.st_rdev == makedev(1, 3))
		kind = "/dev/null: nothing to do";
	else if (is_terminal(file.st_rdev))
		kind = "a terminal: fresh by itself, nothing to do";
	else
		kind = "a device: nothing to do";
	report_line("stdout", "%s%s%s", before, comma, kind);
}

int report_end(const char *const words[VERDICT_NOT_NEEDED + 1])
{
	static const int statuses[] = {[VERDICT_NONE] = EXIT_FAILED,
				       [VERDICT_WORKS] = EXIT_SUCCESS,
				       [VERDICT_UNKNOWN] = EXIT_FAILED,
				       [VERDICT_FAILS] = EXIT_FAILURE,
				       [VERDICT_NOT_NEEDED] = EXIT_SUCCESS};

	if (advice && verdict != VERDICT_WORKS)
		report_line("instead", "%s", advice);
	if (json)
		end_object();
	else if (verdict == VERDICT_WORKS)
		printf("%-*s%s\n", COLUMN, "verdict", words[verdict]);
	else
		printf("%-*s%s: %s\n", COLUMN, "verdict", words[verdict], report_reason());
	if (ferror(stdout) || fclose(stdout))
		err(EXIT_FAILED, "write error");
	return statuses[verdict];
}
