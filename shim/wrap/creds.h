/* creds.h -- calls that change what the kernel keeps for each thread */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CREDS_H
#define IDLEFLUSH_CREDS_H

#include <stdbool.h>
#include <stdint.h>

/* What was done before such a call, for creds_end. */
struct creds_change {
	bool suspended;  /* our thread was stopped */
	bool filtered;   /* everything of ours was stopped, for a seccomp filter */
	uint64_t hidden; /* signals that had a handler of ours */
};

/*
 * To be called before and after the system call `number` with these first arguments. Any number: a
 * few comparisons tell the ones that do not concern us. Host threads; errno is kept.
 */
void creds_begin(struct creds_change *change, long number, unsigned long a, unsigned long b,
		 unsigned long c);
void creds_end(const struct creds_change *change, bool failed);

#endif
