/* python_hooks.h -- keeps our second thread out of Python while that forks or ends */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PYTHON_HOOKS_H
#define IDLEFLUSH_PYTHON_HOOKS_H

#include <stdbool.h>

#include "python.h"

/* `in_child`: called in a child of os.fork once Python works there again, or NULL. Constructor. */
void python_hooks_init(void (*in_child)(void));

/*
 * Puts the hooks in: os.register_at_fork and atexit. True when they are in, also from before.
 * False: this interpreter is left alone for good. Holds the GIL.
 */
bool python_hooks_put(const struct python *python);

/* Are the hooks in, and is the interpreter not about to end? Two loads; any context. */
bool python_hooks_open(void);

/*
 * The second thread may take the GIL: waits, where a fork is under way, until it may. False: the
 * interpreter ends or has ended. One thread only.
 */
bool python_hooks_enter(void);

/* It has released the GIL. Only after python_hooks_enter said true. */
void python_hooks_leave(void);

/* In a forked child: nobody is inside and no fork is under way. Atfork child handler only. */
void python_hooks_begin_in_child(void);

#endif
