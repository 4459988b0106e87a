/* hidden_handler.h -- handlers that stand beneath SIG_DFL and that the program does not see */
/* SPDX-License-Identifier: MIT */
/*
 * There is no record of which signal has a guard: the kernel's answer is the state. So a vfork
 * child, which has its own dispositions but our memory, spoils nothing.
 */
#ifndef IDLEFLUSH_HIDDEN_HANDLER_H
#define IDLEFLUSH_HIDDEN_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * What a guard calls. `info` is NULL where a signal struck before hidden_handler_fix_flags. The
 * handler's frame is `context`, a ucontext_t.
 */
typedef void hidden_handler_callback(int sig, siginfo_t *info, void *context);

/*
 * Puts a guard beneath every signal of `signals` (bit N - 1 for signal N) whose disposition is the
 * default. Constructor only.
 */
void hidden_handler_init(uint64_t signals, hidden_handler_callback *handler);

/* Should SIG_DFL of this signal be a guard? Any context, as all that follow. */
bool hidden_handler_is_wanted(int sig);

/* Is there one now? */
bool hidden_handler_is_set(int sig);

/* Was the thread, when the signal struck whose handler has `context`, at the start of a guard? */
bool hidden_handler_is_interrupted(const ucontext_t *context);

/* Makes of `action`, which is SIG_DFL, the guard that stands for it. */
void hidden_handler_put(struct sigaction *action);

/*
 * Makes of `action`, as the kernel told it, what the program would see without us: SIG_DFL with the
 * flags it was set with where it is a guard, else untouched.
 */
void hidden_handler_hide(struct sigaction *action);

/*
 * For libc's own functions that set SIG_DFL, with flags of their own: the handler to pass in its
 * place, and what to do afterwards. The second also where libc changed a guard's flags.
 */
sighandler_t hidden_handler_for_libc(void);
void hidden_handler_fix_flags(int sig);

/* `handler`, or SIG_DFL where it is a guard. */
sighandler_t hidden_handler_as_seen(sighandler_t handler);

#endif
