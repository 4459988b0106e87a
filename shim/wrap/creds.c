/* creds.c -- the exported functions that change the rights or namespaces of one thread */
/* SPDX-License-Identifier: MIT */
/*
 * The kernel keeps for each thread what these calls set. A second thread would have these effects:
 * - If it lacks KEEPCAPS or a capability, the next setuid or setgroups, which libc makes in every
 *   thread, succeeds in some threads only. glibc aborts then, musl kills the process (setpriv(1)
 *   would meet this).
 * - unshare and setns of a user namespace fail with EINVAL.
 * - A sandbox would have a hole: one thread stays outside.
 * So we stop our thread first and restart it afterwards, with the caller's rights, when the program
 * next shows that it serves. After a seccomp filter it is not restarted, because the filter may not
 * allow that. setuid and its like need nothing of this: libc takes care of every thread.
 */
#include "flush/flusher.h"
#include "base/next.h"
#include "base/platform.h"
#include "runtime/python/visitor.h"
#include "base/decision.h"
#include "shared/introspect.h"

#include <stdarg.h>

/* With Python we have another thread, which stays; so this one may stay as well. errno is kept. */
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
	for (int i = 0; i < 4; i++) /* always four, however many were passed, as the libcs do */
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
