/* handlers.c -- for which signals the program has handlers, and whether they restart calls */
/* SPDX-License-Identifier: MIT */
#include "base/handlers.h"

#include "base/platform.h"

#include <stdatomic.h>

/* Bit N - 1 for signal N. Bits are only ever set. */
static _Atomic uint64_t restarting, interrupting, faults;
static _Atomic bool nodefer;

/*
 * Is it raised by a faulty instruction? Many runtimes have a handler for those, to catch a stack
 * overflow. It interrupts neither stdio, whose code does not fault, nor a wait.
 */
static bool is_fault(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

void handlers_note(int sig, const struct sigaction *action)
{
	uint64_t bit;

	if (sig < 1 || sig > 64 || action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
		return;
	bit = UINT64_C(1) << (sig - 1);
	if (is_fault(sig)) {
		atomic_fetch_or_explicit(&faults, bit, memory_order_relaxed);
		return;
	}
	atomic_fetch_or_explicit(action->sa_flags & SA_RESTART ? &restarting : &interrupting, bit,
				 memory_order_relaxed);
	if (action->sa_flags & (int)SA_NODEFER)
		atomic_store_explicit(&nodefer, true, memory_order_relaxed);
}

bool handlers_any_blocked(uint64_t mask)
{
	return mask & (atomic_load_explicit(&restarting, memory_order_relaxed) |
		       atomic_load_explicit(&interrupting, memory_order_relaxed) |
		       atomic_load_explicit(&faults, memory_order_relaxed));
}

bool handlers_may_run(uint64_t mask)
{
	return handlers_any_blocked(mask) || atomic_load_explicit(&nodefer, memory_order_relaxed);
}

bool handlers_may_be_running(void)
{
	sigset_t blocked;

	return pthread_sigmask(SIG_SETMASK, NULL, &blocked) || handlers_may_run(blocked.__val[0]);
}

bool handlers_restarting(void)
{
	return atomic_load_explicit(&restarting, memory_order_relaxed) != 0;
}

bool handlers_interrupting(void)
{
	return atomic_load_explicit(&interrupting, memory_order_relaxed) != 0;
}
