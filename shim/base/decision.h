/* decision.h -- awake or asleep, and why: for --debug and --check */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_DECISION_H
#define IDLEFLUSH_DECISION_H

/*
 * Notes what was decided, and prints it under --debug. `says` is a constant string of a few words,
 * which ends in "asleep" if the library sleeps. Any context.
 */
void decision_set(const char *says);

#endif
