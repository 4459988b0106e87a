/* all_runtimes.h -- all language runtimes of this process, treated as one */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ALL_RUNTIMES_H
#define IDLEFLUSH_ALL_RUNTIMES_H

#include <stdbool.h>

#include "sink/wait_checks.h"
#include "runtime/runtime.h"
#include "sink/sink.h"

/* Looks for those that are on: enum config_runtime bits. Constructor only. */
void all_runtimes_find(uint64_t on);

/* Is there one that a wait has to ask? One load; any context. */
static inline bool all_runtimes_any(void)
{
	return wait_checks_has(WAIT_CHECK_RUNTIME);
}

/* Does the calling thread own pending bytes of a runtime? A few loads; at a wait. */
bool all_runtimes_pending(void);

/* Would the flusher thread flush all of them, if they were lent to it? As above. */
bool all_runtimes_can_lend(void);

/*
 * Has the calling thread bytes pending that it has not lent? From now on the process ends, and a
 * pass of the flusher thread that cannot flush them is SINK_BUSY. A signal handler.
 */
bool all_runtimes_await_lending(void);

/* Was that so? Then waits no longer flush, but lend. Any context. */
bool all_runtimes_are_awaited(void);

/* Writes them, as far as that cannot block; see runtime.h. */
enum sink_result all_runtimes_flush_at_wait(struct flush_params *params);

/* May a runtime hold bytes that a thread of ours could flush? Any context. */
bool all_runtimes_may_hold(void);

/* Is that likely enough for a pass? Any context. */
bool all_runtimes_want_pass(void);

/* Has all of those flushed. The flusher thread only. */
enum sink_result all_runtimes_flush(struct flush_params *params);

/* Has those flushed at once that have a thread for it. False: there is none. Any context. */
bool all_runtimes_flush_soon(void);

/* File descriptor 1 is about to be closed. Any context. */
void all_runtimes_stdout_closed(void);

/* Atfork child handler only. */
void all_runtimes_begin_in_child(void);

#endif
