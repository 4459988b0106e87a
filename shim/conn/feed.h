/* feed.h -- hands a connection's bytes to its framing, one thread a side */
/* SPDX-License-Identifier: MIT */
/*
 * Where two threads are at one side of a connection at once, nobody waits: framing is given up for
 * it. All of these: any thread or signal handler; opaque connections are left alone.
 */
#ifndef IDLEFLUSH_FEED_H
#define IDLEFLUSH_FEED_H

#include <sys/uio.h>

#include "conn/conn.h"

/* The first `n` bytes of `iov` were received; NULL: bytes nobody saw. */
void conn_received(struct conn *conn, const struct iovec *iov, size_t count, size_t n);

/* The first `n` bytes of `iov` were sent, likewise. Returns how many responses ended. */
unsigned conn_sent(struct conn *conn, const struct iovec *iov, size_t count, size_t n);

/*
 * The common case of it: were all `n` bytes within a body that goes on? Then that is seen to. False
 * says nothing: conn_sent() must do it.
 */
static inline bool conn_sent_within_body(struct conn *conn, size_t n)
{
	bool within;

	if (!http_is_sending(&conn->out) ||
	    atomic_exchange_explicit(&conn->sending, true, memory_order_acquire))
		return false;
	within = http_send_within_body(&conn->out, n);
	conn_leave(&conn->sending);
	return within;
}

/* The same two for bytes in one piece; `buf` NULL: bytes nobody saw. */

static inline void conn_received_bytes(struct conn *conn, const void *buf, size_t n)
{
	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->receiving))
		return;
	http_receive(&conn->in, buf, n);
	conn_leave(&conn->receiving);
}

static inline unsigned conn_sent_bytes(struct conn *conn, const void *buf, size_t n)
{
	unsigned responses;

	if (!conn_enter(conn, &conn->sending))
		return 0;
	responses = http_send(&conn->out, &conn->in, buf, n);
	conn_leave(&conn->sending);
	return responses;
}

/* Nothing more will be sent. Returns how many responses that ended. */
unsigned conn_shut(struct conn *conn);

#endif
