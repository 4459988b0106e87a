/* activity.c -- what wrappers report: bytes were sent or received, a thread is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * Decides which descriptors are the server side of a conversation, and when a response has ended.
 * A descriptor costs nothing until it receives; for files, pipes and client sockets only their
 * entry is read.
 */
#include "wrap/activity.h"

#include "base/log.h"
#include "base/platform.h"
#include "flush/all_sinks.h"
#include "flush/flusher.h"
#include "sink/stdio_fd.h"

/* True also when unsure: what is written there does not count as a response. */
static bool is_standard_output(int fd)
{
	struct stat file;

	return stdio_fd_is_number(fd) || syscall(SYS_fstat, fd, &file) < 0 ||
	       stdio_fd_is_file(&file);
}

void activity_accepted(int fd)
{
	conn_start(fd, stdio_fd_is_number(fd) ? CONN_OTHER : CONN_SERVER);
	flusher_start();
}

/* A datagram socket on which was received answers, from now on that peer only. */
void activity_connected(int fd)
{
	const struct conn *conn = conn_find(fd);

	if (!conn || conn_kind(conn) != CONN_DATAGRAM)
		conn_start(fd, CONN_CLIENT);
}

/* A socket received that was never accepted here: from now on it counts as server-side. */
static void promote(struct conn *conn, int fd)
{
	int saved_errno = errno, type;
	socklen_t length = sizeof(type);

	if (syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
	    is_standard_output(fd)) {
		conn_set_kind(conn, CONN_OTHER);
	} else if (type == SOCK_DGRAM) {
		http_give_up(&conn->in); /* there is no stream to frame */
		conn_set_kind(conn, CONN_DATAGRAM);
	} else {
		conn_set_kind(conn, CONN_SERVER);
	}
	errno = saved_errno;
}

__attribute__((cold)) void activity_log_framing(struct conn *conn)
{
	enum http_framing framing = http_framing_in(&conn->in);
	struct log_line line;
	int saved_errno = errno;

	if (framing == HTTP_UNDECIDED)
		framing = http_framing_out(&conn->out, &conn->in);
	if (!flusher_awake() || atomic_exchange_explicit(&conn->debugged_framing, framing,
							 memory_order_relaxed) == framing)
		return;
	log_begin(&line);
	log_text(&line, "connection ");
	log_number(&line, conn_fd(conn));
	log_text(&line, ": ");
	log_text(&line, http_framing_name(framing));
	log_send(&line, STDERR_FILENO);
	errno = saved_errno;
}

/* --- these keep errno, and make system calls only in the uncommon case */

/*
 * A part of a response was sent; pending lines must not wait for its end. Whether there are any is
 * not asked here, as that costs more than everything else: the flusher will see. Bytes that answer
 * no request are an activity by themselves, as they are not in flight.
 */
static void arm_for_part(const struct conn *conn)
{
	if (LIKELY(flusher_is_armed()) || !flusher_awake())
		return;
	if (http_is_opaque(&conn->in) && conn_turn(conn) == CONN_TURN_OVER)
		flusher_arm();
	else
		flusher_arm_in_flight();
}

void activity_ended(void)
{
	if (LIKELY(flusher_is_busy()))
		return;
	flusher_start();
	if (flusher_awake())
		flusher_arm();
}

ssize_t activity_received_on_stream(struct conn *conn, const void *buf, ssize_t n)
{
	if (buf) {
		activity_received_by_server(conn, buf, n);
	} else {
		turn_taking_received(conn);
		conn_received(conn, NULL, 0, (size_t)n);
	}
	if (UNLIKELY(log_debugging()))
		activity_log_framing(conn);
	return n;
}

ssize_t activity_received_slow_path(int fd, const struct iovec *iov, size_t count, ssize_t n,
				    bool socket)
{
	struct conn *conn;

	if (!flusher_awake() || !(conn = conn_get(fd)))
		return n;
	if (UNLIKELY(conn_kind(conn) == CONN_UNKNOWN || conn_is_undecided(conn))) {
		if (socket)
			promote(conn, fd);
		else
			conn_set_kind(conn, CONN_RECEIVED);
	}
	if (conn_kind(conn) > CONN_DATAGRAM)
		return n;
	turn_taking_received(conn);
	conn_received(conn, iov, count, (size_t)n); /* CONN_RECEIVED too: it may be a request */
	if (conn_kind(conn) == CONN_RECEIVED) {
		if (http_is_opaque(&conn->in))
			conn_set_kind(conn, CONN_FILE);
	} else if (UNLIKELY(log_debugging())) {
		activity_log_framing(conn);
	}
	return n;
}

ssize_t activity_received_bytes_slow_path(int fd, const void *buf, ssize_t n, bool socket)
{
	struct iovec iov = {(void *)buf, (size_t)n};

	return activity_received_slow_path(fd, buf ? &iov : NULL, 1, n, socket);
}

/* Something was sent on a server's connection, and `responses` ended with it. */
ssize_t activity_sent_responses(struct conn *conn, unsigned responses, ssize_t n)
{
	if (UNLIKELY(log_debugging()))
		activity_log_framing(conn);
	if (responses) {
		turn_taking_over(conn);
		activity_ended();
		return n;
	}
	if (http_is_opaque(&conn->in))
		turn_taking_sent(conn);
	flusher_start();
	arm_for_part(conn);
	return n;
}

ssize_t activity_sent_on_stream(struct conn *conn, const void *buf, ssize_t n)
{
	if (buf && !http_is_opaque(&conn->in))
		return activity_sent_http(conn, buf, n);
	return activity_sent_responses(conn, conn_sent(conn, NULL, 0, (size_t)n), n);
}

ssize_t activity_sent_slow_path(int fd, const struct iovec *iov, size_t count, ssize_t n)
{
	struct conn *conn = conn_find(fd);

	if (!flusher_awake())
		return n;
	if (conn && conn_is_undecided(conn))
		promote(conn, fd);
	if (conn && conn_kind(conn) == CONN_DATAGRAM) {
		atomic_fetch_add_explicit(&conn->responses, 1, memory_order_relaxed);
		return activity_sent_responses(conn, 1, n);
	}
	if (conn && conn_kind(conn) == CONN_SERVER)
		return activity_sent_responses(conn, conn_sent(conn, iov, count, (size_t)n), n);
	all_sinks_wrote(fd, (size_t)n);
	return n;
}

ssize_t activity_sent_bytes_slow_path(int fd, const void *buf, ssize_t n)
{
	struct iovec iov = {(void *)buf, (size_t)n};

	return activity_sent_slow_path(fd, buf ? &iov : NULL, 1, n);
}
