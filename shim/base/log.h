/* log.h -- diagnostics and statistics: a fixed buffer and one raw write, never stdio */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LOG_H
#define IDLEFLUSH_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/platform.h"

/* A line under construction; what does not fit is cut off. Lives on the caller's stack. */
struct log_line {
	size_t length;
	char text[480];
};

/* Starts a line with "idleflush: ". These and log_debug: any context, async-signal-safe. */
void log_begin(struct log_line *line);
void log_text(struct log_line *line, const char *text);
void log_number(struct log_line *line, int64_t number);

/*
 * Ends the line and writes it to `fd` in one call. It is dropped if the write could block or fails:
 * diagnostics never delay the program. errno may change.
 */
void log_send(struct log_line *line, int fd);

/*
 * From now on lines may be written to stderr, for as long as it is the file that it is now.
 * Constructor only.
 */
void log_use_stderr(void);

/* Turns log_debug on or off. Constructor only. */
void log_set_debug(bool on);

HIDDEN extern bool log_debug_on; /* written by log_set_debug only */

/* Is debug on? For lines that need more than one text. */
static inline bool log_debugging(void)
{
	return log_debug_on;
}

/* Under debug: one line on stderr, "idleflush: WHAT". errno is kept. */
void log_debug(const char *what);

#endif
