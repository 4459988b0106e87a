/* report.h -- the report of --check: aligned lines on stdout, and a verdict in the last one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_REPORT_H
#define IDLEFLUSH_REPORT_H

#include <stdbool.h>

/* Each outweighs those before it: what needs no help is well without any, whatever stands against
 * it. */
enum verdict {
	VERDICT_NONE,
	VERDICT_WORKS,
	VERDICT_UNKNOWN, /* what is in the files does not tell */
	VERDICT_FAILS,
	VERDICT_NOT_NEEDED, /* what it prints is out at once anyhow */
};

/* Nothing is printed from now on: the verdict alone is wanted. */
void report_mute(void);

/*
 * One line: what it is about, and what there is to say. Bytes that come from others (names, paths,
 * settings) go through here, so a terminal is sent printable ASCII only; the rest is escaped as in
 * C.
 */
void report_line(const char *about, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, and it is a reason for a verdict. The first of the weightiest is in the last line. */
void report_finding(enum verdict verdict, const char *about, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The verdict so far, and the reason for it. */
enum verdict report_verdict(void);
const char *report_reason(void);

/* What to do about the verdict; printed before it where it is not VERDICT_WORKS. */
void report_guide(const char *guide);

/*
 * The line about the standard output of a process, "self" or a number: its `name`, unless NULL, and
 * what kind of file it is.
 */
void report_stdout(const char *name, const char *process);

/*
 * The last line. `words` are what it says for each verdict. Returns the exit status: 0 where all is
 * well, 1 where it is not, EXIT_FAILED where that cannot be told or the report cannot be written.
 */
int report_end(const char *const words[VERDICT_NOT_NEEDED + 1]);

#endif
