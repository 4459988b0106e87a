/* wait.c -- the exported functions that wait for descriptors, signals and children */
/* SPDX-License-Identifier: MIT */
/*
 * The thread flushes before the real call. If it did, the real call is the one of its family that
 * unblocks signals as it begins to wait; see flush/wait_flush.h.
 */
#include "base/futex.h"
#include "base/next.h"
#include "base/platform.h"
#include "flush/flusher_state.h"
#include "flush/wait_flush.h"
#include "wrap/waiting.h"

/* The mask to wait with: the program's own for this call, or what was blocked before. */
static const sigset_t *mask_for(const sigset_t *own, const uint64_t *before)
{
	return own ? own : (const sigset_t *)before;
}

/* A wait has returned. `mask`: the signal mask to restore, or NULL. */
static inline int returned(int result, const uint64_t *mask)
{
	if (mask)
		wait_flush_end(mask);
	flusher_wait_returned();
	return result;
}

/* A function of its own, so that the common case saves no registers. */
__attribute__((noinline)) static int epoll_wait_slow_path(int epfd, struct epoll_event *events,
							  int maxevents, int timeout)
{
	uint64_t mask;
	int ready;

	if (timeout && wait_flush_wants_probe()) {
		ready = next.epoll_wait(epfd, events, maxevents, 0);
		if (ready)
			return ready;
	}
	if (!waiting_begin(&mask, timeout != 0))
		return returned(next.epoll_wait(epfd, events, maxevents, timeout), NULL);
	return returned(next.epoll_pwait(epfd, events, maxevents, timeout, mask_for(NULL, &mask)),
			&mask);
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	if (LIKELY(waiting_is_plain()))
		return returned(next.epoll_wait(epfd, events, maxevents, timeout), NULL);
	return epoll_wait_slow_path(epfd, events, maxevents, timeout);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int maxevents, int timeout,
		       const sigset_t *own)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, timeout != 0))
		return returned(next.epoll_pwait(epfd, events, maxevents, timeout, own), NULL);
	return returned(next.epoll_pwait(epfd, events, maxevents, timeout, mask_for(own, &mask)),
			&mask);
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			const struct timespec *timeout, const sigset_t *own)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, true))
		return returned(next.epoll_pwait2(epfd, events, maxevents, timeout, own), NULL);
	return returned(next.epoll_pwait2(epfd, events, maxevents, timeout, mask_for(own, &mask)),
			&mask);
}

/* The timeout of poll(2) as ppoll(2) takes it. */
static struct timespec *limit_of(int timeout, struct timespec *limit)
{
	*limit = (struct timespec){timeout / 1000, timeout % 1000 * 1000000L};
	return timeout < 0 ? NULL : limit;
}

__attribute__((noinline)) static int poll_slow_path(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec limit;
	uint64_t mask;
	int ready;

	if (timeout && wait_flush_wants_probe()) {
		ready = next.poll(fds, n, 0);
		if (ready)
			return ready;
	}
	if (!waiting_begin(&mask, timeout != 0))
		return returned(next.poll(fds, n, timeout), NULL);
	return returned(next.ppoll(fds, n, limit_of(timeout, &limit), mask_for(NULL, &mask)),
			&mask);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	if (LIKELY(waiting_is_plain()))
		return returned(next.poll(fds, n, timeout), NULL);
	return poll_slow_path(fds, n, timeout);
}

/* We may read this timeout only because both libcs read it, too. */
static bool is_zero(const struct timespec *timeout)
{
	return timeout && !timeout->tv_sec && !timeout->tv_nsec;
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *own)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, !is_zero(timeout)))
		return returned(next.ppoll(fds, n, timeout, own), NULL);
	return returned(next.ppoll(fds, n, timeout, mask_for(own, &mask)), &mask);
}

/* Sets *timeout to the time that is left of it since `start_ns`, as select(2) does. */
static void write_time_left(struct timeval *timeout, int64_t start_ns)
{
	int64_t left = (timeout->tv_sec * NS_PER_S + timeout->tv_usec * 1000) -
		       (clock_now_ns() - start_ns);

	if (left < 0)
		left = 0;
	*timeout = (struct timeval){left / NS_PER_S, left % NS_PER_S / 1000};
}

/* select(2) with a mask. glibc's select writes back the remaining time; musl's does not. */
static int select_masked(int n, fd_set *reads, fd_set *writes, fd_set *excepts,
			 struct timeval *timeout, const uint64_t *mask)
{
	int64_t start = clock_now_ns();
	struct timespec limit = {0, 0};
	int ready, saved_errno;

	if (timeout)
		limit = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
	ready = next.pselect(n, reads, writes, excepts, timeout ? &limit : NULL,
			     mask_for(NULL, mask));
	saved_errno = errno;
	if (timeout && gnu_get_libc_version)
		write_time_left(timeout, start);
	errno = saved_errno;
	return ready;
}

/* Does it have the usual form, which pselect(2) treats in the same way? */
static bool is_usual(const struct timeval *timeout)
{
	return !timeout || (timeout->tv_sec >= 0 && timeout->tv_sec < INT32_MAX &&
			    timeout->tv_usec >= 0 && timeout->tv_usec < 1000000);
}

EXPORT int select(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		  struct timeval *restrict timeout)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !is_usual(timeout) ||
	    !waiting_begin(&mask, !timeout || timeout->tv_sec || timeout->tv_usec))
		return returned(next.select(n, reads, writes, excepts, timeout), NULL);
	return returned(select_masked(n, reads, writes, excepts, timeout, &mask), &mask);
}

EXPORT int pselect(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		   const struct timespec *restrict timeout, const sigset_t *restrict own)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, !is_zero(timeout)))
		return returned(next.pselect(n, reads, writes, excepts, timeout, own), NULL);
	return returned(next.pselect(n, reads, writes, excepts, timeout, mask_for(own, &mask)),
			&mask);
}

/* What _FORTIFY_SOURCE makes of poll and ppoll. */

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	struct timespec limit;
	uint64_t mask;
	int ready;

	if (LIKELY(waiting_is_plain()))
		return returned(next.__poll_chk(fds, n, timeout, size), NULL);
	if (timeout && wait_flush_wants_probe()) {
		ready = next.__poll_chk(fds, n, 0, size);
		if (ready)
			return ready;
	}
	if (!waiting_begin(&mask, timeout != 0))
		return returned(next.__poll_chk(fds, n, timeout, size), NULL);
	return returned(
		next.__ppoll_chk(fds, n, limit_of(timeout, &limit), mask_for(NULL, &mask), size),
		&mask);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *own, size_t size)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, !is_zero(timeout)))
		return returned(next.__ppoll_chk(fds, n, timeout, own, size), NULL);
	return returned(next.__ppoll_chk(fds, n, timeout, mask_for(own, &mask), size), &mask);
}

/* --- signals */

EXPORT int pause(void)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, true))
		return returned(NEXT(pause)(), NULL);
	return returned(NEXT(sigsuspend)(mask_for(NULL, &mask)), &mask);
}

EXPORT int sigsuspend(const sigset_t *own)
{
	uint64_t mask;

	if (LIKELY(waiting_is_plain()) || !waiting_begin(&mask, true))
		return returned(NEXT(sigsuspend)(own), NULL);
	return returned(NEXT(sigsuspend)(own), &mask);
}

/* --- waits for children and signals, which cannot unblock signals as they begin */

static inline void pausing(int options)
{
	if (!(options & WNOHANG) && !LIKELY(waiting_is_plain()) && flusher_awake())
		waiting_for_child();
}

EXPORT pid_t wait(int *status)
{
	pausing(0);
	return returned(NEXT(wait)(status), NULL);
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	pausing(options);
	return returned(NEXT(waitpid)(pid, status, options), NULL);
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	pausing(options);
	return returned(NEXT(waitid)(type, id, info, options), NULL);
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	pausing(options);
	return returned(NEXT(wait3)(status, options, usage), NULL);
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	pausing(options);
	return returned(NEXT(wait4)(pid, status, options, usage), NULL);
}

/* It waits for the child that it makes. A command of NULL only asks whether there is a shell. */
EXPORT int system(const char *command)
{
	pausing(0);
	return returned(NEXT(system)(command), NULL);
}

EXPORT int sigwait(const sigset_t *restrict set, int *restrict sig)
{
	pausing(0);
	return returned(NEXT(sigwait)(set, sig), NULL);
}

EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
	pausing(0);
	return returned(NEXT(sigwaitinfo)(set, info), NULL);
}

EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
			const struct timespec *restrict timeout)
{
	pausing(0);
	return returned(NEXT(sigtimedwait)(set, info, timeout), NULL);
}
