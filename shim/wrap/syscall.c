/* syscall.c -- the exported syscall(2), for the few numbers that concern us */
/* SPDX-License-Identifier: MIT */
/*
 * libseccomp sets its filters this way, because libc has no function for it, and sandboxes create
 * their processes so. Everything else is passed on by a jump that leaves registers and stack as
 * they are: a call may return twice, or on another stack.
 */
#include "base/next.h"
#include "base/platform.h"
#include "exit/last_words.h"
#include "wrap/atfork.h"
#include "wrap/creds.h"

#include <stddef.h>

#ifdef SYS_fork
#define FORK SYS_fork
#else
#define FORK (-1) /* aarch64 has clone only */
#endif

typedef long call(long number, long a, long b, long c, long d, long e, long f);
HIDDEN call syscall_that_concerns_us;

static long pass(long number, long a, long b, long c, long d, long e, long f)
{
	return ((call *)next.syscall)(number, a, b, c, d, e, f);
}

/*
 * libc does not know of such a child, so we sleep there. But it must not inherit a stream in the
 * middle of a flush, whose lock nobody would release.
 */
static long fork_around(long number, long a, long b, long c, long d, long e, long f)
{
	long done;

	atfork_prepare();
	done = pass(number, a, b, c, d, e, f);
	if (done)
		atfork_parent();
	return done;
}

static long change_around(long number, long a, long b, long c, long d, long e, long f)
{
	struct creds_change change;
	long done;

	creds_begin(&change, number, (unsigned long)a, (unsigned long)b, (unsigned long)c);
	done = pass(number, a, b, c, d, e, f);
	creds_end(&change, done < 0);
	return done;
}

long syscall_that_concerns_us(long number, long a, long b, long c, long d, long e, long f)
{
	if (number == SYS_clone || number == FORK)
		return fork_around(number, a, b, c, d, e, f);
	if (number == SYS_exit)
		last_words_of_main_thread();
	else if (number == SYS_exit_group)
		last_words_before_end();
	else
		return change_around(number, a, b, c, d, e, f);
	return pass(number, a, b, c, d, e, f);
}

#if defined(__x86_64__)

/*
 * Not in C: the compiler might read the sixth argument from the stack and write it back. If fewer
 * arguments were passed, that word is a variable of the caller, maybe the futex of this very call.
 * A clone concerns us if it makes a process with its own memory (no CLONE_VM) on the caller's
 * stack.
 */
__attribute__((used)) static void define_syscall(void)
{
	/* clang-format off */
	__asm__(".pushsection .text.syscall, \"ax\", @progbits\n"
		".globl syscall\n"
		".type syscall, @function\n"
		"syscall:\n"
		"	.cfi_startproc\n"
		"	endbr64\n"
		"	cmp %0, %%rdi\n"
		"	je 2f\n"
		"	cmp %1, %%rdi\n"
		"	je 2f\n"
		"	cmp %2, %%rdi\n"
		"	je 2f\n"
		"	cmp %3, %%rdi\n"
		"	je 2f\n"
		"	cmp %4, %%rdi\n"
		"	je 2f\n"
		"	cmp %5, %%rdi\n"
		"	je 2f\n"
		"	cmp %6, %%rdi\n"
		"	je 2f\n"
		"	cmp %7, %%rdi\n"
		"	je 2f\n"
		"	cmp %8, %%rdi\n"
		"	jne 1f\n"
		"	test %9, %%rsi\n"
		"	jne 1f\n"
		"	test %%rdx, %%rdx\n"
		"	je 2f\n"
		"1:	jmp *next+%c10(%%rip)\n"
		"2:	jmp syscall_that_concerns_us\n"
		"	.cfi_endproc\n"
		".size syscall, . - syscall\n"
		".popsection\n"
		: : "i"(SYS_seccomp), "i"(SYS_prctl), "i"(SYS_capset), "i"(SYS_unshare),
		    "i"(SYS_setns), "i"(SYS_exit), "i"(SYS_exit_group), "i"(FORK), "i"(SYS_clone),
		    "i"(CLONE_VM), "i"(offsetof(struct next, syscall)));
	/* clang-format on */
}

#else

/* Where all arguments are passed in registers, C does. */
EXPORT call syscall_wrapper __asm__("syscall");

long syscall_wrapper(long number, long a, long b, long c, long d, long e, long f)
{
	switch (number) {
	case SYS_clone:
		if (a & CLONE_VM || b)
			break;
		return syscall_that_concerns_us(number, a, b, c, d, e, f);
	case SYS_seccomp:
	case SYS_prctl:
	case SYS_capset:
	case SYS_unshare:
	case SYS_setns:
	case SYS_exit:
	case SYS_exit_group:
		return syscall_that_concerns_us(number, a, b, c, d, e, f);
	}
	return pass(number, a, b, c, d, e, f);
}

#endif
