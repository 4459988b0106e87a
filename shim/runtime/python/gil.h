/* gil.h -- the GIL of a thread that is about to wait for us */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_GIL_H
#define IDLEFLUSH_GIL_H

#include <stdbool.h>

/* Has this very thread the GIL of an interpreter that is up and not about to end? Any context. */
bool python_gil_is_mine(void);

/*
 * Does this thread run Python, so that it may be in the middle of taking the GIL or of letting it
 * go, or in a write that the GIL was let go for? Then it keeps other threads out, and nobody tells.
 * Any context.
 */
bool python_gil_may_be_in_use(void);

/*
 * Lets go of the GIL where this thread has it and is not in a signal handler: that one interrupted
 * it anywhere, maybe in the middle of an object that the GIL protects. Returns what
 * python_gil_take_back takes; NULL: nothing was done.
 */
void *python_gil_let_go(void);
void python_gil_take_back(void *let_go);

#endif
