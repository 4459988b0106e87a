/* lending.h -- when a waiting thread lends the buffer of a runtime to the flusher thread */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LENDING_H
#define IDLEFLUSH_LENDING_H

#include <stdbool.h>

/* Could the calling thread lend what it has pending, for the time of its wait? Any context. */
bool lending_can_begin(void);

/* Then it does, until flusher_wait_returned(). At a wait. */
void lending_begin(void);

/*
 * The process is about to die: has the calling thread bytes pending that it will most likely soon
 * lend? Then the flusher thread's passes until the end wait for that. A signal handler.
 */
bool lending_will_follow(void);

#endif
