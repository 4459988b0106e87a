/* activity.h -- what wrappers report: bytes were sent or received, a thread is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * Wrappers call these after the real call (_waiting, _pausing, _reading and _closing: before it),
 * from any thread, signal handler or vfork child. They take no lock and allocate by mmap(2) at
 * most. Byte counts are what the call returned.
 *
 * Sends and receives are reported whether the library is awake or not, and errno is kept. Most of
 * them only read the entry of the descriptor; that part is inline here. The other functions are
 * called only where flusher_awake(), and may change errno.
 */
#ifndef IDLEFLUSH_ACTIVITY_H
#define IDLEFLUSH_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/platform.h"
#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "flush/flusher.h"

/* accept(2) returned `fd`: a server-side connection. */
void activity_accepted(int fd);

/* connect(2) on `fd` succeeded or is under way: not server-side. */
void activity_connected(int fd);

/* shutdown(2) of `fd` succeeded; `how` as there. errno is kept. */
void activity_shut(int fd, int how);

/* `first` to `last` are about to be closed, or are new: what is stored for them is forgotten. */
void activity_closing(unsigned int first, unsigned int last);

/* `to` is now a duplicate of `from`. */
void activity_duplicated(int from, int to);

/* `n` responses ended on `conn`. errno is kept. */
void activity_ended(struct conn *conn, unsigned n);

/* --- the uncommon cases of the inline functions below */

void activity_sent_on_stream(struct conn *conn, int fd, const void *buf, size_t n);
void activity_sent_slow_path(int fd, const struct iovec *iov, size_t count, size_t n);
void activity_received_on_stream(struct conn *conn, int fd, const void *buf, size_t n);
void activity_received_slow_path(int fd, const struct iovec *iov, size_t count, size_t n,
				 bool socket);

/* The fast path: a send on a server's stream while a flush is already scheduled. */
INLINE bool activity_is_armed_stream(const struct conn *conn)
{
	return conn && conn_kind(conn) == CONN_SERVER && flusher_is_armed();
}

/* Does this send on such a stream neither begin nor end a response? Then it is accounted for. */
INLINE bool activity_goes_on(struct conn *conn, size_t n)
{
	if (http_is_opaque(&conn->in))
		return conn_turn(conn) != CONN_TURN_ASKED;
	return conn_sent_within_body(conn, n);
}

/* May a send on any other `fd` be ignored? */
INLINE bool activity_is_no_server(const struct conn *conn, int fd)
{
	enum conn_kind kind = conn ? conn_kind(conn) : CONN_UNKNOWN;

	if (kind != CONN_UNKNOWN && kind <= CONN_DATAGRAM)
		return false;
	return fd != STDOUT_FILENO && fd != STDERR_FILENO; /* writes to those matter to sinks */
}

/* --- */

/* `n` bytes were sent on `fd`, gathered from `iov` in order. */
INLINE void activity_sent(int fd, const struct iovec *iov, size_t count, ssize_t n)
{
	struct conn *conn;

	if (n <= 0)
		return;
	conn = conn_find(fd);
	if (LIKELY(activity_is_armed_stream(conn)) ? !activity_goes_on(conn, (size_t)n)
						   : !activity_is_no_server(conn, fd))
		activity_sent_slow_path(fd, iov, count, (size_t)n);
}

/* `n` bytes in one piece were sent on `fd`; `buf` NULL: we did not see them. */
INLINE void activity_sent_bytes(int fd, const void *buf, ssize_t n)
{
	struct conn *conn;

	if (n <= 0)
		return;
	conn = conn_find(fd);
	if (LIKELY(activity_is_armed_stream(conn))) {
		if (!activity_goes_on(conn, (size_t)n))
			activity_sent_on_stream(conn, fd, buf, (size_t)n);
	} else if (!activity_is_no_server(conn, fd)) {
		struct iovec iov = {(void *)buf, (size_t)n};

		activity_sent_slow_path(fd, buf ? &iov : NULL, 1, (size_t)n);
	}
}

/*
 * `n` bytes were received on `fd`. `conn` is what activity_reading() returned before the call;
 * `socket`: the call works on sockets only.
 */
static inline void activity_received(const struct conn *conn, int fd, const struct iovec *iov,
				     size_t count, ssize_t n, bool socket)
{
	if (n <= 0)
		return;
	if (conn && conn_kind(conn) != CONN_UNKNOWN) {
		if (conn_kind(conn) > CONN_DATAGRAM)
			return;
		if (http_is_opaque(&conn->in) && conn_turn(conn) == CONN_TURN_ASKED &&
		    (!socket || conn_kind(conn) != CONN_RECEIVED))
			return;
	}
	activity_received_slow_path(fd, iov, count, (size_t)n, socket);
}

/* The same for bytes in one piece; `buf` NULL: we did not see them. */
INLINE void activity_received_bytes(struct conn *conn, int fd, const void *buf, ssize_t n,
				    bool socket)
{
	if (n > 0 && LIKELY(conn && conn_kind(conn) == CONN_SERVER)) {
		if (!http_is_opaque(&conn->in) || conn_turn(conn) != CONN_TURN_ASKED)
			activity_received_on_stream(conn, fd, buf, (size_t)n);
	} else {
		struct iovec iov = {(void *)buf, (size_t)n};

		activity_received(conn, fd, buf ? &iov : NULL, 1, n, socket);
	}
}

#endif
