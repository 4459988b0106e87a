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
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <fcntl.h>

#include "base/platform.h"

/* Names that a libc's headers may lack; the prototypes are glibc's. */
extern ssize_t __getdelim(char **restrict line, size_t *restrict n, int delimiter,
			  FILE *restrict file);
extern char *__fgets_chk(char *restrict text, size_t room, int n, FILE *restrict file);
extern char *__fgets_unlocked_chk(char *restrict text, size_t room, int n, FILE *restrict file);
extern size_t __fread_chk(void *restrict to, size_t room, size_t size, size_t count,
			  FILE *restrict file);
extern size_t __fread_unlocked_chk(void *restrict to, size_t room, size_t size, size_t count,
				   FILE *restrict file);
extern int __uflow(FILE *file);
extern int __underflow(FILE *file);
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
/* What pthread_atfork(3) calls, which glibc has in libc_nonshared.a only. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
			     void *object);
extern int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags);

/*
 * One pointer for each interposed call. Written by next_resolve only.
 * A CALL is never NULL and may be called from anywhere: before next_resolve it is the raw system
 * call (not a cancellation point); afterwards it is the function that the program would have called
 * without us, or still the raw call if there is no such function.
 * A CALL_LIBC is NULL before next_resolve, so its wrapper goes through NEXT. If this libc has no
 * such function it fails with ENOSYS afterwards.
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
 * Looks up every call as dlsym(RTLD_NEXT) would, once: from the constructor, or earlier when a
 * CALL_LIBC is called through NEXT. That may end in dlsym, which may allocate, so every call that a
 * malloc replacement could make is a CALL.
 */
void next_resolve(void);

/* The next definition of a CALL_LIBC. For its wrapper, which may run before our constructor. */
#define NEXT(name) (next.name ? next.name : (next_resolve(), next.name))

#endif
