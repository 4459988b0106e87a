/* visitor.h -- our second thread: it waits for the GIL and flushes */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_VISITOR_H
#define IDLEFLUSH_VISITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "sink/sink.h"

/* Starts the thread, once; it waits until the interpreter is up. The flusher thread only. */
void python_visitor_start(void);

/* Was it started? Any context. */
bool python_visitor_is_started(void);

/*
 * Ends the thread and waits for that, 100 ms at most; it may be started again. The caller must not
 * hold the GIL, for which the thread may be waiting. Host threads; errno may change.
 */
void python_visitor_stop(void);

/*
 * Requests a pass: the thread takes the GIL and flushes all streams. `last`: the process ends, so
 * everything is flushed at once, and the GIL is kept for 400 ms at most so that nothing more is
 * printed. Otherwise the thread may back off first, if its latest pass took long. Returns the
 * number of the pass. The flusher only.
 */
uint32_t python_visitor_request(bool last);

/* The same for one like any other. False: there is no thread. Any context. */
bool python_visitor_request_soon(void);

/* If a last pass was requested, waits for the end of the process, 400 ms at most. Any thread. */
void python_visitor_hold_until_exit(void);

/* The process goes on after all: ends every python_visitor_hold_until_exit. Any context. */
void python_visitor_go_on(void);

/* Has that pass been made, or a later one? */
bool python_visitor_has_made(uint32_t pass_number);

/* The result of the latest pass. After SINK_NO_ROOM the thread tries again by itself. */
enum sink_result python_visitor_result(void);

/* Did passes that the flusher requested bring bytes out since the last call? The flusher only. */
bool python_visitor_found_late(void);

/* When the latest pass ended, and the CPU time that the thread has used; any context. */
int64_t python_visitor_last_pass_ns(void);
int64_t python_visitor_cpu_ns(void);

/* Had the streams a buffer at all at the latest pass? True before the first. Any context. */
bool python_visitor_saw_buffers(void);

/* Lets the thread return, so that the process can end with its last thread. The flusher only. */
void python_visitor_end(void);

/* A forked child has no such thread. Atfork child handler only. */
void python_visitor_begin_in_child(void);

#endif
