/* unlocked.h -- does the program write to stdio without taking the streams' locks? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_UNLOCKED_H
#define IDLEFLUSH_UNLOCKED_H

#include <stdbool.h>

/*
 * True where the main program imports an output function of unlocked_stdio(3) (fwrite_unlocked …)
 * or __overflow, which an inlined putc_unlocked calls. Such a program relies on having one thread:
 * a flush by ours would race with it and damage its output. coreutils are built that way, servers
 * hardly ever. Constructor only (it walks the loader's list).
 */
bool unlocked_is_used(void);

#endif
