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

#include "base/log.h"
#include "base/platform.h"
#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "flush/flusher_state.h"

/* accept(2) returned `fd`: a server-side connection. errno is kept. */
void activity_accepted(int fd);

/*
 * Is that seen to with this? It mostly is: the number is free. (The wrapper has started the thread
 * before the call.)
 */
INLINE bool activity_accepted_quickly(int fd)
{
	struct conn *conn = conn_find(fd);

	if (!conn_is_used(fd) || conn_kind(conn) != CONN_UNKNOWN || fd <= STDERR_FILENO)
		return false;
	conn_set_kind(conn, CONN_SERVER);
	return true;
}

/* connect(2) on `fd` succeeded or is under way: not server-side. */
void activity_connected(int fd);

/* shutdown(2) of `fd` succeeded; `how` as there. errno is kept. */
void activity_shut(int fd, int how);

/* `first` to `last` are about to be closed, or are new: what is stored for them is forgotten. */
void activity_closing(unsigned int first, unsigned int last);

/* The same for one, neither stdout nor stderr. `conn` is its entry; awake or not, errno is kept. */
void activity_closing_one(struct conn *conn);

/* `to` is now a duplicate of `from`. */
void activity_duplicated(int from, int to);

/* Responses ended. errno is kept. */
void activity_ended(void);

/*
 * --- the uncommon cases of the inline functions below; they return `n`, so that a wrapper ends
 * with them
 */

ssize_t activity_sent_on_stream(struct conn *conn, const void *buf, ssize_t n);
ssize_t activity_sent_responses(struct conn *conn, unsigned responses, ssize_t n);
ssize_t activity_sent_slow_path(int fd, const struct iovec *iov, size_t count, ssize_t n);
ssize_t activity_sent_bytes_slow_path(int fd, const void *buf, ssize_t n);
ssize_t activity_received_on_stream(struct conn *conn, const void *buf, ssize_t n);
ssize_t activity_received_slow_path(int fd, const struct iovec *iov, size_t count, ssize_t n,
				    bool socket);
ssize_t activity_received_bytes_slow_path(int fd, const void *buf, ssize_t n, bool socket);

/* Under --debug: says which protocol a connection turned out to speak. */
void activity_log_framing(struct conn *conn);

/*
 * Does a send on a server's stream neither begin nor end a response, while a pass is scheduled
 * already? If so, nothing more is to be done for it.
 */
INLINE bool activity_goes_on(struct conn *conn, size_t n)
{
	if (http_is_opaque(&conn->in))
		return conn_turn(conn) != CONN_TURN_ASKED && flusher_is_armed();
	return http_is_sending(&conn->out) && flusher_is_armed() && conn_sent_within_body(conn, n);
}

/* The kind of a descriptor whose entry is `conn`, or NULL. */
INLINE enum conn_kind activity_kind(const struct conn *conn)
{
	return conn ? conn_kind(conn) : CONN_UNKNOWN;
}

/* May a send on `fd`, which is of this kind, be ignored? Asked before the call. */
INLINE bool activity_ignores_sent(enum conn_kind kind, int fd)
{
	if (kind != CONN_UNKNOWN && kind != CONN_CLIENT && kind != CONN_OTHER)
		return false;
	return fd != STDOUT_FILENO && fd != STDERR_FILENO; /* writes to those matter to sinks */
}

/* May bytes received on a descriptor of this kind be ignored? `socket`: as below. */
INLINE bool activity_ignores_received(enum conn_kind kind, bool socket)
{
	return kind >= CONN_CLIENT && !(socket && kind == CONN_FILE);
}

/* --- */

/* `n` bytes were sent on `fd`, gathered from `iov` in order. Returns `n`, as those that follow. */
INLINE ssize_t activity_sent(struct conn *conn, int fd, const struct iovec *iov, size_t count,
			     ssize_t n)
{
	if (n <= 0 ||
	    (LIKELY(activity_kind(conn) == CONN_SERVER) && activity_goes_on(conn, (size_t)n)))
		return n;
	return activity_sent_slow_path(fd, iov, count, n);
}

/* The same for bytes in one piece; `buf` NULL: we did not see them. */
INLINE ssize_t activity_sent_bytes(struct conn *conn, int fd, const void *buf, ssize_t n)
{
	if (n <= 0)
		return n;
	if (UNLIKELY(activity_kind(conn) != CONN_SERVER))
		return activity_sent_bytes_slow_path(fd, buf, n);
	return activity_goes_on(conn, (size_t)n) ? n : activity_sent_on_stream(conn, buf, n);
}

/*
 * The same on a CONN_SERVER, where http_is_opaque() was true before the call, or false and the
 * bytes are seen.
 */
INLINE ssize_t activity_sent_opaque(struct conn *conn, ssize_t n)
{
	if (n <= 0 || (conn_turn(conn) != CONN_TURN_ASKED && flusher_is_armed()))
		return n;
	return activity_sent_on_stream(conn, NULL, n);
}

INLINE ssize_t activity_sent_http(struct conn *conn, const void *buf, ssize_t n)
{
	unsigned responses;

	if (n <= 0 || (http_is_sending(&conn->out) && flusher_is_armed() &&
		       conn_sent_within_body(conn, (size_t)n)))
		return n;
	responses = conn_sent_bytes(conn, buf, (size_t)n);
	if (UNLIKELY(!responses || log_debugging() || !flusher_is_busy()))
		return activity_sent_responses(conn, responses, n);
	turn_taking_over(conn);
	return n;
}

/* `n` > 0 bytes were received on a CONN_SERVER, and seen. Not for --debug (WAIT_CHECK_DEBUG). */
INLINE ssize_t activity_received_by_server(struct conn *conn, const void *buf, ssize_t n)
{
	if (http_is_opaque(&conn->in)) {
		turn_taking_received(conn);
		return n;
	}
	turn_taking_begin(conn);
	conn_received_bytes(conn, buf, (size_t)n);
	return n;
}

/*
 * `n` bytes were received on `fd`. `conn` is what activity_reading() returned before the call;
 * `socket`: the call works on sockets only.
 */
INLINE ssize_t activity_received(const struct conn *conn, int fd, const struct iovec *iov,
				 size_t count, ssize_t n, bool socket)
{
	if (n <= 0 || activity_ignores_received(activity_kind(conn), socket))
		return n;
	return activity_received_slow_path(fd, iov, count, n, socket);
}

/* The same for bytes in one piece; `buf` NULL: we did not see them. */
INLINE ssize_t activity_received_bytes(struct conn *conn, int fd, const void *buf, ssize_t n,
				       bool socket)
{
	if (n <= 0)
		return n;
	if (LIKELY(conn && conn_kind(conn) == CONN_SERVER))
		return activity_received_on_stream(conn, buf, n);
	if (activity_ignores_received(activity_kind(conn), socket))
		return n;
	return activity_received_bytes_slow_path(fd, buf, n, socket);
}

#endif
