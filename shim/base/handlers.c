/* handlers.c -- for which signals the program has handlers, and whether they restart calls */
/* SPDX-License-Identifier: MIT */
#include "base/handlers.h"

#include <stdatomic.h>

/* Bit N - 1 for signal N. Bits are only ever set. */
static _Atomic uint64_t restarting, interrupting;
static _Atomic bool nodefer;

void handlers_note(int sig, const struct sigaction *action)
{
	uint64_t bit;

	if (sig < 1 || sig > 64 || action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
		return;
	bit = UINT64_C(1) << (sig - 1);
	atomic_fetch_or_explicit(action->sa_flags & SA_RESTART ? &restarting : &interrupting, bit,
				 memory_order_relaxed);
	if (action->sa_flags & (int)SA_NODEFER)
		atomic_store_explicit(&nodefer, true, memory_order_relaxed);
}

bool handlers_any_blocked(uint64_t mask)
{
	return mask & (atomic_load_explicit(&restarting, memory_order_relaxed) |
		       atomic_load_explicit(&interrupting, memory_order_relaxed));
}

bool handlers_may_run(uint64_t mask)
{
	return handlers_any_blocked(mask) || atomic_load_explicit(&nodefer, memory_order_relaxed);
}

bool handlers_restarting(void)
{
	return atomic_load_explicit(&restarting, memory_order_relaxed) != 0;
}

bool handlers_interrupting(void)
{
	return atomic_load_explicit(&interrupting, memory_order_relaxed) != 0;
}
