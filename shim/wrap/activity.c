/* activity.c -- what wrappers report: bytes were sent or received, a thread is about to wait */
/* SPDX-License-Identifier: MIT */
/*
 * Decides which descriptors are the server side of a conversation, and when a response has ended.
 * A descriptor costs nothing until it receives; for files, pipes and client sockets only their
 * entry is read.
 */
#include "wrap/activity.h"

#include "base/futex.h"
#include "base/log.h"
#include "base/platform.h"
#include "flush/all_sinks.h"
#include "flush/fork_gate.h"
#include "sink/stdio_fd.h"

#define CLOSE_BOUND (100 * NS_PER_MS)

static void set_kind(struct conn *conn, enum conn_kind kind)
{
	atomic_store_explicit(&conn->kind, kind, memory_order_relaxed);
}

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

void activity_connected(int fd)
{
	conn_start(fd, CONN_CLIENT);
}

static struct conn *get(int fd)
{
	int saved_errno = errno;
	struct conn *conn = conn_get(fd);

	errno = saved_errno;
	return conn;
}

/* A socket received that was never accepted here: from now on it counts as server-side. */
static void promote(struct conn *conn, int fd)
{
	int saved_errno = errno, type;
	socklen_t length = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || is_standard_output(fd)) {
		set_kind(conn, CONN_OTHER);
	} else if (type == SOCK_DGRAM) {
		http_give_up(&conn->in); /* there is no stream to frame */
		set_kind(conn, CONN_DATAGRAM);
	} else {
		set_kind(conn, CONN_SERVER);
	}
	errno = saved_errno;
}

/* Under --debug: says which protocol a connection turned out to speak. */
__attribute__((cold)) static void log_framing(struct conn *conn, int fd)
{
	enum http_framing framing = http_framing_in(&conn->in);
	struct log_line line;
	int saved_errno = errno;

	if (framing == HTTP_UNDECIDED)
		framing = http_framing_out(&conn->out, &conn->in);
	if (atomic_exchange_explicit(&conn->debugged_framing, framing, memory_order_relaxed) ==
	    framing)
		return;
	log_begin(&line);
	log_text(&line, "connection ");
	log_number(&line, fd);
	log_text(&line, ": ");
	log_text(&line, http_framing_name(framing));
	log_send(&line, STDERR_FILENO);
	errno = saved_errno;
}

/* --- these keep errno, and make system calls only in the uncommon case */

INLINE void start(void)
{
	int saved_errno;

	if (LIKELY(atomic_load_explicit(&flusher->mode, memory_order_relaxed) != FLUSHER_WANTED))
		return;
	saved_errno = errno;
	flusher_start_wanted();
	errno = saved_errno;
}

INLINE void arm_flush(void)
{
	int saved_errno;

	if (LIKELY(flusher_is_armed() &&
		   atomic_load_explicit(&flusher->active, memory_order_relaxed) > 1))
		return;
	saved_errno = errno;
	flusher_arm();
	errno = saved_errno;
}

/*
 * A part of a response was sent; pending lines must not wait for its end. Whether there are any is
 * not asked here, as that costs more than everything else: the flusher will see. Bytes that answer
 * no request are an activity by themselves: they are not in flight, so that without it a pass would
 * be due at once, each time.
 */
static void arm_for_part(const struct conn *conn)
{
	int saved_errno;

	if (LIKELY(flusher_is_armed()))
		return;
	saved_errno = errno;
	if (http_is_opaque(&conn->in) && conn_turn(conn) == CONN_TURN_OVER)
		flusher_arm();
	else
		flusher_arm_in_flight();
	errno = saved_errno;
}

/* `n` responses ended on `conn`. */
INLINE void ended(struct conn *conn, unsigned n)
{
	atomic_fetch_add_explicit(&conn->responses, n, memory_order_relaxed);
	start();
	arm_flush();
}

void activity_ended(struct conn *conn, unsigned n)
{
	ended(conn, n);
}

void activity_received_on_stream(struct conn *conn, int fd, const void *buf, size_t n)
{
	if (!flusher_awake())
		return;
	turn_taking_received(conn);
	conn_received_bytes(conn, buf, n);
	if (UNLIKELY(log_debugging()))
		log_framing(conn, fd);
}

void activity_received_slow_path(int fd, const struct iovec *iov, size_t count, size_t n,
				 bool socket)
{
	struct conn *conn;

	if (!flusher_awake() || !(conn = get(fd)))
		return;
	if (UNLIKELY(conn_kind(conn) < CONN_SERVER)) {
		if (socket)
			promote(conn, fd);
		else
			set_kind(conn, CONN_RECEIVED);
	}
	if (conn_kind(conn) > CONN_DATAGRAM)
		return;
	turn_taking_received(conn);
	conn_received(conn, iov, count, n); /* CONN_RECEIVED too: it may be a request */
	if (UNLIKELY(log_debugging()) && conn_kind(conn) != CONN_RECEIVED)
		log_framing(conn, fd);
}

/* Something was sent on a server's connection, and `responses` ended with it. */
INLINE void sent(struct conn *conn, int fd, unsigned responses)
{
	if (UNLIKELY(log_debugging()))
		log_framing(conn, fd);
	if (LIKELY(responses)) {
		turn_taking_over(conn);
		ended(conn, responses);
		return;
	}
	if (http_is_opaque(&conn->in))
		turn_taking_sent(conn);
	start();
	arm_for_part(conn);
}

void activity_sent_on_stream(struct conn *conn, int fd, const void *buf, size_t n)
{
	if (flusher_awake())
		sent(conn, fd, conn_sent_bytes(conn, buf, n));
}

void activity_sent_slow_path(int fd, const struct iovec *iov, size_t count, size_t n)
{
	struct conn *conn = conn_find(fd);

	if (!flusher_awake())
		return;
	if (conn && UNLIKELY(conn_kind(conn) == CONN_RECEIVED))
		promote(conn, fd);
	if (!conn || !conn_is_servers(conn))
		all_sinks_wrote(fd, n);
	else
		sent(conn, fd,
		     conn_kind(conn) == CONN_DATAGRAM ? 1 : conn_sent(conn, iov, count, n));
}

/* Nothing more will be sent: a response that lasts until close has ended. */
static void finish(struct conn *conn)
{
	if (conn_shut(conn) || turn_taking_ends(conn))
		ended(conn, 1);
}

void activity_shut(int fd, int how)
{
	struct conn *conn = conn_find(fd);

	if (how != SHUT_RD && conn && conn_is_servers(conn))
		finish(conn);
}

/* For most closed descriptors nothing is stored; for those flusher_is_owner need not be asked. */
static bool is_known(unsigned int fd)
{
	const struct conn *conn = conn_find((int)fd);

	return stdio_fd_is_number((int)fd) || (conn && conn_kind(conn) != CONN_UNKNOWN);
}

/* A pass in progress writes to the number: it must not be taken by something else meanwhile. */
static void forget_stdout(unsigned int first, unsigned int last)
{
	all_sinks_descriptor_closed(first, last);
	fork_gate_await_empty(CLOSE_BOUND);
}

void activity_closing(unsigned int first, unsigned int last)
{
	if (first == last && !is_known(first))
		return;
	if (!flusher_is_owner()) /* a vfork child closes its own copy; the entry is its parent's */
		return;
	conn_forget_range(first, last, finish);
	if (first <= STDERR_FILENO && last >= STDOUT_FILENO)
		forget_stdout(first, last);
}

void activity_duplicated(int from, int to)
{
	struct conn *conn = conn_find(from);

	if (!flusher_is_owner())
		return;
	if (stdio_fd_is_number(to))
		all_sinks_descriptor_replaced(to);
	if (conn && conn_is_servers(conn) && stdio_fd_is_number(to))
		set_kind(conn, CONN_OTHER); /* the connection became stdout */
	else if (conn && conn_kind(conn) != CONN_UNKNOWN)
		conn_start(to, stdio_fd_is_number(to) ? CONN_OTHER : conn_kind(conn));
}
