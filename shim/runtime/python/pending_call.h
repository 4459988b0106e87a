/* pending_call.h -- a flush left with the interpreter: its main thread makes it, when it runs */
/* SPDX-License-Identifier: MIT */
/*
 * If a thread of ours takes the GIL while Python is busy, the thread that held it stops until ours
 * has woken up, flushed and released it. A pending call is made by the main thread itself, between
 * two instructions, as signal handlers are; but only if that thread runs.
 */
#ifndef IDLEFLUSH_PENDING_CALL_H
#define IDLEFLUSH_PENDING_CALL_H

#include <stdbool.h>

#include "sink/sink.h"

/*
 * Leaves a flush of the interpreter's own streams, in place of one left before. SINK_ALL: the main
 * thread then waits for the end of the process (python_visitor_hold_until_exit). False: that is not
 * possible now. The flusher only.
 */
bool python_pending_call_leave(enum sink_mode mode);

/* Was there one left, and is it still not done, or not all of it? */
bool python_pending_call_is_open(void);

/* It need not be done any more: nothing is open. The flusher only. */
void python_pending_call_withdraw(void);

/* In a forked child: what was left is the parent's. Atfork child handler only. */
void python_pending_call_begin_in_child(void);

#endif
