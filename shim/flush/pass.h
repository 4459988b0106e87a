/* pass.h -- one look at all sinks: flush what can go out, keep the accounts, say when to come again
 */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PASS_H
#define IDLEFLUSH_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/sink.h"

/* What was done so far in this process. */
struct pass_counts {
	uint64_t flushes; /* looks that brought bytes out */
	uint64_t bytes;
	uint64_t no_room;    /* looks put off because a flush could have blocked */
	uint64_t heartbeats; /* looks that nothing had armed */
	int64_t oldest_ns;   /* the longest from arming to flush */
};

/*
 * Looks at every sink. `armed_since_ns`: the first activity since the last look, 0: nothing was
 * armed; `hold_ns`: how long an unfinished line may be kept back. The flusher thread only.
 */
void pass_run(enum sink_mode mode, int64_t armed_since_ns, int64_t hold_ns);

/* When the last look was, and when to look again at what it had to put off (0: nothing was). */
int64_t pass_last_ns(void);
int64_t pass_retry_ns(void);

/*
 * The last look before an end, unfinished lines too: comes again until nothing is put off any more,
 * `bound_ns` at most. `dying`: libc flushes nothing afterwards, so a lock that is not released all
 * that time is passed (SINK_FORCE). The flusher thread only.
 */
void pass_until_empty(int64_t armed_since_ns, int64_t bound_ns, bool dying);

/* A copy of the counts; any context. */
void pass_read_counts(struct pass_counts *counts);

/* Everything back to zero, counted from `now_ns`. Before the thread starts, and in a forked child.
 */
void pass_reset(int64_t now_ns);

#endif
