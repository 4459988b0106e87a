/* feed.c -- hands a connection's bytes to its framing, one thread a side */
/* SPDX-License-Identifier: MIT */
#include "conn/feed.h"

/* The bytes that really moved: a segment of `iov`, cut where the call's count ends. */
static size_t segment(const struct iovec *iov, size_t n)
{
	return iov->iov_len < n ? iov->iov_len : n;
}

void conn_received(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
{
	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->receiving))
		return;
	if (!iov)
		http_receive(&conn->in, NULL, n);
	for (size_t i = 0; iov && i < count && n; i++) {
		size_t part = segment(&iov[i], n);

		http_receive(&conn->in, iov[i].iov_base, part);
		n -= part;
	}
	conn_leave(&conn->receiving);
}

unsigned conn_sent(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
{
	unsigned responses = 0;

	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->sending))
		return 0;
	if (!iov)
		responses = http_send(&conn->out, &conn->in, NULL, n);
	for (size_t i = 0; iov && i < count && n; i++) {
		size_t part = segment(&iov[i], n);

		responses += http_send(&conn->out, &conn->in, iov[i].iov_base, part);
		n -= part;
	}
	conn_leave(&conn->sending);
	return responses;
}

unsigned conn_shut(struct conn *conn)
{
	unsigned responses;

	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->sending))
		return 0;
	responses = http_shut(&conn->out, &conn->in);
	conn_leave(&conn->sending);
	return responses;
}
