/* python_hooks.h -- keeps our second thread out of Python while Python forks or ends */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PYTHON_HOOKS_H
#define IDLEFLUSH_PYTHON_HOOKS_H

#include <stdbool.h>

#include "runtime/python/python_api.h"

/* `in_child`: called in a child of os.fork once Python works there again, or NULL. Constructor. */
void python_hooks_init(void (*in_child)(void));

/*
 * Asks the interpreter's main thread to install the hooks, with os.register_at_fork and atexit. For
 * the second thread, between python_hooks_enter and python_hooks_leave. False: it cannot be asked.
 */
bool python_hooks_ask(const struct python_api *python);

/*
 * Installs them, unless they are installed, because the main thread does not. False: this
 * interpreter is left alone for good. The caller holds the GIL.
 */
bool python_hooks_put(const struct python_api *python);

/* Are the hooks installed, and is the interpreter not about to end? Two loads; any context. */
bool python_hooks_open(void);

/* Is an interpreter up whose hooks are installed, or may yet be? Any context. */
bool python_hooks_may_come(void);

/*
 * A thread of ours may call into the interpreter, and the second thread take the GIL. False: a fork
 * is under way, or the interpreter ends or has ended.
 */
bool python_hooks_try_enter(void);

/* The same, but waits for a fork under way. The second thread. */
bool python_hooks_enter(void);

/* It has left the interpreter. Only after one of these returned true. */
void python_hooks_leave(void);

/*
 * Is this CPython, about to count the threads of a process that forks? Once for each fork. Any
 * thread.
 */
bool python_hooks_hide_from(const char *path);

/* In a forked child: nobody is inside and no fork is under way. Atfork child handler only. */
void python_hooks_begin_in_child(void);

#endif
