/* stdio_lock.h -- the locks of C streams: who holds one, and does the program use them? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STDIO_LOCK_H
#define IDLEFLUSH_STDIO_LOCK_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Learns from `file` where this libc notes the owner of a stream's lock, which is public in none.
 * False: it does not tell. On musl streams are locked from then on, which they are not before the
 * program's first thread. Constructor only.
 */
bool stdio_lock_learn(FILE *file);

/* All of these: only if it tells; any context; errno may change. */

/*
 * Does the calling thread hold the lock? Also true where a signal handler may have interrupted code
 * that was about to take it or to release it.
 */
bool stdio_lock_may_be_mine(const FILE *file);

/* Does everybody lock this stream? Not glibc's putc(3), before there was a thread. */
bool stdio_lock_is_used(const FILE *file);

/*
 * Does the program write to stdio without locks? True where it or a library imports an output
 * function of unlocked_stdio(3), or __overflow, which an inlined putc_unlocked calls. Such a
 * program relies on having one thread: a flush by ours would race with it and damage its output.
 * coreutils are built that way, servers hardly ever. Constructor only (it walks the loader's list).
 */
bool stdio_lock_is_bypassed(void);

#endif
