/* main_pass.h -- a pass that the interpreter's main thread makes, instead of a thread of ours */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_MAIN_PASS_H
#define IDLEFLUSH_MAIN_PASS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Waits until the main thread has let go of the GIL, or `stop`, a futex, is not 0, for 5 seconds at
 * most. After some milliseconds it asks that thread to make a pass of whole lines by itself; true:
 * it has. The second thread.
 */
bool python_main_pass_instead(_Atomic uint32_t *stop);

/* In a forked child: what was asked for is the parent's. Atfork child handler only. */
void python_main_pass_begin_in_child(void);

#endif
