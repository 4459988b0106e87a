/* handlers.h -- for which signals the program has handlers, and whether they restart calls */
/* SPDX-License-Identifier: MIT */
/*
 * Every handler that was ever set counts, so that a reader needs no system call. If unsure, the
 * answer is the cautious one. All of these: any context, also vfork children, which can only make
 * the answers more cautious.
 */
#ifndef IDLEFLUSH_HANDLERS_H
#define IDLEFLUSH_HANDLERS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* The program sets this disposition for `sig`. Not for our own handlers. */
void handlers_note(int sig, const struct sigaction *action);

/*
 * May this thread, which has `mask` blocked, be inside a signal handler of the program? True if a
 * signal that has a handler is blocked, or if a handler was ever set with SA_NODEFER; so also if
 * the program itself has blocked such a signal.
 */
bool handlers_may_run(uint64_t mask);

/* Is a signal that has a handler blocked? */
bool handlers_any_blocked(uint64_t mask);
/* handlers_may_run() with the calling thread's own mask. One system call; errno is kept. */
bool handlers_may_be_running(void);

/* Was any handler ever set with SA_RESTART? Was any set without it? */
bool handlers_restarting(void);
bool handlers_interrupting(void);

#endif
