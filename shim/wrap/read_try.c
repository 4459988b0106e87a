/* read_try.c -- a read of a connection, made without waiting to learn whether it would wait */
/* SPDX-License-Identifier: MIT */
#include "wrap/read_try.h"

#include "base/libc_object.h"
#include "base/platform.h"
#include "flush/flusher_state.h"

static _Atomic bool may_try; /* written by the constructor, and by read_try_ends() */

void read_try_init(void)
{
	may_try = libc_object_has((const void *)next.read) &&
		  libc_object_has((const void *)next.recv) &&
		  libc_object_has((const void *)next.recvfrom) &&
		  libc_object_has((const void *)next.recvmsg);
}

void read_try_ends(void)
{
	atomic_store_explicit(&may_try, false, memory_order_relaxed);
}

static void mark(struct conn *conn, enum conn_mark mark)
{
	atomic_store_explicit(&conn->marks, mark, memory_order_relaxed);
}

bool read_try_fits(struct conn *conn, int fd)
{
	uint8_t marks;

	if (!conn || !atomic_load_explicit(&may_try, memory_order_relaxed) ||
	    (conn_kind(conn) != CONN_SERVER && conn_kind(conn) != CONN_CLIENT))
		return false;
	marks = atomic_load_explicit(&conn->marks, memory_order_relaxed);
	if (LIKELY(marks))
		return marks == CONN_TRIED;
	if (!flusher_is_owner()) /* the entry is its parent's, and so may be the number */
		return false;
	if (read_flush_waits_for_more(fd)) { /* tried, it would return less */
		mark(conn, CONN_NEVER_TRIED);
		return false;
	}
	mark(conn, CONN_TRIED);
	return true;
}

/*
 * Did the call itself not take place? The number may have become a pipe by a raw system call, and a
 * filter may know read(2) only.
 */
static bool is_refused(int error)
{
	return error == ENOTSOCK || error == EPERM || error == ENOSYS;
}

/* Ends with calls in whose place it is, so that it takes no stack from the flush. */
enum read_step read_try_step(struct conn *conn, int fd, ssize_t done, int saved_errno)
{
	int error = errno;

	if (done < 0 && is_refused(error)) {
		mark(conn, CONN_NEVER_TRIED);
		errno = saved_errno;
		return read_flush(fd, READ_MAY_WAIT | READ_UNFAILING); /* it may fail at once */
	}
	if (done < 0 && error == EAGAIN && read_flush_waits(fd)) {
		errno = saved_errno;
		return read_flush(fd, READ_WAITS);
	}
	read_flush_did_not_wait();
	errno = error;
	return READ_DONE;
}
