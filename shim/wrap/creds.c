/* creds.c -- the exported functions that change a thread's rights or namespaces, not a
 * process's */
/* SPDX-License-Identifier: MIT */
/*
 * What they set, the kernel keeps for each thread. With a second thread
 * - that lacks KEEPCAPS or a capability, the next setuid or setgroups, which the libc does in all
 *   threads, ends in different ways; glibc aborts then, musl kills itself (setpriv(1) does this);
 * - unshare and setns of a user namespace fail with EINVAL;
 * - a sandbox has a hole: a thread outside.
 * So ours ends before and comes again, with the caller's rights, at the next sign of a server.
 * After a seccomp filter it does not: nobody knows whether the filter lets a thread be made.
 * setuid and its like need nothing: the libcs take care of every thread.
 */
#include "flush/flusher.h"
#include "base/next.h"
#include "base/platform.h"
#include "runtime/python/visitor.h"
#include "base/decision.h"
#include "shared/introspect.h"

#include <stdarg.h>

/* Python's second thread of ours stays, so the first may as well. errno is kept. */
static bool suspend(void)
{
	int saved_errno = errno;
	bool suspended = flusher_awake() && !python_visitor_is_started() && flusher_suspend();

	errno = saved_errno;
	return suspended;
}

/* After the call; errno is kept. */
static void resume(bool suspended)
{
	int saved_errno;

	if (!suspended)
		return;
	saved_errno = errno;
	flusher_resume();
	errno = saved_errno;
}

static bool is_of_a_thread(int option)
{
	return option == PR_SET_KEEPCAPS || option == PR_SET_SECUREBITS ||
	       option == PR_CAPBSET_DROP || option == PR_CAP_AMBIENT || option == PR_SET_SECCOMP;
}

EXPORT int prctl(int option, ...)
{
	unsigned long words[4];
	va_list list;
	bool suspended;
	int done;

	va_start(list, option);
	for (int i = 0; i < 4; i++) /* whether or not so many were given, as the libcs do */
		words[i] = va_arg(list, unsigned long);
	va_end(list);
	suspended = is_of_a_thread(option) && suspend();
	done = NEXT(prctl)(option, words[0], words[1], words[2], words[3]);
	if (suspended && option == PR_SET_SECCOMP && done == 0)
		decision_set("the program set a seccomp filter: asleep");
	else
		resume(suspended);
	return done;
}

EXPORT int capset(void *header, const void *data)
{
	bool suspended = suspend();
	int done = NEXT(capset)(header, data);

	resume(suspended);
	return done;
}

EXPORT int unshare(int flags)
{
	bool suspended = suspend();
	int done = NEXT(unshare)(flags);

	resume(suspended);
	return done;
}

EXPORT int setns(int fd, int kind)
{
	bool suspended = suspend();
	int done = NEXT(setns)(fd, kind);

	resume(suspended);
	return done;
}
