/* fd_table.h -- a descriptor table of its own for the flusher thread, and how it gets at others */
/* SPDX-License-Identifier: MIT */
/*
 * Half of what a sleeping second thread costs is that it shares the descriptor table: the kernel
 * then counts the users of a descriptor at every call of the program's. A table of its own takes
 * that away. The thread borrows a descriptor when it flushes, and gives it back at once; so the
 * program's close and dup2 mean what they mean, and no end-of-file is kept from anybody.
 *
 * It is one-way: the thread cannot share the table again, so where it has to, it ends, and a thread
 * of the program's starts another one.
 */
#ifndef IDLEFLUSH_FD_TABLE_H
#define IDLEFLUSH_FD_TABLE_H

#include <stdbool.h>

/*
 * Gives the calling thread an empty table. Returns 0 or a negative errno; then it may have one and
 * cannot borrow, and must end. Our threads only. Never where a seccomp filter was there before us:
 * it may kill for a call that it does not list.
 */
int fd_table_leave(void);

/* Is there a seccomp filter already? True where nobody can tell. Any thread. */
bool fd_table_is_filtered(void);

/* Has the calling thread a table of its own? And has any? Any context. */
bool fd_table_is_own(void);
bool fd_table_is_used(void);

/*
 * What the program has as `fd` now, at a number of the calling thread's from 3 up; `fd` itself
 * where the table is shared. Negative: it cannot be had, and fd_table_is_needed() from now on.
 */
int fd_table_borrow(int fd);
void fd_table_give_back(int borrowed);

/* Something needs the program's table: the thread with another one has to go. Any thread. */
void fd_table_need(void);
bool fd_table_is_needed(void);

/* The thread has ended, or a forked child begins without it. */
void fd_table_reset(void);

#endif
