/* stdio_lock.h -- the locks of C streams: who holds one, and does the program use them? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STDIO_LOCK_H
#define IDLEFLUSH_STDIO_LOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Finds out where in `file` this libc keeps the owner of a stream's lock, which no libc documents.
 * False: it cannot be found. musl does not lock streams before the program's first thread; from
 * this call on it does. Constructor only.
 */
bool stdio_lock_learn(FILE *file);

/* All of these: only if that was found; any context; errno may change. */

/*
 * Does the calling thread hold the lock? Also true where a signal handler may have interrupted code
 * that was about to take it or to release it.
 */
bool stdio_lock_may_be_mine(const FILE *file);

/*
 * The same where the process may be about to die: waits until a lock without an owner, which
 * another thread is taking or releasing, has one or is free; `bound_ns` at most.
 */
bool stdio_lock_stays_mine(const FILE *file, int64_t bound_ns);

/* Is this stream always locked? glibc's putc(3) does not before there was a second thread. */
bool stdio_lock_is_used(const FILE *file);

/*
 * Does the program write to stdio without locks? True where it or a library imports an output
 * function of unlocked_stdio(3), or __overflow, which an inlined putc_unlocked calls. Such a
 * program relies on having one thread: a flush by ours would race with it and damage its output.
 * coreutils are built that way, servers hardly ever. Constructor only (it walks the loader's list).
 */
bool stdio_lock_is_bypassed(void);

#endif
