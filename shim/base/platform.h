/* platform.h -- the only place that distinguishes libcs and architectures */
/* SPDX-License-Identifier: MIT */
/*
 * One file serves every libc, so the library has no DT_NEEDED, and every libc symbol that it uses
 * is weak: a dynamic program need not have a libc at all, and a strong undefined symbol would
 * prevent it from starting. If one of PLATFORM_REQUIRED is missing the library sleeps; the others
 * are tested where they are used. tests/artifact.bats compares these lists with the library.
 */
#ifndef IDLEFLUSH_PLATFORM_H
#define IDLEFLUSH_PLATFORM_H

#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __GLIBC__
#error "needs the headers of glibc (the library runs on musl too): build it on Debian"
#endif

#define EXPORT      __attribute__((visibility("default")))
#define HIDDEN      __attribute__((visibility("hidden")))        /* or externs go through the GOT */
#define INLINE      static inline __attribute__((always_inline)) /* on the path of every send */
#define LARGE       __attribute__((section(".bss.large"))) /* of its pages few are ever touched */
#define LARGE_DATA  __attribute__((section(".data.untouched"))) /* the same, but not zero */
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* clang-format off */
/* What glibc and musl both have, and what we cannot work without. */
#define PLATFORM_REQUIRED(X)                                                                       \
	X(__errno_location) X(__flbf) X(__fpending) X(__fpurge) X(clock_gettime)                   \
	X(dl_iterate_phdr) X(fileno_unlocked) X(fnmatch) X(ftrylockfile) X(funlockfile)            \
	X(getauxval) X(getenv) X(mmap) X(pthread_attr_destroy) X(pthread_attr_init)                \
	X(pthread_attr_setdetachstate) X(pthread_attr_setstacksize) X(pthread_self)                \
	X(pthread_setcancelstate) X(pthread_sigmask) X(sigfillset) X(stderr) X(stdout)     \
	X(sysconf)

/* What only one of them has, or not every version. */
#define PLATFORM_OPTIONAL(X)                                                                       \
	X(__chk_fail) X(__cxa_at_quick_exit) X(__fbufsize) X(__flbf) X(__fsetlocking)              \
	X(__libc_single_threaded) X(_dl_debug_addr) X(at_quick_exit) X(dlerror) X(dlopen)          \
	X(dlsym) X(environ) X(gnu_get_libc_version) X(program_invocation_short_name)               \
	X(pthread_atfork) X(pthread_getspecific)
/* clang-format on */

/*
 * syscall(2), whose name in libc is one of those that we export (wrap/syscall.c). Any context;
 * errno as with libc's.
 */
HIDDEN extern long system_call(long number, ...);
#define syscall system_call

extern char __libc_single_threaded; /* since glibc 2.32 */
extern const char *gnu_get_libc_version(void);
extern int __cxa_at_quick_exit(void (*handler)(void *), void *dso_handle);
extern struct r_debug *_dl_debug_addr; /* in musl and uClibc */
extern void __chk_fail(void) __attribute__((noreturn));

#define PLATFORM_STRING(x)  #x
#define PLATFORM_WEAK(name) _Pragma(PLATFORM_STRING(weak name))
PLATFORM_REQUIRED(PLATFORM_WEAK)
PLATFORM_OPTIONAL(PLATFORM_WEAK)

/* Does this process have all of PLATFORM_REQUIRED? Any context. */
static inline bool platform_usable(void)
{
#define PLATFORM_THERE(name) &&(const void *)&name != NULL
	return true PLATFORM_REQUIRED(PLATFORM_THERE);
#undef PLATFORM_THERE
}

/* getpid(2). By system call, as what we can do so is a name less to be bound at each start. */
static inline pid_t platform_pid(void)
{
	return (pid_t)syscall(SYS_getpid);
}

/* at_quick_exit(3), whose public name in glibc is also in libc_nonshared.a only. */
static inline void platform_at_quick_exit(void (*handler)(void))
{
	if (__cxa_at_quick_exit)
		__cxa_at_quick_exit((void (*)(void *))(void (*)(void))handler, NULL);
	else if (at_quick_exit)
		(void)at_quick_exit(handler);
}

/*
 * Has a trapped system call (SIGSYS) repeated when the signal handler returns. The kernel has
 * restored its arguments, so it is enough to move back over the instruction.
 */
static inline void platform_repeat_call(ucontext_t *frame)
{
#if defined(__x86_64__)
	frame->uc_mcontext.gregs[REG_RIP] -= 2;
#elif defined(__aarch64__)
	frame->uc_mcontext.pc -= 4;
#else
	(void)frame;
#endif
}

/*
 * poll(2) without waiting, and write(2). The functions of libc are cancellation points, and we need
 * them inside calls of the program that are not. Errors are reported as by libc.
 */
static inline int platform_poll_now(struct pollfd *fds, nfds_t n)
{
#ifdef SYS_poll
	return (int)syscall(SYS_poll, fds, n, 0);
#else
	return (int)syscall(SYS_ppoll, fds, n, &(struct timespec){0, 0}, NULL, 0);
#endif
}

static inline ssize_t platform_write(int fd, const void *buf, size_t n)
{
	return syscall(SYS_write, fd, buf, n);
}

/* The instruction that a signal interrupted. */
static inline uintptr_t platform_pc(const ucontext_t *frame)
{
#if defined(__x86_64__)
	return (uintptr_t)frame->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	return (uintptr_t)frame->uc_mcontext.pc;
#else
	(void)frame;
	return 0;
#endif
}

/* May we read the buffer of a FILE? glibc's struct is public, and stable since 2.1. */
static inline bool platform_stdio_visible(void)
{
	return gnu_get_libc_version != NULL;
}

/* fileno_unlocked(3), which may be the first thing in its part of libc that a program touches. */
static inline int platform_stdio_fileno(FILE *file)
{
	return platform_stdio_visible() ? file->_fileno : fileno_unlocked(file);
}

/* glibc resets the locks of all streams in a forked child; musl leaves them as they were. */
static inline bool platform_fork_frees_streams(void)
{
	return platform_stdio_visible();
}

/* glibc's sigaction reports sa_restorer; musl's leaves that field of the program as it was. */
static inline bool platform_tells_restorer(void)
{
	return gnu_get_libc_version != NULL;
}

/*
 * Does the calling thread hold the lock of a glibc stream? The lock is not public; it has looked
 * like this since glibc 2.3.3 (sysdeps/nptl/stdio-lock.h), and std_streams.c checks that.
 */
struct platform_stdio_lock {
	int lock, count;
	void *owner;
};

static inline bool platform_stdio_is_mine(FILE *file)
{
	const struct platform_stdio_lock *lock = file->_lock;

	return lock && lock->owner == (void *)pthread_self();
}

/*
 * The same in a signal handler: a lock that has no owner is just being taken or released, which the
 * interrupted code may be doing.
 */
static inline bool platform_stdio_may_be_mine(FILE *file)
{
	const struct platform_stdio_lock *lock = file->_lock;

	return lock && (platform_stdio_is_mine(file) || (lock->lock && !lock->owner));
}

/*
 * Do putc(3) and its like lock a glibc stream? Since 2.28 not before the first pthread_create
 * (_IO_FLAGS2_NEED_LOCK); until then the owner of the lock says nothing.
 */
static inline bool platform_stdio_locks(const FILE *file)
{
	return file->_flags2 & 0x80;
}

/* Does the program lock this stream itself (FSETLOCKING_BYCALLER)? musl has no such mode. */
static inline bool platform_stdio_locked_by_caller(FILE *file)
{
	return __fsetlocking && __fsetlocking(file, FSETLOCKING_QUERY) == FSETLOCKING_BYCALLER;
}

/* glibc's size_t msg_iovlen is an int and padding in musl: the low half is the count. */
static inline size_t platform_iovlen(const struct msghdr *message)
{
	return (unsigned int)message->msg_iovlen;
}

static inline size_t platform_controllen(const struct msghdr *message)
{
	return (unsigned int)message->msg_controllen;
}

static inline size_t platform_cmsg_len(const struct cmsghdr *part)
{
	return (unsigned int)part->cmsg_len;
}

#endif
