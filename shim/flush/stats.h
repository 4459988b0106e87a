/* stats.h -- the one line of counters at exit */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STATS_H
#define IDLEFLUSH_STATS_H

#include "shared/config.h"

/* Notes where the line is to go. Constructor only: a relative file is that of the start directory.
 */
void stats_init(const struct config *config);

/* Writes the line, where one was asked for. Any context. errno may change. */
void stats_print(void);

#endif
