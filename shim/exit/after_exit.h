/* after_exit.h -- what the destructors of libraries print after ours has run */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_AFTER_EXIT_H
#define IDLEFLUSH_AFTER_EXIT_H

/* Our destructor is done: from now on the calling thread is on its own with libc's last flush. */
void after_exit_begin(void);

/*
 * The process ends before that flush, by the calling thread's own doing: it crashed, or called
 * _exit. Writes what is pending, if that thread is the one that runs the destructors. Not where a
 * signal may have interrupted libc's flush, which takes no locks. errno may change.
 */
void after_exit_flush(void);

#endif
