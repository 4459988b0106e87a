/* look.h -- one look at all sinks: flush what can go out, keep the accounts, say when to come again
 */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LOOK_H
#define IDLEFLUSH_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "sink.h"

/* What was done so far in this process. */
struct look_counts {
	uint64_t flushes; /* looks that brought bytes out */
	uint64_t bytes;
	uint64_t no_room;    /* looks put off because a flush could have blocked */
	uint64_t heartbeats; /* looks that nothing had armed */
	int64_t oldest_ns;   /* the longest from arming to flush */
};

/*
 * Looks at every sink. `first_ns`: the first activity since the last look, 0: nothing was armed;
 * `hold_ns`: how long an unfinished line may be kept back. The flusher thread only.
 */
void look_at_sinks(enum sink_mode mode, int64_t first_ns, int64_t hold_ns);

/* When the last look was, and when to look again at what it had to put off (0: nothing was). */
int64_t look_last_ns(void);
int64_t look_retry_ns(void);

/*
 * The last look before an end, unfinished lines too: comes again until nothing is put off any more,
 * `bound_ns` at most. `dying`: libc flushes nothing afterwards, so a lock that is not released all
 * that time is passed (SINK_GASP). The flusher thread only.
 */
void look_for_the_last_time(int64_t first_ns, int64_t bound_ns, bool dying);

/* A copy of the counts; any context. */
void look_read_counts(struct look_counts *counts);

/* Everything back to zero, counted from `now_ns`. Before the thread starts, and in a forked child.
 */
void look_reset(int64_t now_ns);

#endif
