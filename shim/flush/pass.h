/* pass.h -- a pass: one attempt to flush all sinks, and when to try again */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PASS_H
#define IDLEFLUSH_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/sink.h"

/*
 * Makes one pass. `armed_since_ns`: the first activity since the last pass, 0: there was none;
 * `hold_ns`: how long an unfinished line may be kept back. True: there were bytes that no wait
 * had brought out. The flusher thread only.
 */
bool pass_run(enum sink_mode mode, int64_t armed_since_ns, int64_t hold_ns);

/*
 * The same on a thread of the program that is about to wait. All signals must be blocked; see
 * wait_flush.c.
 */
enum sink_result pass_at_wait(int64_t now_ns, int64_t armed_since_ns, int64_t hold_ns);

/*
 * The time of the last pass, and when to retry what it had to defer (0: nothing was). Any context.
 */
int64_t pass_last_ns(void);
int64_t pass_retry_ns(void);

/*
 * The last passes before the process or the thread ends, unfinished lines included: repeats until
 * nothing is deferred any more, `bound_ns` at most. `dying`: libc flushes nothing afterwards, so a
 * stream whose lock is not released in that time is written without it (SINK_FORCE). The flusher
 * thread only.
 */
void pass_until_empty(int64_t armed_since_ns, int64_t bound_ns, bool dying);

/* Resets that and what was counted. Before the thread starts, and in a forked child. */
void pass_reset(int64_t now_ns);

#endif
