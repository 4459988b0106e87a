/* clock.h -- the time, as the kernel has it */
/* SPDX-License-Identifier: MIT */
/*
 * A preload before libc may have its own clock_gettime, as libfaketime does: frozen, slow or set
 * back. What is due is by the kernel's clock, then asked by system call.
 */
#ifndef IDLEFLUSH_CLOCK_H
#define IDLEFLUSH_CLOCK_H

#include "base/platform.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S  INT64_C(1000000000)

HIDDEN extern bool clock_is_taken; /* written by clock_init only */

/* Looks whose clock_gettime it is. Constructor only. */
void clock_init(void);

/* A clock of clock_gettime(2), in nanoseconds. Any context; errno may change. */
static inline int64_t clock_ns(clockid_t clock)
{
	struct timespec now = {0, 0};

	if (UNLIKELY(clock_is_taken))
		syscall(SYS_clock_gettime, clock, &now);
	else
		clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline int64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* A CPU time clock. */
static inline int64_t clock_cpu_ns(clockid_t clock)
{
	return clock_ns(clock);
}

#endif
