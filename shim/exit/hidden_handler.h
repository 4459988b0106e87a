/* hidden_handler.h -- our signal handlers, where the program believes SIG_DFL to be */
/* SPDX-License-Identifier: MIT */
/*
 * We keep no record of which signals have a hidden handler: the kernel knows. So a vfork child,
 * which has dispositions of its own but runs in our memory, does no damage.
 */
#ifndef IDLEFLUSH_HIDDEN_HANDLER_H
#define IDLEFLUSH_HIDDEN_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * What a hidden handler calls. `info` is NULL if the signal came before hidden_handler_fix_flags.
 * `context` is the signal frame, a ucontext_t.
 */
typedef void hidden_handler_callback(int sig, siginfo_t *info, void *context);

/*
 * Sets a hidden handler for every signal of `signals` (bit N - 1 for signal N) whose disposition is
 * the default. Constructor only.
 */
void hidden_handler_init(uint64_t signals, hidden_handler_callback *handler);

/*
 * The program has set this alternate stack. If it is too small for our handlers, they run on the
 * normal stack, or TERM would end the process with SEGV. Any context; errno may
 * change.
 */
void hidden_handler_see_stack(const stack_t *stack);

/*
 * Gives every signal that has a hidden handler its default disposition. Returns these signals, for
 * hidden_handler_put_back. Any context; in a vfork child this concerns that child only.
 */
uint64_t hidden_handler_take_back(void);
void hidden_handler_put_back(uint64_t signals);

/* Should a hidden handler replace SIG_DFL for this signal? Any context, as all that follow. */
bool hidden_handler_is_wanted(int sig);

/* Does the signal have a hidden handler now? */
bool hidden_handler_is_set(int sig);

/* Did the signal with this `context` interrupt a hidden handler at its first instruction? */
bool hidden_handler_is_interrupted(const ucontext_t *context);

/* Changes `action`, which is SIG_DFL, into the hidden handler that replaces it. */
void hidden_handler_put(struct sigaction *action);

/*
 * Changes `action`, as the kernel reported it, into what the program would see without us: a hidden
 * handler becomes SIG_DFL with the flags that were set; anything else stays as it is.
 */
void hidden_handler_hide(struct sigaction *action);

/*
 * For functions of libc that set SIG_DFL with flags of their own: the handler to pass to them
 * instead, and what to call afterwards. The second also if libc changed a hidden handler's flags.
 */
sighandler_t hidden_handler_for_libc(void);
void hidden_handler_fix_flags(int sig);

/* Returns `handler`, or SIG_DFL if it is a hidden handler. */
sighandler_t hidden_handler_as_seen(sighandler_t handler);

#endif
