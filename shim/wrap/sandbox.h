/* sandbox.h -- a seccomp filter is about to be set: whatever is ours goes first */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SANDBOX_H
#define IDLEFLUSH_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

/* What sandbox_enter found, for sandbox_leave. */
struct sandbox {
	bool entered;
	uint64_t hidden; /* signals that had a handler of ours */
};

/*
 * Flushes, ends our threads, gives the program's signals back and falls asleep, so that the filter
 * meets no system call that the program does not make itself, in forked children neither; without
 * TSYNC a filter would leave our threads outside. Then the caller sets the filter. In a vfork child
 * only its own signals are given back. Host threads; errno is kept.
 */
void sandbox_enter(struct sandbox *sandbox);

/* The filter was not set: everything as before. */
void sandbox_leave(const struct sandbox *sandbox);

/* Does seccomp(2) or prctl(PR_SET_SECCOMP) with these arguments set a filter, if it succeeds? */
bool sandbox_is_seccomp(unsigned long operation, const void *filter);
bool sandbox_is_prctl(unsigned long option, unsigned long mode, const void *filter);

#endif
