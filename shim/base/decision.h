/* decision.h -- awake or asleep, and why: for --debug, and for whoever asks later */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_DECISION_H
#define IDLEFLUSH_DECISION_H

/*
 * What was decided, in a few words that last for ever and end in "asleep" where that is what was
 * decided. Says it under debug, and to who asks later. Any context.
 */
void decision_set(const char *says);

#endif
