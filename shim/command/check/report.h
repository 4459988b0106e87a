/* report.h -- the report of --check: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_REPORT_H
#define IDLEFLUSH_REPORT_H

#include <stdint.h>

#include <stdbool.h>

/* Each outweighs those before it: a program that needs no help is fine in any case. */
enum verdict {
	VERDICT_NONE,
	VERDICT_WORKS,
	VERDICT_UNKNOWN, /* the files do not show it */
	VERDICT_FAILS,
	VERDICT_NOT_NEEDED, /* it writes everything at once by itself */
};

/* Prints nothing from now on: only the verdict is wanted. */
void report_mute(void);

/* From now on prints only members and the verdict, as one JSON object on a line of its own. */
void report_as_json(void);

/* A member of that object; nothing otherwise. `name` is plain ASCII. */
void report_text(const char *name, const char *text);
void report_number(const char *name, int64_t number);

/* Both, of a buffer of that many bytes; nothing if `size` is negative. */
void report_bytes(int64_t size, const char *what, const char *name);

/*
 * Prints one line. Bytes that come from others (names, paths, settings) are escaped as in C, so
 * that a terminal gets printable ASCII only.
 */
void report_line(const char *about, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for the reason of a verdict. The last line repeats the first of the weightiest. */
void report_finding(enum verdict verdict, const char *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The verdict so far, and the reason for it. */
enum verdict report_verdict(void);
const char *report_reason(void);

/* What to do about the verdict; printed before it where it is not VERDICT_WORKS. */
void report_guide(const char *guide);

/*
 * The line about the standard output of a process, "self" or a number: its `name`, unless NULL, and
 * what kind of file it is. To a socket of messages nothing is flushed: a reason for VERDICT_FAILS.
 */
void report_stdout(const char *name, const char *process);

/*
 * The last line. `words` are what it says for each verdict. Returns the exit status: 0 where all is
 * well, 1 if it is not, EXIT_FAILED if that is not known or the report cannot be written.
 */
int report_end(const char *const words[VERDICT_NOT_NEEDED + 1]);

#endif
