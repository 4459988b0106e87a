/* sink_python.h -- Python's sys.stdout and sys.stderr, flushed by a thread that waits for the GIL
 */
/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the GIL may take as long as a thread computes. So a second thread of ours does that,
 * started where there is an interpreter, and the flusher only tells it. What is pending cannot be
 * seen without the GIL: whether anything may be is guessed from what ran.
 */
#ifndef IDLEFLUSH_SINK_PYTHON_H
#define IDLEFLUSH_SINK_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink.h"

/* What was done in this process. */
struct sink_python_counts {
	uint64_t flushes; /* visits that brought bytes out */
	uint64_t bytes;
	uint64_t no_room;  /* visits that found a stream they could not flush */
	int64_t oldest_ns; /* the longest from arming to flush */
};

/*
 * Looks for an interpreter. `in_child` is called in a child of os.fork once Python works there
 * again; or NULL. Constructor only.
 */
void sink_python_init(void (*in_child)(void));

/* Is there an interpreter that may hold lines? A few loads; any context. */
bool sink_python_may_hold(void);

/* Starts the second thread where there is an interpreter. The flusher thread, at its start. */
void sink_python_start(void);

/*
 * Tells the second thread to flush, which it does when it gets the GIL, or again later where there
 * is no room. Never waits. A heartbeat in a process that ran nothing since is not passed on.
 * SINK_ALL and SINK_GASP: SINK_BUSY until it has done so, to be asked again. The flusher only.
 */
enum sink_result sink_python_flush(struct sink_order *order);

/*
 * A thread that may hold the GIL is about to wait for a last flush: lets go of it, so that Python's
 * lines come out, too. Where that is not safe (in a signal handler) they are given up instead, as
 * nothing else would bring them out. Returns what sink_python_take_back takes. Any context but a
 * vfork child.
 */
void *sink_python_let_go(void);
void sink_python_take_back(void *let_go);

/* The same for a thread that must not let go: Python's lines are given up if it has the GIL. */
void sink_python_give_up(void);

/* `n` bytes were written to fd 1 or 2 by a call that we see: maybe Python's. Any context. */
void sink_python_wrote(size_t n);

void sink_python_read_counts(struct sink_python_counts *counts);

/* In a forked child: there is no second thread, and nobody inside. Atfork child handler only. */
void sink_python_begin_in_child(void);

#endif
