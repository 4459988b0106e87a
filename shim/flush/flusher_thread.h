/* flusher_thread.h -- what the flusher thread does until it is stopped */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSHER_THREAD_H
#define IDLEFLUSH_FLUSHER_THREAD_H

/* The thread's function, for thread_start(). Returns when it was stopped, or when it is alone. */
void *flusher_thread_run(void *unused);

#endif
