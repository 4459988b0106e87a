/* wrap_signal.c -- the exported functions that set and tell signal dispositions */
/* SPDX-License-Identifier: MIT */
/*
 * A program that sets a handler or SIG_IGN gets exactly that. One that sets SIG_DFL gets the guard
 * beneath it, in the same system call, and one that asks is told SIG_DFL. Nothing is recorded, so
 * a vfork child, which has its own dispositions but our memory, spoils nothing.
 */
#include "lastwords.h"
#include "next.h"
#include "platform.h"

static int set_action(__typeof__(sigaction) *set, int sig, const struct sigaction *action,
		      struct sigaction *old)
{
	struct sigaction guard;
	int done;

	if (action && action->sa_handler == SIG_DFL && lastwords_guards(sig)) {
		guard = *action;
		lastwords_put_guard(&guard);
		action = &guard;
	}
	done = set(sig, action, old);
	if (done == 0 && old)
		lastwords_hide_guard(old);
	return done;
}

/* What the calls of the signal(2) family do with SIG_DFL: the same with the flags they would set.
 */
static sighandler_t set_default(int sig, int flags, bool masked)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = flags};
	struct sigaction old;

	if (masked)
		action.sa_mask.__val[0] = 1UL << (sig - 1);
	return set_action(next.sigaction, sig, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

static sighandler_t hidden(sighandler_t handler)
{
	return handler != SIG_ERR && lastwords_is_guard(handler) ? SIG_DFL : handler;
}

EXPORT int sigaction(int sig, const struct sigaction *restrict action,
		     struct sigaction *restrict old)
{
	return set_action(NEXT(sigaction), sig, action, old);
}

EXPORT int __sigaction(int sig, const struct sigaction *action, struct sigaction *old)
{
	return set_action(NEXT(__sigaction), sig, action, old);
}

EXPORT sighandler_t signal(int sig, sighandler_t handler)
{
	if (handler == SIG_DFL && lastwords_guards(sig))
		return set_default(sig, SA_RESTART, true);
	return hidden(NEXT(signal)(sig, handler));
}

EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	if (handler == SIG_DFL && lastwords_guards(sig))
		return set_default(sig, SA_RESTART, true);
	return hidden(NEXT(bsd_signal)(sig, handler));
}

EXPORT sighandler_t ssignal(int sig, sighandler_t handler)
{
	if (handler == SIG_DFL && lastwords_guards(sig))
		return set_default(sig, SA_RESTART, true);
	return hidden(NEXT(ssignal)(sig, handler));
}

EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	if (handler == SIG_DFL && lastwords_guards(sig))
		return set_default(sig, (int)(SA_RESETHAND | SA_NODEFER), false);
	return hidden(NEXT(sysv_signal)(sig, handler));
}

EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	if (handler == SIG_DFL && lastwords_guards(sig))
		return set_default(sig, (int)(SA_RESETHAND | SA_NODEFER), false);
	return hidden(NEXT(__sysv_signal)(sig, handler));
}

/* sigset also unblocks the signal and tells whether it was blocked: let it, then put the guard. */
EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
	sighandler_t old = hidden(NEXT(sigset)(sig, handler));

	if (handler == SIG_DFL && old != SIG_ERR && lastwords_guards(sig))
		set_default(sig, 0, false);
	return old;
}
