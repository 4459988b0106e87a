/* next_resolve.c -- looks up the next definition of every interposed call */
/* SPDX-License-Identifier: MIT */
#include "base/next.h"

#include "base/platform.h"
#include "base/symbols.h"

/*
 * Stands for a function that this libc lacks: musl has no execveat, ssignal, sysv_signal and
 * __sigaction, but a program may find our exports by dlsym(3). -1 is also SIG_ERR.
 */
static long missing(void)
{
	if (&__errno_location)
		errno = ENOSYS;
	return -1;
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* sigset: programs still call it */

static void *find_next(const char *name, void *otherwise)
{
	void *found = dlsym ? dlsym(RTLD_NEXT, name) : symbols_find_next(name);

	return found ? found : otherwise;
}

void next_resolve(void)
{
	static _Atomic int resolved;

	if (resolved)
		return;
#define CALL(name)                                                                                 \
	next.name = (__typeof__(name) *)find_next(#name, next.name ? (void *)next.name             \
								   : (void *)missing);
#include "base/calls.def"
	if ((void *)next.fopen64 == (void *)missing) { /* a libc whose off_t always has 64 bits */
		next.fopen64 = next.fopen;
		next.freopen64 = next.freopen;
	}
	resolved = 1;
	if (dlerror) /* a name that this libc lacks must not be the error that the program finds */
		dlerror();
}
