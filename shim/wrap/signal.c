/* signal.c -- the exported functions that set and report signal dispositions */
/* SPDX-License-Identifier: MIT */
/*
 * A program that sets a handler or SIG_IGN gets exactly that. If it sets SIG_DFL, the kernel gets a
 * hidden handler of ours instead; if it asks for the disposition, it is told SIG_DFL.
 */
#include "exit/hidden_handler.h"
#include "base/handlers.h"
#include "flush/flusher_state.h"
#include "base/next.h"
#include "base/platform.h"

static int set_action(__typeof__(sigaction) *set, int sig, const struct sigaction *action,
		      struct sigaction *old)
{
	struct sigaction hidden;
	int done;

	if (action && action->sa_handler == SIG_DFL && hidden_handler_is_wanted(sig)) {
		hidden = *action;
		hidden_handler_put(&hidden);
		action = &hidden;
	} else if (action) {
		handlers_note(sig, action); /* before it can run */
	}
	done = set(sig, action, old);
	if (done == 0 && old)
		hidden_handler_hide(old);
	return done;
}

/* Notes the disposition as libc's own function has set it. */
static void note(int sig)
{
	struct sigaction action;
	int saved_errno = errno;

	if (next.sigaction && next.sigaction(sig, NULL, &action) == 0)
		handlers_note(sig, &action);
	errno = saved_errno;
}

/* The libcs set different flags and masks, so libc's own function sets our handler. */
static sighandler_t set_handler(__typeof__(signal) *set, int sig, sighandler_t handler)
{
	bool hidden = handler == SIG_DFL && hidden_handler_is_wanted(sig);
	sighandler_t old = set(sig, hidden ? hidden_handler_for_libc() : handler);

	if (hidden && old != SIG_ERR)
		hidden_handler_fix_flags(sig);
	else
		note(sig);
	return hidden_handler_as_seen(old);
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
	return set_handler(NEXT(signal), sig, handler);
}

EXPORT sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return set_handler(NEXT(bsd_signal), sig, handler);
}

EXPORT sighandler_t ssignal(int sig, sighandler_t handler)
{
	return set_handler(NEXT(ssignal), sig, handler);
}

EXPORT sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return set_handler(NEXT(sysv_signal), sig, handler);
}

EXPORT sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	return set_handler(NEXT(__sysv_signal), sig, handler);
}

EXPORT sighandler_t sigset(int sig, sighandler_t handler)
{
	return set_handler(NEXT(sigset), sig, handler);
}

EXPORT int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
	int done = NEXT(sigaltstack)(stack, old);
	int saved_errno = errno;

	if (done == 0 && stack && flusher_awake())
		hidden_handler_see_stack(stack);
	errno = saved_errno;
	return done;
}

EXPORT int siginterrupt(int sig, int interrupts)
{
	int done = NEXT(siginterrupt)(sig, interrupts);

	if (done == 0)
		hidden_handler_fix_flags(sig);
	return done;
}
