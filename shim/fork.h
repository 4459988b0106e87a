/* fork.h -- what happens around a fork */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FORK_H
#define IDLEFLUSH_FORK_H

/* Registers the fork handlers. Returns 0 or a negative errno. Constructor only. */
int fork_init(void);

#endif
