/* wait.c -- the exported functions that wait for work */
/* SPDX-License-Identifier: MIT */
/* Every wrapper reports, before the real call, that a thread is about to wait. */
#include "wrap/activity.h"
#include "flush/flusher.h"
#include "base/next.h"
#include "base/platform.h"

static inline void waiting(void)
{
	int saved_errno;

	if (LIKELY(activity_wait_uninteresting()) || !flusher_awake())
		return;
	saved_errno = errno;
	activity_waiting();
	errno = saved_errno;
}

static inline void accepted(int fd)
{
	int saved_errno;

	if (fd < 0 || !flusher_awake())
		return;
	saved_errno = errno;
	activity_accepted(fd);
	errno = saved_errno;
}

EXPORT int accept(int fd, __SOCKADDR_ARG addr, socklen_t *restrict length)
{
	int made;

	waiting();
	made = next.accept(fd, addr, length);
	accepted(made);
	return made;
}

EXPORT int accept4(int fd, __SOCKADDR_ARG addr, socklen_t *restrict length, int flags)
{
	int made;

	waiting();
	made = next.accept4(fd, addr, length, flags);
	accepted(made);
	return made;
}

EXPORT int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	waiting();
	return next.epoll_wait(epfd, events, maxevents, timeout);
}

EXPORT int epoll_pwait(int epfd, struct epoll_event *events, int maxevents, int timeout,
		       const sigset_t *mask)
{
	waiting();
	return next.epoll_pwait(epfd, events, maxevents, timeout, mask);
}

EXPORT int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			const struct timespec *timeout, const sigset_t *mask)
{
	waiting();
	return next.epoll_pwait2(epfd, events, maxevents, timeout, mask);
}

EXPORT int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	waiting();
	return next.poll(fds, n, timeout);
}

EXPORT int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
	waiting();
	return next.ppoll(fds, n, timeout, mask);
}

EXPORT int select(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		  struct timeval *restrict timeout)
{
	waiting();
	return next.select(n, reads, writes, excepts, timeout);
}

EXPORT int pselect(int n, fd_set *restrict reads, fd_set *restrict writes, fd_set *restrict excepts,
		   const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	waiting();
	return next.pselect(n, reads, writes, excepts, timeout, mask);
}

/* What _FORTIFY_SOURCE makes of poll and ppoll. */

EXPORT int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	waiting();
	return next.__poll_chk(fds, n, timeout, size);
}

EXPORT int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *mask, size_t size)
{
	waiting();
	return next.__ppoll_chk(fds, n, timeout, mask, size);
}

/*
 * A master process waits for its workers or for a signal. SIGCHLD handlers call these too, so they
 * start no thread. With WNOHANG they do not wait.
 */

static inline void pausing(int options)
{
	int saved_errno;

	if (options & WNOHANG || !flusher_awake())
		return;
	saved_errno = errno;
	activity_pausing();
	errno = saved_errno;
}

EXPORT pid_t wait(int *status)
{
	pausing(0);
	return NEXT(wait)(status);
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	pausing(options);
	return NEXT(waitpid)(pid, status, options);
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	pausing(options);
	return NEXT(waitid)(type, id, info, options);
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	pausing(options);
	return NEXT(wait3)(status, options, usage);
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	pausing(options);
	return NEXT(wait4)(pid, status, options, usage);
}

EXPORT int pause(void)
{
	pausing(0);
	return NEXT(pause)();
}

EXPORT int sigsuspend(const sigset_t *mask)
{
	pausing(0);
	return NEXT(sigsuspend)(mask);
}

EXPORT int sigwait(const sigset_t *restrict set, int *restrict sig)
{
	pausing(0);
	return NEXT(sigwait)(set, sig);
}

EXPORT int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
	pausing(0);
	return NEXT(sigwaitinfo)(set, info);
}

EXPORT int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
			const struct timespec *restrict timeout)
{
	pausing(0);
	return NEXT(sigtimedwait)(set, info, timeout);
}
