/* stats.h -- the one line of counters at exit */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STATS_H
#define IDLEFLUSH_STATS_H

#include "shared/config.h"

/* Notes where the line goes. Constructor only: a relative path starts at the working directory. */
void stats_init(const struct config *config);

/* Writes the line if it was asked for. Any context; errno may change. */
void stats_print(void);

#endif
