/* sleep.c -- the exported functions that wait for time */
/* SPDX-License-Identifier: MIT */
/*
 * A thread that has flushed sleeps in ppoll(2) without descriptors, which unblocks signals as it
 * begins to wait. Like nanosleep(2), any handler ends it, and a stop and continue does not.
 */
#include "base/futex.h"
#include "base/next.h"
#include "base/platform.h"
#include "flush/flusher_state.h"
#include "flush/wait_flush.h"
#include "wrap/waiting.h"

static bool is_valid(const struct timespec *time)
{
	return waiting_can_read(time, sizeof(*time)) && time->tv_sec >= 0 && time->tv_nsec >= 0 &&
	       time->tv_nsec < NS_PER_S;
}

/* Sleeps for *time. -1: a handler ended the sleep; *left, unless NULL, is the rest. */
static int sleep_masked(const struct timespec *time, struct timespec *left, const uint64_t *mask)
{
	int64_t start = clock_now_ns(), rest;
	int saved_errno, done;

	done = next.ppoll(NULL, 0, time, (const sigset_t *)mask);
	saved_errno = errno;
	if (done < 0 && left) {
		rest = clock_now_ns() - start;
		*left = *time;
		left->tv_sec -= rest / NS_PER_S;
		left->tv_nsec -= rest % NS_PER_S;
		if (left->tv_nsec < 0) {
			left->tv_nsec += NS_PER_S;
			left->tv_sec--;
		}
		if (left->tv_sec < 0)
			*left = (struct timespec){0, 0};
	}
	wait_flush_end(mask);
	errno = saved_errno;
	return done;
}

/* Is there something to flush? */
static bool may_flush(void)
{
	return !LIKELY(waiting_is_plain()) && flusher_awake();
}

/* Did the thread flush, so that it must sleep by sleep_masked()? */
static bool flushes(uint64_t *mask)
{
	return waiting_begin(mask, true);
}

EXPORT int nanosleep(const struct timespec *time, struct timespec *left)
{
	uint64_t mask;
	int done = may_flush() && is_valid(time) && flushes(&mask) ? sleep_masked(time, left, &mask)
								   : NEXT(nanosleep)(time, left);

	flusher_wait_returned();
	return done;
}

EXPORT int usleep(useconds_t us)
{
	struct timespec time = {us / 1000000, us % 1000000 * 1000L};
	uint64_t mask;
	int done = us && may_flush() && flushes(&mask) ? sleep_masked(&time, NULL, &mask)
						       : NEXT(usleep)(us);

	flusher_wait_returned();
	return done;
}

/* Whole seconds that are left, as sleep(3) tells them; errno stays what it was. */
static unsigned int sleep_seconds(unsigned int seconds, const uint64_t *mask)
{
	struct timespec time = {seconds, 0}, left = {0, 0};
	int saved_errno = errno;

	if (sleep_masked(&time, &left, mask) < 0)
		return (unsigned int)left.tv_sec;
	errno = saved_errno;
	return 0;
}

EXPORT unsigned int sleep(unsigned int seconds)
{
	uint64_t mask;
	unsigned int left = seconds && may_flush() && flushes(&mask) ? sleep_seconds(seconds, &mask)
								     : NEXT(sleep)(seconds);

	flusher_wait_returned();
	return left;
}

/*
 * ppoll(2) knows no other clocks, and no absolute times. Such a sleep is never restarted, so it is
 * preceded by a flush only if the program has no handler at all.
 */
static bool is_relative(clockid_t clock, int flags)
{
	return (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) && !(flags & TIMER_ABSTIME);
}

/* As clock_nanosleep(2): returns the error, and leaves errno alone. */
static int clock_sleep_masked(const struct timespec *time, struct timespec *left,
			      const uint64_t *mask)
{
	int saved_errno = errno;
	int error = sleep_masked(time, left, mask) < 0 ? errno : 0;

	errno = saved_errno;
	return error;
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			   struct timespec *left)
{
	bool relative = is_relative(clock, flags);
	uint64_t mask;
	int error;

	if (may_flush() && !relative)
		waiting_for_child();
	error = relative && may_flush() && is_valid(time) && flushes(&mask)
			? clock_sleep_masked(time, left, &mask)
			: NEXT(clock_nanosleep)(clock, flags, time, left);
	flusher_wait_returned();
	return error;
}
