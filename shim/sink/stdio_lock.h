/* stdio_lock.h -- who is inside a C stream, as far as libc tells */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STDIO_LOCK_H
#define IDLEFLUSH_STDIO_LOCK_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * Learns from `file` where this libc notes the owner of a stream's lock, which is public in none.
 * False: it does not tell. On musl streams are locked from then on, which they are not before the
 * program's first thread. Constructor only.
 */
bool stdio_lock_learn(FILE *file);

/* All of these: only if it tells; any context; errno may change. */

/* Does the calling thread hold the lock? */
bool stdio_lock_is_mine(const FILE *file);

/*
 * The same in a signal handler: also true where the interrupted code may be about to take the lock
 * or give it back.
 */
bool stdio_lock_may_be_mine(const FILE *file);

/* Does everybody lock this stream? Not glibc's putc(3), before there was a thread. */
bool stdio_lock_is_used(const FILE *file);

/*
 * In a forked child: what the thread that called fork, `parent` its thread there, had locked in
 * the parent is locked by it here. musl knows threads by their number, which is a new one; a
 * handler that interrupted printf and forks would leave the child a lock that nobody gives back.
 */
void stdio_lock_take_over(FILE *file, pid_t parent);

#endif
