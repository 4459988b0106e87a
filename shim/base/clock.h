/* clock.h -- the kernel's time */
/* SPDX-License-Identifier: MIT */
/*
 * Another preload may replace clock_gettime, as libfaketime does, by a clock that stands, is slow
 * or goes back. Then we read the kernel's clock by system call.
 */
#ifndef IDLEFLUSH_CLOCK_H
#define IDLEFLUSH_CLOCK_H

#include "base/platform.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

HIDDEN extern bool clock_is_taken; /* written by clock_init only */

/* Finds out whose clock_gettime is called. Constructor only. */
void clock_init(void);

/* A clock of clock_gettime(2), in nanoseconds. Any context; errno may change. */
static inline int64_t clock_ns_by_call(clockid_t clock)
{
	struct timespec now = {0, 0};

	syscall(SYS_clock_gettime, clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* The same, faster from the second time on: the first one faults in the pages of the vDSO. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now = {0, 0};

	if (UNLIKELY(clock_is_taken))
		return clock_ns_by_call(clock);
	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline int64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
