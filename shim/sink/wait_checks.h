/* wait_checks.h -- what a wait looks at: two buffers, and mostly nothing besides */
/* SPDX-License-Identifier: MIT */
/*
 * Every wait and every read asks whether there is something to flush, so that takes few
 * instructions: two pointers of libc's stdout are compared, and two of stderr. What else may have
 * to be looked at has a bit; while any is set, the pointer to stdout's leads to two that differ,
 * and then a wait takes a closer look. In a process that does not own the state (a vfork child, or
 * one of a raw clone(2)) the bits are its parent's; all that they decide there is whether that look
 * is taken.
 */
#ifndef IDLEFLUSH_WAIT_CHECKS_H
#define IDLEFLUSH_WAIT_CHECKS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/platform.h"

enum wait_check {
	WAIT_CHECK_FLUSHER = 1, /* the flusher thread may have to be started, or all is asleep */
	WAIT_CHECK_STREAMS = 2, /* C streams other than stdout and stderr are kept fresh */
	WAIT_CHECK_RUNTIME = 4, /* there is a runtime whose buffer the waiting thread may own */
	WAIT_CHECK_HIDDEN = 8,  /* this libc does not show how far its buffers are filled */
	WAIT_CHECK_DEBUG = 16,  /* nothing: --debug reports what is read, not on the shortest way */
};

/* enum wait_check bits. Written by the functions below only, as the pointers. */
HIDDEN extern _Atomic uint32_t wait_checks;

/* How far a stream's buffer is filled: bytes are pending if the two differ. In glibc's FILE. */
struct wait_fill {
	char *base, *end;
};
HIDDEN extern const struct wait_fill *_Atomic wait_fill_stdout;
HIDDEN extern const struct wait_fill *wait_fill_stderr;

/* Begins to look at the C streams stdout and stderr. Constructor only. */
void wait_checks_init(void);

/* Any context. */
void wait_checks_add(enum wait_check check);
void wait_checks_drop(enum wait_check check);

static inline bool wait_checks_has(enum wait_check check)
{
	return atomic_load_explicit(&wait_checks, memory_order_relaxed) & check;
}

/* Are these all, or fewer? */
static inline bool wait_checks_are(uint32_t checks)
{
	return !(atomic_load_explicit(&wait_checks, memory_order_relaxed) & ~checks);
}

/* May bytes be pending, or is there anything else to check? Any context. */
INLINE bool wait_checks_ask_for_look(void)
{
	const struct wait_fill *out = atomic_load_explicit(&wait_fill_stdout, memory_order_relaxed);

	return UNLIKELY(out->end != out->base) ||
	       UNLIKELY(wait_fill_stderr->end != wait_fill_stderr->base);
}

#endif
