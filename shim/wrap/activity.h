/* activity.h -- the one way in for wrappers: what was sent or received, who is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * All of these: called by a wrapper after (_waiting, _pausing, _reading, _closing: before) the real
 * call, from any thread, signal handler or vfork child. They take no lock and allocate by mmap(2)
 * at most. Byte counts are what the call returned.
 *
 * Sends and receives are told whether we are awake or not, and errno is kept: most of them need one
 * look at the entry of the descriptor, which is here, and nothing more. The others are called only
 * where flusher_awake(), and may change errno.
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

/* A thread is about to wait for work. */
void activity_waiting(void);

/* A thread is about to wait for a child or a signal: as above, but starts no thread. */
void activity_pausing(void);

/* shutdown(2) of `fd` succeeded; `how` as there. errno is kept. */
void activity_shut(int fd, int how);

/* `first` … `last` are about to be closed, or were just made: nothing known of them holds. */
void activity_closing(unsigned int first, unsigned int last);

/* `to` is now a duplicate of `from`. */
void activity_duplicated(int from, int to);

/* --- what is left of a send or a receive after the first look; for the functions below */

void activity_sent_on_stream(struct conn *conn, int fd, const void *buf, size_t n);
void activity_sent_slow_path(int fd, const struct iovec *iov, size_t count, size_t n);
void activity_received_on_stream(struct conn *conn, int fd, const void *buf, size_t n);
void activity_received_slow_path(int fd, const struct iovec *iov, size_t count, size_t n,
				 bool socket);
void activity_reading_slow_path(struct conn *conn);

/* Armed: the flusher looks soon, whatever else happens until then. */
static inline bool activity_is_armed(void)
{
	return atomic_load_explicit(&flusher->armed_since_ns, memory_order_relaxed) != 0;
}

/* Most sends are on a server's stream, and arm what is armed. */
INLINE bool activity_is_armed_stream(const struct conn *conn)
{
	return conn && conn_kind(conn) == CONN_SERVER && activity_is_armed();
}

/* Does this send on such a stream neither begin a response nor end one? It is seen to then. */
INLINE bool activity_goes_on(struct conn *conn, size_t n)
{
	if (http_is_opaque(&conn->in))
		return conn_turn(conn) != CONN_TURN_ASKED;
	return conn_sent_within_body(conn, n);
}

/* Is a send on any other `fd` of no concern? */
INLINE bool activity_is_no_server(const struct conn *conn, int fd)
{
	enum conn_kind kind = conn ? conn_kind(conn) : CONN_UNKNOWN;

	if (kind != CONN_UNKNOWN && kind <= CONN_DATAGRAM)
		return false;
	return fd != STDOUT_FILENO && fd != STDERR_FILENO; /* of which sinks may want to know */
}

/* --- */

/* Need nobody be told of a wait: is the flusher to look soon anyway, and no answer begun? */
INLINE bool activity_wait_uninteresting(void)
{
	return atomic_load_explicit(&flusher->mode, memory_order_relaxed) == FLUSHER_RUNNING &&
	       activity_is_armed() && !turn_taking_any();
}

/* `n` bytes went out on `fd`, gathered from `iov` in order. */
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

/* `n` bytes in one piece went out on `fd`; NULL: nobody saw them. */
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
 * `n` bytes came in on `fd`, `conn` is what activity_reading() returned before; `socket`: the call
 * works on sockets only.
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

/* The same for bytes in one piece; `buf` NULL: nobody saw them. */
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

/*
 * A thread is about to read `fd`, which is waiting too where that has a peer: a worker waits so for
 * its next job. Returns its entry, or NULL: entries are never freed, so it is still the one when
 * the read has returned.
 */
INLINE struct conn *activity_reading(int fd)
{
	struct conn *conn = conn_find(fd);

	if (conn && conn_has_peer(conn) &&
	    (conn_turn(conn) == CONN_TURN_ANSWERED || !activity_is_armed()))
		activity_reading_slow_path(conn);
	return conn;
}

#endif
