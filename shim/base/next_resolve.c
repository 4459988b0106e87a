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

/* In the order of the members of `next`. A pointer to each would be relocated at each start. */
static const char names[] =
#define CALL(name) #name "\0"
#include "base/calls.def"
	;

enum { COUNT = sizeof(struct next) / sizeof(void *) };

/*
 * For what the walk did not find: an IFUNC, a name that this libc lacks, and all of them where we
 * were loaded by dlopen(3), after libc. May allocate.
 */
static void *ask_loader(const char *name)
{
	void *found = dlsym ? dlsym(RTLD_NEXT, name) : NULL;

	if (!found && dlerror) /* the program must not find the error */
		dlerror();
	return found;
}

void next_resolve(void)
{
	static _Atomic int resolved;
	struct symbols_wanted wanted[COUNT];
	const char *name = names;

	if (resolved)
		return;
	for (size_t i = 0; i < COUNT; i++)
		name = symbols_want(&wanted[i], name);
	symbols_find_next(wanted, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		char *slot = (char *)&next + i * sizeof(void *);
		void *found = wanted[i].address ? wanted[i].address : ask_loader(wanted[i].name);

		if (!found)
			memcpy(&found, slot, sizeof(found));
		if (!found)
			found = (void *)missing;
		memcpy(slot, &found, sizeof(found));
	}
	if ((void *)next.fopen64 == (void *)missing) { /* a libc whose off_t always has 64 bits */
		next.fopen64 = next.fopen;
		next.freopen64 = next.freopen;
	}
	resolved = 1;
}
