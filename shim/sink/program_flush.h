/* program_flush.h -- is the program itself flushing a stream at this moment? */
/* SPDX-License-Identifier: MIT */
/*
 * A signal that comes right after the write of a flush leaves the stream as if nothing had been
 * written: libc notes it only afterwards. A thread that ends the process at that moment must not
 * write the same bytes again. The flushes that libc makes inside printf are not seen here.
 */
#ifndef IDLEFLUSH_PROGRAM_FLUSH_H
#define IDLEFLUSH_PROGRAM_FLUSH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/platform.h"

HIDDEN extern _Atomic uint32_t
	program_flushes; /* threads in one; a longjmp may leave it too high */

/* A call that flushes begins, and is over. Any context, vfork children too. */
static inline void program_flush_begin(void)
{
	atomic_fetch_add_explicit(&program_flushes, 1, memory_order_relaxed);
}

static inline void program_flush_end(void)
{
	uint32_t now = atomic_load_explicit(&program_flushes, memory_order_relaxed);

	/* A forked child began at zero, maybe in the middle of one. */
	while (now &&
	       !atomic_compare_exchange_weak_explicit(&program_flushes, &now, now - 1,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

static inline bool program_flush_is_under_way(void)
{
	return atomic_load_explicit(&program_flushes, memory_order_relaxed) != 0;
}

#endif
