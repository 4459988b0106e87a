/* fd_table.h -- a separate descriptor table for the flusher thread, which borrows descriptors */
/* SPDX-License-Identifier: MIT */
/*
 * Half of what a sleeping second thread costs is that it shares the descriptor table: the kernel
 * then counts the users of a descriptor in every call of the program. A separate table avoids that.
 * The thread borrows a descriptor to flush and closes it at once, so that the program's close and
 * dup2 have their usual effect, and readers see an end-of-file when they should.
 *
 * There is no way back: if the thread must share the table again, it ends, and a thread of the
 * program starts another one.
 */
#ifndef IDLEFLUSH_FD_TABLE_H
#define IDLEFLUSH_FD_TABLE_H

#include <stdbool.h>

/*
 * The calling thread is about to leave the table: fd_table_is_used() from now on. Our threads only;
 * fd_table_reset() takes it back.
 */
void fd_table_announce(void);

/*
 * Gives the calling thread, which has announced it, an empty table. Returns 0 or a negative errno;
 * then the thread must end, because it may have the table but cannot borrow. Our threads only. Not
 * under a seccomp filter that was set before us, which may kill the process for a call that it does
 * not list.
 */
int fd_table_leave(void);

/* Is there a seccomp filter already? True also if that cannot be known. Any thread. */
bool fd_table_is_filtered(void);

/* Has the calling thread a table of its own? Has any thread of ours? Any context. */
bool fd_table_is_own(void);
bool fd_table_is_used(void);

/*
 * Returns a duplicate, from 3 up, of what the program has as `fd` now; or `fd` itself if the table
 * is shared. Negative: it cannot be borrowed, and from now on fd_table_is_needed().
 */
int fd_table_borrow(int fd);
void fd_table_give_back(int borrowed);

/* Something needs the program's table, so a thread with a table of its own must end. Any thread. */
void fd_table_need(void);
bool fd_table_is_needed(void);

/* The thread is about to end, or does not leave; or a forked child begins without it. */
void fd_table_reset(void);

#endif
