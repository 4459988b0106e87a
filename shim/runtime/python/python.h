/* python.h -- Python's sys.stdout and sys.stderr: when to flush, and who does it */
/* SPDX-License-Identifier: MIT */
/*
 * A thread that waits has released the GIL, and could take it again to flush. But CPython runs the
 * program's signal handlers inside BufferedWriter.flush(), and its waits end for nothing but a
 * signal that is still to be handled: what a handler raised in our flush would be lost. So at a
 * wait our second thread is asked, on which no handler runs. Waiting for the GIL may take as long
 * as a thread computes, so the flusher never does. While Python is busy it adds a pending call for
 * the main thread (pending_call.h); otherwise, or if that thread did not make the call, it requests
 * a pass of our second thread (visitor.h). What is pending cannot be seen without the GIL: whether
 * anything may be is guessed from what ran.
 */
#ifndef IDLEFLUSH_PYTHON_H
#define IDLEFLUSH_PYTHON_H

#include <stdbool.h>
#include <stddef.h>

/*
 * `in_child` is called in a child of os.fork once Python works there again; or NULL. Constructor
 * only.
 */
void python_init(void (*in_child)(void));

/* Starts the second thread where there is an interpreter. The flusher thread, at its start. */
void python_start(void);

/*
 * Where only our threads are left of the process (see thread_is_left_alone) ends the second and
 * returns true: the flusher has to go as well. The flusher only, once a heartbeat.
 */
bool python_end_if_alone(void);

/* Ends the second thread; 100 ms at most. Host threads. */
void python_stop(void);

/*
 * A thread that may hold the GIL is about to wait for a last flush: releases the GIL, so that
 * Python's lines are flushed, too. If that is not safe (in a signal handler), the flush does not
 * wait for Python. Returns what python_take_back takes. Any context but a vfork child.
 */
void *python_let_go(void);

/* The flush is over, and the process goes on. NULL: there is no GIL to take. Any context. */
void python_take_back(void *let_go);

/* For a thread that must not release the GIL: if it holds it, no flush waits for Python. */
void python_give_up(void);

/* Does the calling thread hold the GIL of an interpreter that is not about to end? Any context. */
bool python_gil_is_mine(void);

/*
 * Does the calling thread run Python? Then it may be taking or releasing the GIL, or be in a write
 * for which it has released it, and nobody can tell. Any context.
 */
bool python_gil_may_be_in_use(void);

/* `n` bytes were written to fd 1 or 2 by a call that we see: maybe Python's. Any context. */
void python_wrote(size_t n);

#endif
