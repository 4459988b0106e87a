/* flusher_thread.h -- what the flusher thread does until it is stopped */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSHER_THREAD_H
#define IDLEFLUSH_FLUSHER_THREAD_H

/* The thread's function, for thread_start(). Returns once it is stopped or is the last thread. */
void *flusher_thread_run(void *unused);

#endif
