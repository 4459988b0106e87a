/* handlers.h -- which signals the program has handlers for, and what those do to a call */
/* SPDX-License-Identifier: MIT */
/*
 * What was ever set counts, so that no reader needs a system call: where unsure, the answer is the
 * careful one. All: any context, vfork children too, which can only make it more careful.
 */
#ifndef IDLEFLUSH_HANDLERS_H
#define IDLEFLUSH_HANDLERS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* `sig` has this disposition now; not for handlers of ours. */
void handlers_note(int sig, const struct sigaction *action);

/*
 * Is this thread, with `mask` blocked, maybe in a handler of the program's? Some signal that has
 * one is blocked, or one was ever set with SA_NODEFER. A program that blocks such a signal itself
 * is taken for one.
 */
bool handlers_may_run(uint64_t mask);

/* Has any handler ever been set with SA_RESTART; has any without it? */
bool handlers_restarting(void);
bool handlers_interrupting(void);

#endif
