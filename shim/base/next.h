/* next.h -- the next definition of every interposed call */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_NEXT_H
#define IDLEFLUSH_NEXT_H

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "base/platform.h"

/* Names that a libc's headers may lack; the prototypes are glibc's. */
extern int close_range(unsigned int first, unsigned int last, int flags);
extern void closefrom(int lowest);
extern int epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			const struct timespec *timeout, const sigset_t *sigmask);
extern ssize_t __read_chk(int fd, void *buf, size_t n, size_t size);
extern ssize_t __recv_chk(int fd, void *buf, size_t n, size_t size, int flags);
extern ssize_t __recvfrom_chk(int fd, void *restrict buf, size_t n, size_t size, int flags,
			      __SOCKADDR_ARG addr, socklen_t *restrict length);
extern int __poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size);
extern int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		       const sigset_t *mask, size_t size);
extern int __sigaction(int sig, const struct sigaction *action, struct sigaction *old);
extern __sighandler_t bsd_signal(int sig, __sighandler_t handler);
extern __sighandler_t __sysv_signal(int sig, __sighandler_t handler);
extern int capset(void *header, const void *data);
extern int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags);

/*
 * One pointer a call. Before next_resolve a CALL is the raw system call (not a cancellation point);
 * afterwards what would have been called without us, or still the raw call where there is none.
 * Never NULL: call from anywhere. A CALL_LIBC is NULL before next_resolve, and where this libc has
 * no such function; its wrapper goes through NEXT. Written by next_resolve only.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset: programs still call it */
struct next {
#define CALL(name) __typeof__(name) *name;
#include "base/calls.def"
};
#pragma GCC diagnostic pop

HIDDEN extern struct next next;

/*
 * Looks every call up with dlsym(RTLD_NEXT), once. By the constructor, or by an earlier caller of a
 * CALL_LIBC through NEXT. dlsym may allocate: that is why the calls that a malloc replacement could
 * make are CALLs.
 */
void next_resolve(void);

/* The next definition of a CALL_LIBC, for its wrapper, which may run before our constructor. */
#define NEXT(name) (next.name ? next.name : (next_resolve(), next.name))

#endif
