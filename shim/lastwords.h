/* lastwords.h -- what is pending comes out before the process dies */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LASTWORDS_H
#define IDLEFLUSH_LASTWORDS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Puts our handler, the guard, beneath every signal of `signals` (bit N - 1 for signal N) whose
 * disposition is the default. Constructor only, once the flusher is awake.
 */
void lastwords_init(uint64_t signals);

/* Should SIG_DFL of this signal be the guard? Any context. */
bool lastwords_guards(int sig);

/*
 * Makes of `action`, which is SIG_DFL, the guard that stands for it. Any context.
 */
void lastwords_put_guard(struct sigaction *action);

/*
 * Makes of `action`, as the kernel told it, what the program would see without us: SIG_DFL with the
 * flags it was set with where it is a guard, else untouched. Any context.
 */
void lastwords_hide_guard(struct sigaction *action);

/* Is this handler a guard? Any context. */
bool lastwords_is_guard(void (*handler)(int));

/*
 * The process is about to end or to become another program without libc's own flush: brings out
 * what is pending, 250 ms at most. In a vfork child it does nothing. Any thread or signal handler;
 * errno is kept.
 */
void lastwords_speak(void);

#endif
