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
#include "platform.h"
#include "sink.h"

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

static bool is_socket(int fd)
{
	int type;
	socklen_t length = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0;
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
	set_kind(conn, is_same_as_standard_output(fd) ? CONN_OTHER : CONN_SERVER);
}

void activity_received(int fd, const struct iovec *iov, size_t count, size_t n, bool socket)
{
	struct conn *conn = conn_get(fd);

	(void)iov, (void)count, (void)n; /* for the framing */
	if (!conn)
		return;
	if (kind_of(conn) == CONN_UNKNOWN || (socket && kind_of(conn) == CONN_RECEIVED)) {
		if (socket)
			promote(conn, fd);
		else
			set_kind(conn, CONN_RECEIVED);
	}
}

void activity_sent(int fd, const struct iovec *iov, size_t count, size_t n)
{
	struct conn *conn = conn_find(fd);

	(void)iov, (void)count, (void)n; /* for the framing */
	if (!conn)
		return;
	if (UNLIKELY(kind_of(conn) == CONN_RECEIVED)) {
		if (is_socket(fd))
			promote(conn, fd);
		else
			set_kind(conn, CONN_OTHER);
	}
	if (kind_of(conn) != CONN_SERVER)
		return;
	/* Every send is a response, until the framing tells more. */
	atomic_store_explicit(&conn->responses,
			      atomic_load_explicit(&conn->responses, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	flusher_start();
	flusher_arm();
}

void activity_waiting(void)
{
	flusher_start();
	if (sink_stdio_pending())
		flusher_arm_unless_armed();
}

void activity_reading(int fd)
{
	const struct conn *conn = conn_find(fd);

	if (conn && kind_of(conn) == CONN_SERVER)
		activity_waiting();
}

void activity_shut(int fd, int how)
{
	(void)fd, (void)how; /* for the framing */
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
	conn_forget_range(first, last);
	if (first <= STDERR_FILENO && last >= STDOUT_FILENO)
		sink_stdio_file_changed();
}

void activity_duplicated(int from, int to)
{
	struct conn *conn = conn_find(from);

	if (!flusher_is_owner())
		return;
	if (is_standard_output(to))
		sink_stdio_file_changed();
	if (conn && kind_of(conn) == CONN_SERVER && is_standard_output(to))
		set_kind(conn, CONN_OTHER); /* the connection became stdout */
	else if (conn && kind_of(conn) != CONN_UNKNOWN)
		conn_set(to, is_standard_output(to) ? CONN_OTHER : kind_of(conn));
}
