/* creds.c -- the exported functions that change what the kernel keeps for each thread */
/* SPDX-License-Identifier: MIT */
/*
 * Rights and namespaces belong to a thread, not to a process. If there is a second thread,
 * - and it lacks KEEPCAPS or a capability, the next setuid or setgroups, which libc makes in all
 *   threads, has different results; then glibc aborts, and musl kills itself (as in setpriv(1));
 * - unshare and setns of a user namespace fail with EINVAL;
 * - a thread that unshares its descriptors leaves the other one with the old ones;
 * - a seccomp filter has a hole: the other thread is outside.
 * So we stop our thread first and restart it afterwards, with the caller's rights, when the program
 * next shows that it serves. Once a filter is set, nothing of ours runs any more, not in forked
 * children either: the filter would meet system calls that the program does not make itself. setuid
 * and the like need nothing: libc takes care of every thread.
 */
#include "wrap/creds.h"

#include "base/decision.h"
#include "base/next.h"
#include "base/platform.h"
#include "exit/hidden_handler.h"
#include "exit/last_words.h"
#include "flush/flusher.h"
#include "runtime/python/python.h"
#include "runtime/python/visitor.h"

#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <stdarg.h>

#ifndef SECCOMP_SET_MODE_STRICT /* in headers since Linux 3.17 */
#define SECCOMP_SET_MODE_STRICT 0
#define SECCOMP_SET_MODE_FILTER 1
#endif

static bool is_kept_by_thread(unsigned long option)
{
	return option == PR_SET_KEEPCAPS || option == PR_SET_SECUREBITS ||
	       option == PR_CAPBSET_DROP || option == PR_CAP_AMBIENT;
}

/* If our second thread, Python's, stays, the first may stay too. */
static bool suspend(void)
{
	return flusher_awake() && !python_visitor_is_started() && flusher_suspend();
}

/*
 * Does seccomp(2) or prctl(PR_SET_SECCOMP) with these arguments set a filter? A caller that only
 * asks whether the kernel knows filters passes none (libseccomp, systemd).
 */
static bool is_filter(long number, unsigned long a, unsigned long b, unsigned long c)
{
	if (number == SYS_seccomp)
		return a == SECCOMP_SET_MODE_STRICT || (a == SECCOMP_SET_MODE_FILTER && c);
	return number == SYS_prctl && a == PR_SET_SECCOMP &&
	       (b == SECCOMP_MODE_STRICT || (b == SECCOMP_MODE_FILTER && c));
}

/*
 * Flushes, ends our threads, gives the program's signals back and falls asleep. Without TSYNC a
 * filter would leave our threads outside. In a vfork child only its own signals are given back.
 */
static void begin_filter(struct creds_change *change)
{
	if (!flusher_awake())
		return;
	if (flusher_is_owner()) {
		last_words_before_exit();
		decision_set("the program sets a seccomp filter: asleep");
		python_stop();
		if (!flusher_suspend())
			flusher_stop(); /* no thread: falls asleep */
		change->filtered = true;
	}
	change->hidden = hidden_handler_take_back();
}

void creds_begin(struct creds_change *change, long number, unsigned long a, unsigned long b,
		 unsigned long c)
{
	int saved_errno = errno;

	*change = (struct creds_change){.suspended = false};
	if (is_filter(number, a, b, c))
		begin_filter(change);
	else if (number == SYS_capset || number == SYS_unshare || number == SYS_setns ||
		 (number == SYS_prctl && is_kept_by_thread(a)) ||
		 (number == SYS_close_range && c & CLOSE_RANGE_UNSHARE))
		change->suspended = suspend();
	errno = saved_errno;
}

void creds_end(const struct creds_change *change, bool failed)
{
	int saved_errno = errno;

	if (change->suspended || (change->filtered && failed))
		flusher_resume();
	if (failed && change->filtered && flusher_awake())
		decision_set("awake");
	if (failed)
		hidden_handler_put_back(change->hidden);
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
