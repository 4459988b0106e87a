/* activity.c -- the one way in for wrappers: what was sent or received, who is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * Decides which descriptors are the server side of a conversation, and when a response ended.
 * A descriptor costs nothing until it receives; files, pipes and client sockets never get further
 * than one look at their entry.
 */
#include "activity.h"

#include "conn.h"
#include "flusher.h"
#include "log.h"
#include "platform.h"
#include "sinks.h"
#include "turn.h"

#include <sys/stat.h>
#include <sys/syscall.h>

static enum conn_kind kind_of(const struct conn *conn)
{
	return atomic_load_explicit(&conn->kind, memory_order_relaxed);
}

static void set_kind(struct conn *conn, enum conn_kind kind)
{
	atomic_store_explicit(&conn->kind, kind, memory_order_relaxed);
}

static bool is_standard_output(int fd)
{
	return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

/* A service manager's log socket may sit on several numbers: compare the files. */
static bool is_same_as_standard_output(int fd)
{
	struct stat mine, theirs;

	if (is_standard_output(fd))
		return true;
	if (syscall(SYS_fstat, fd, &mine) < 0)
		return true; /* unsure: not a response */
	for (int std = STDOUT_FILENO; std <= STDERR_FILENO; std++)
		if (syscall(SYS_fstat, std, &theirs) == 0 && theirs.st_dev == mine.st_dev &&
		    theirs.st_ino == mine.st_ino)
			return true;
	return false;
}

void activity_accepted(int fd)
{
	conn_set(fd, is_standard_output(fd) ? CONN_OTHER : CONN_SERVER);
	flusher_start();
}

void activity_connected(int fd)
{
	conn_set(fd, CONN_CLIENT);
}

/* An inherited or datagram socket that received: from now on a server-side one. */
static void promote(struct conn *conn, int fd)
{
	int type;
	socklen_t length = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
	    is_same_as_standard_output(fd)) {
		set_kind(conn, CONN_OTHER);
		return;
	}
	if (type == SOCK_DGRAM) {
		atomic_store_explicit(&conn->datagram, true, memory_order_relaxed);
		http_give_up(&conn->in); /* there is no stream to frame */
	}
	set_kind(conn, CONN_SERVER);
}

/* Under debug: what a connection turned out to speak. */
static void tell_framing(struct conn *conn, int fd)
{
	enum http_framing framing = http_framing_in(&conn->in);
	struct log_line line;

	if (framing == HTTP_UNDECIDED)
		framing = http_framing_out(&conn->out, &conn->in);
	if (atomic_exchange_explicit(&conn->told, framing, memory_order_relaxed) == framing)
		return;
	log_begin(&line);
	log_text(&line, "connection ");
	log_number(&line, fd);
	log_text(&line, ": ");
	log_text(&line, http_framing_name(framing));
	log_send(&line, STDERR_FILENO);
}

/* `n` responses ended on `conn`. */
static void ended(struct conn *conn, unsigned n)
{
	atomic_fetch_add_explicit(&conn->responses, n, memory_order_relaxed);
	flusher_start();
	flusher_arm();
}

/* Not an activity, but a sign of one: lines wait to be seen. */
static void arm_for_pending(void)
{
	if (sinks_call_for_a_look())
		flusher_arm_unless_armed();
}

/* The bytes that really moved: a segment of `iov`, cut where the call's count ends. */
static size_t segment(const struct iovec *iov, size_t n)
{
	return iov->iov_len < n ? iov->iov_len : n;
}

static void feed_received(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
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

static unsigned feed_sent(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
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

void activity_received(int fd, const struct iovec *iov, size_t count, size_t n, bool socket)
{
	struct conn *conn = conn_get(fd);

	if (!conn)
		return;
	if (UNLIKELY(kind_of(conn) < CONN_SERVER)) {
		if (socket)
			promote(conn, fd);
		else
			set_kind(conn, CONN_RECEIVED);
	}
	if (kind_of(conn) > CONN_SERVER)
		return;
	turn_received(conn);
	feed_received(conn, iov, count, n); /* what read(2) brings may be a request, too */
	if (UNLIKELY(log_debugging()) && kind_of(conn) == CONN_SERVER)
		tell_framing(conn, fd);
}

void activity_sent(int fd, const struct iovec *iov, size_t count, size_t n)
{
	struct conn *conn = conn_find(fd);
	unsigned responses;

	if (!conn) {
		sinks_wrote(fd, n);
		return;
	}
	if (UNLIKELY(kind_of(conn) == CONN_RECEIVED))
		promote(conn, fd);
	if (kind_of(conn) != CONN_SERVER) {
		sinks_wrote(fd, n);
		return;
	}
	responses = atomic_load_explicit(&conn->datagram, memory_order_relaxed)
			    ? 1
			    : feed_sent(conn, iov, count, n);
	if (UNLIKELY(log_debugging()))
		tell_framing(conn, fd);
	if (responses) {
		turn_over(conn);
		ended(conn, responses);
	} else {
		if (http_is_opaque(&conn->in))
			turn_sent(conn);
		flusher_start();
		arm_for_pending(); /* a stream must not hold up other requests' lines */
	}
}

void activity_waiting(void)
{
	flusher_start();
	activity_pausing();
}

void activity_pausing(void)
{
	if (turn_end_all())
		flusher_arm();
	arm_for_pending();
}

void activity_reading(int fd)
{
	struct conn *conn = conn_find(fd);

	if (!conn || kind_of(conn) != CONN_SERVER)
		return;
	if (turn_ends(conn))
		ended(conn, 1);
	flusher_start();
	arm_for_pending();
}

/* Nothing more will be sent: what lasts until then has ended. */
static void finish(struct conn *conn)
{
	unsigned responses = 0;

	if (!http_is_opaque(&conn->in) && conn_enter(conn, &conn->sending)) {
		responses = http_shut(&conn->out, &conn->in);
		conn_leave(&conn->sending);
	}
	if (responses || turn_ends(conn))
		ended(conn, 1);
}

void activity_shut(int fd, int how)
{
	struct conn *conn = conn_find(fd);

	if (how != SHUT_RD && conn && kind_of(conn) == CONN_SERVER)
		finish(conn);
}

/* Most closes are of numbers that nothing is known of; they need not ask who we are. */
static bool is_known(unsigned int fd)
{
	const struct conn *conn = conn_find((int)fd);

	return is_standard_output((int)fd) || (conn && kind_of(conn) != CONN_UNKNOWN);
}

void activity_closing(unsigned int first, unsigned int last)
{
	if (first == last && !is_known(first))
		return;
	if (!flusher_is_owner()) /* a vfork child closes its copy; the entry is its parent's */
		return;
	conn_forget_range(first, last, finish);
	if (first <= STDERR_FILENO && last >= STDOUT_FILENO)
		sinks_file_changed();
}

void activity_duplicated(int from, int to)
{
	struct conn *conn = conn_find(from);

	if (!flusher_is_owner())
		return;
	if (is_standard_output(to))
		sinks_file_changed();
	if (conn && kind_of(conn) == CONN_SERVER && is_standard_output(to))
		set_kind(conn, CONN_OTHER); /* the connection became stdout */
	else if (conn && kind_of(conn) != CONN_UNKNOWN)
		conn_set(to, is_standard_output(to) ? CONN_OTHER : kind_of(conn));
}
