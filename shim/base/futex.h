/* futex.h -- sleeping on a word */
/* SPDX-License-Identifier: MIT */
/* All of this is async-signal-safe and may change errno. */
#ifndef IDLEFLUSH_FUTEX_H
#define IDLEFLUSH_FUTEX_H

#include "base/clock.h"
#include "base/platform.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/* Sleeps while *word is `value`, `bound_ns` at most (INT64_MAX: no bound); may return early. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t bound_ns)
{
	struct timespec bound = {bound_ns / NS_PER_S, bound_ns % NS_PER_S};

	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, bound_ns == INT64_MAX ? NULL : &bound,
		NULL, 0);
}

/* Sleeps for `bound_ns` or less. */
static inline void futex_sleep(int64_t bound_ns)
{
	_Atomic uint32_t never = 0;

	futex_wait(&never, 0, bound_ns);
}

/*
 * Sleeps while *word is `value`, until the clock shows `deadline_ns` (INT64_MAX: no deadline). May
 * return early: for loops. False if the deadline had passed already.
 */
static inline bool futex_wait_until(_Atomic uint32_t *word, uint32_t value, int64_t deadline_ns)
{
	int64_t left = deadline_ns == INT64_MAX ? INT64_MAX : deadline_ns - clock_now_ns();

	if (left > 0)
		futex_wait(word, value, left);
	return left > 0;
}

/* Wakes everyone who sleeps on `word`. */
static inline void futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

#endif
