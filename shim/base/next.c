/* next.c -- the next definition of every interposed call, the raw system call until it is known */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: `next`, written once by the constructor, read by every wrapper.
 * Why raw calls: our wrappers may be called before the table is filled, by the constructor of
 * another library or by a malloc replacement that dlsym calls.
 */
#include "base/next.h"

#include "base/platform.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/time.h>

static ssize_t raw_write(int fd, const void *buf, size_t n)
{
	return syscall(SYS_write, fd, buf, n);
}

static ssize_t raw_writev(int fd, const struct iovec *iov, int count)
{
	return syscall(SYS_writev, fd, iov, count);
}

static ssize_t raw_sendto(int fd, const void *buf, size_t n, int flags, __CONST_SOCKADDR_ARG addr,
			  socklen_t length)
{
	return syscall(SYS_sendto, fd, buf, n, flags, addr.__sockaddr__, length);
}

static ssize_t raw_send(int fd, const void *buf, size_t n, int flags)
{
	return syscall(SYS_sendto, fd, buf, n, flags, NULL, 0);
}

static ssize_t raw_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, fd, message, flags);
}

static int raw_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

static ssize_t raw_sendfile(int out, int in, off_t *offset, size_t n)
{
	return syscall(SYS_sendfile, out, in, offset, n);
}

static ssize_t raw_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t n,
			  unsigned int flags)
{
	return syscall(SYS_splice, in, in_offset, out, out_offset, n, flags);
}

static ssize_t raw_read(int fd, void *buf, size_t n)
{
	return syscall(SYS_read, fd, buf, n);
}

static ssize_t raw_readv(int fd, const struct iovec *iov, int count)
{
	return syscall(SYS_readv, fd, iov, count);
}

static ssize_t raw_recvfrom(int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG addr,
			    socklen_t *length)
{
	return syscall(SYS_recvfrom, fd, buf, n, flags, addr.__sockaddr__, length);
}

static ssize_t raw_recv(int fd, void *buf, size_t n, int flags)
{
	return syscall(SYS_recvfrom, fd, buf, n, flags, NULL, NULL);
}

static ssize_t raw_recvmsg(int fd, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, fd, message, flags);
}

static int raw_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags,
			struct timespec *timeout)
{
	return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

/* The fortified functions end the program if the buffer is smaller than the count. */
static void check_fits(size_t n, size_t size)
{
	if (n > size && __chk_fail)
		__chk_fail();
}

static ssize_t raw_read_chk(int fd, void *buf, size_t n, size_t size)
{
	check_fits(n, size);
	return raw_read(fd, buf, n);
}

static ssize_t raw_recv_chk(int fd, void *buf, size_t n, size_t size, int flags)
{
	check_fits(n, size);
	return raw_recv(fd, buf, n, flags);
}

static ssize_t raw_recvfrom_chk(int fd, void *buf, size_t n, size_t size, int flags,
				__SOCKADDR_ARG addr, socklen_t *length)
{
	check_fits(n, size);
	return raw_recvfrom(fd, buf, n, flags, addr, length);
}

static int raw_accept(int fd, __SOCKADDR_ARG addr, socklen_t *length)
{
	return (int)syscall(SYS_accept, fd, addr.__sockaddr__, length);
}

static int raw_accept4(int fd, __SOCKADDR_ARG addr, socklen_t *length, int flags)
{
	return (int)syscall(SYS_accept4, fd, addr.__sockaddr__, length, flags);
}

/* The size of the kernel's signal set in bytes; a libc's sigset_t is larger. */
#define KERNEL_SIGSET 8

static int raw_epoll_pwait(int epfd, struct epoll_event *events, int maxevents, int timeout,
			   const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait, epfd, events, maxevents, timeout, mask, KERNEL_SIGSET);
}

static int raw_epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
{
	return raw_epoll_pwait(epfd, events, maxevents, timeout, NULL);
}

static int raw_epoll_pwait2(int epfd, struct epoll_event *events, int maxevents,
			    const struct timespec *timeout, const sigset_t *mask)
{
	return (int)syscall(SYS_epoll_pwait2, epfd, events, maxevents, timeout, mask,
			    KERNEL_SIGSET);
}

/* The kernel writes the remaining time into the timeout of ppoll and pselect; libc does not. */
static int raw_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
		     const sigset_t *mask)
{
	struct timespec left;

	if (timeout)
		left = *timeout;
	return (int)syscall(SYS_ppoll, fds, n, timeout ? &left : NULL, mask, KERNEL_SIGSET);
}

static int raw_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec limit = {timeout / 1000, timeout % 1000 * 1000000L};

	return raw_ppoll(fds, n, timeout < 0 ? NULL : &limit, NULL);
}

static int raw_ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
			 const sigset_t *mask, size_t size)
{
	check_fits(n, size / sizeof(*fds));
	return raw_ppoll(fds, n, timeout, mask);
}

static int raw_poll_chk(struct pollfd *fds, nfds_t n, int timeout, size_t size)
{
	check_fits(n, size / sizeof(*fds));
	return raw_poll(fds, n, timeout);
}

static int raw_pselect(int n, fd_set *reads, fd_set *writes, fd_set *excepts,
		       const struct timespec *timeout, const sigset_t *mask)
{
	struct {
		const sigset_t *mask;
		size_t size;
	} masked = {mask, KERNEL_SIGSET};
	struct timespec left;

	if (timeout)
		left = *timeout;
	return (int)syscall(SYS_pselect6, n, reads, writes, excepts, timeout ? &left : NULL,
			    &masked);
}

/* glibc's select writes back the remaining time as Linux does; musl's does not. */
static int raw_select(int n, fd_set *reads, fd_set *writes, fd_set *excepts,
		      struct timeval *timeout)
{
	struct timespec left;
	int ready;

	if (!timeout)
		return raw_pselect(n, reads, writes, excepts, NULL, NULL);
	left = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
	ready = (int)syscall(SYS_pselect6, n, reads, writes, excepts, &left, NULL);
	if (gnu_get_libc_version) {
		timeout->tv_sec = left.tv_sec;
		timeout->tv_usec = left.tv_nsec / 1000;
	}
	return ready;
}

static int raw_socketpair(int domain, int type, int protocol, int ends[2])
{
	return (int)syscall(SYS_socketpair, domain, type, protocol, ends);
}

static int raw_socket(int domain, int type, int protocol)
{
	return (int)syscall(SYS_socket, domain, type, protocol);
}

static int raw_connect(int fd, __CONST_SOCKADDR_ARG addr, socklen_t length)
{
	return (int)syscall(SYS_connect, fd, addr.__sockaddr__, length);
}

static int raw_setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
	return (int)syscall(SYS_setsockopt, fd, level, option, value, length);
}

static int raw_shutdown(int fd, int how)
{
	return (int)syscall(SYS_shutdown, fd, how);
}

static int raw_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static int raw_close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static void raw_closefrom(int lowest)
{
	unsigned int first = lowest < 0 ? 0 : (unsigned int)lowest;

	if (raw_close_range(first, ~0U, 0) == 0)
		return;
	for (long fd = first, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
		raw_close((int)fd);
}

static int raw_fcntl(int fd, int command, ...)
{
	va_list arguments;
	long argument;

	va_start(arguments, command);
	argument = va_arg(arguments, long);
	va_end(arguments);
	return (int)syscall(SYS_fcntl, fd, command, argument);
}
#define raw_fcntl64 raw_fcntl

static int raw_dup(int fd)
{
	return (int)syscall(SYS_dup, fd);
}

static int raw_dup3(int from, int to, int flags)
{
	return (int)syscall(SYS_dup3, from, to, flags);
}

/* With equal numbers dup3 fails; dup2 only checks that the number is open. */
static int raw_dup2(int from, int to)
{
	if (from == to)
		return raw_fcntl(from, F_GETFD, 0) < 0 ? -1 : to;
	return raw_dup3(from, to, 0);
}

struct next next = {
#define raw_sendfile64     raw_sendfile
#define raw___read_chk     raw_read_chk
#define raw___recv_chk     raw_recv_chk
#define raw___recvfrom_chk raw_recvfrom_chk
#define raw___poll_chk     raw_poll_chk
#define raw___ppoll_chk    raw_ppoll_chk
#define raw_syscall        system_call
#define CALL(name)         .name = raw_##name,
#define CALL_LIBC(name)
#include "base/calls.def"
};
