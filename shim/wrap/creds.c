/* creds.c -- the exported functions that change what the kernel keeps for each thread */
/* SPDX-License-Identifier: MIT */
/*
 * Rights and namespaces are a thread's, not a process's. With a second thread
 * - that lacks KEEPCAPS or a capability, the next setuid or setgroups, which libc makes in all
 *   threads, ends in different ways; glibc aborts then, musl kills itself (setpriv(1) does this);
 * - unshare and setns of a user namespace fail with EINVAL;
 * - one that unshares its descriptors leaves the other with the old ones;
 * - a seccomp filter has a hole: a thread outside.
 * So we stop our thread first and restart it afterwards, with the caller's rights, when the program
 * next shows that it serves. After a filter was set nothing of ours runs any more (sandbox.h).
 * setuid and its like need nothing: libc takes care of every thread.
 */
#include "wrap/creds.h"

#include "base/next.h"
#include "base/platform.h"
#include "flush/flusher.h"
#include "runtime/python/visitor.h"

#include <linux/close_range.h>
#include <stdarg.h>

static bool is_kept_by_thread(unsigned long option)
{
	return option == PR_SET_KEEPCAPS || option == PR_SET_SECUREBITS ||
	       option == PR_CAPBSET_DROP || option == PR_CAP_AMBIENT;
}

/* Where Python's second thread of ours stays, the first may as well. errno is kept. */
static bool suspend(void)
{
	int saved_errno = errno;
	bool suspended = flusher_awake() && !python_visitor_is_started() && flusher_suspend();

	errno = saved_errno;
	return suspended;
}

static bool is_filter(long number, unsigned long a, unsigned long b, unsigned long c)
{
	return number == SYS_seccomp
		       ? sandbox_is_seccomp(a, (const void *)c)
		       : number == SYS_prctl && sandbox_is_prctl(a, b, (const void *)c);
}

void creds_begin(struct creds_change *change, long number, unsigned long a, unsigned long b,
		 unsigned long c)
{
	*change = (struct creds_change){.suspended = false};
	if (is_filter(number, a, b, c))
		sandbox_enter(&change->sandbox);
	else if (number == SYS_capset || number == SYS_unshare || number == SYS_setns ||
		 (number == SYS_prctl && is_kept_by_thread(a)) ||
		 (number == SYS_close_range && c & CLOSE_RANGE_UNSHARE))
		change->suspended = suspend();
}

void creds_end(const struct creds_change *change, bool failed)
{
	int saved_errno = errno;

	if (change->suspended)
		flusher_resume();
	if (failed)
		sandbox_leave(&change->sandbox);
	errno = saved_errno;
}

EXPORT int prctl(int option, ...)
{
	struct creds_change change;
	unsigned long words[4];
	va_list list;
	int done;

	va_start(list, option);
	for (int i = 0; i < 4; i++) /* always four, however many were passed, as the libcs do */
		words[i] = va_arg(list, unsigned long);
	va_end(list);
	creds_begin(&change, SYS_prctl, (unsigned long)option, words[0], words[1]);
	done = NEXT(prctl)(option, words[0], words[1], words[2], words[3]);
	creds_end(&change, done < 0);
	return done;
}

EXPORT int capset(void *header, const void *data)
{
	struct creds_change change;
	int done;

	creds_begin(&change, SYS_capset, 0, 0, 0);
	done = NEXT(capset)(header, data);
	creds_end(&change, done < 0);
	return done;
}

EXPORT int unshare(int flags)
{
	struct creds_change change;
	int done;

	creds_begin(&change, SYS_unshare, 0, 0, 0);
	done = NEXT(unshare)(flags);
	creds_end(&change, done < 0);
	return done;
}

EXPORT int setns(int fd, int kind)
{
	struct creds_change change;
	int done;

	creds_begin(&change, SYS_setns, 0, 0, 0);
	done = NEXT(setns)(fd, kind);
	creds_end(&change, done < 0);
	return done;
}
