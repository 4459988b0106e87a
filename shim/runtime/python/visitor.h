/* visitor.h -- our second thread: it waits for the GIL and flushes */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_VISITOR_H
#define IDLEFLUSH_VISITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/sink.h"

/* Starts it, once a process; waits for an interpreter that is not up yet. The flusher thread. */
void python_visitor_start(void);

/* Was it started? Any context. */
bool python_visitor_is_started(void);

/*
 * Asks for a visit: the GIL taken, all streams flushed. `last`: everything, and at once, as the
 * process ends: the GIL is kept then, 400 ms at most, so that nothing is printed any more. Else the
 * thread may rest first after a visit that took long. Returns the visit's number. The flusher only.
 */
uint32_t python_visitor_request(bool last);

/* Waits for the end of the process, 400 ms at most, where a last visit was asked for. Any thread.
 */
void python_visitor_hold_until_exit(void);

/* After all the process goes on: whoever stays need not any more. Any context. */
void python_visitor_go_on(void);

/* Was that visit made, or a later one? */
bool python_visitor_was_there(uint32_t visit);

/* What became of the last visit. SINK_NO_ROOM: it comes again by itself. */
enum sink_result python_visitor_result(void);

/* When the last visit ended, and how much CPU time the thread has used until then. */
int64_t python_visitor_last_pass_ns(void);
int64_t python_visitor_cpu_ns(void);

/* Could the streams, at the last visit, hold anything at all? True before the first. Any context.
 */
bool python_visitor_saw_buffers(void);

/* Lets the thread return, so that the process can end with its last thread. The flusher only. */
void python_visitor_end(void);

/* In a forked child: there is none. Atfork child handler only. */
void python_visitor_begin_in_child(void);

#endif
