/* next.h -- the next definition of every interposed call */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_NEXT_H
#define IDLEFLUSH_NEXT_H

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

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

/*
 * One pointer a call. Before next_resolve each is the raw system call (not a cancellation point);
 * afterwards what would have been called without us, or still the raw call where there is none.
 * Never NULL: call from anywhere. Written by next_resolve only.
 */
struct next {
#define CALL(name) __typeof__(name) *name;
#include "calls.def"
#undef CALL
};

extern struct next next;

/* Looks every call up with dlsym(RTLD_NEXT). Constructor only: dlsym may allocate. */
void next_resolve(void);

#endif
