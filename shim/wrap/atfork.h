/* atfork.h -- what happens around a fork */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ATFORK_H
#define IDLEFLUSH_ATFORK_H

/* Registers the fork handlers. Returns 0 or a negative errno. Constructor only. */
int atfork_init(void);

/* Two of them, for a fork that libc does not see; see wrap/syscall.c. */
void atfork_prepare(void);
void atfork_parent(void);

#endif
