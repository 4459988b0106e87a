/* descriptors.c -- what wrappers report: a descriptor is shut down, closed or duplicated */
/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/platform.h"
#include "flush/all_sinks.h"
#include "flush/fork_gate.h"
#include "sink/stdio_fd.h"
#include "wrap/activity.h"

#define CLOSE_BOUND (100 * NS_PER_MS)

void activity_shut(int fd, int how)
{
	struct conn *conn = conn_find(fd);

	/* Nothing more will be sent: a response that lasts until close has ended. */
	if (how != SHUT_RD && conn && conn_is_servers(conn) &&
	    (conn_shut(conn) || turn_taking_ends(conn)))
		activity_ended();
}

INLINE void forget(struct conn *conn)
{
	if (conn_turn(conn) == CONN_TURN_ANSWERED && turn_taking_ends(conn))
		activity_ended();
	if (conn_forget(conn))
		activity_ended();
}

/* A vfork child closes its own copy; the entry is its parent's. */

void activity_closing_one(struct conn *conn)
{
	if (flusher_awake() && flusher_is_owner())
		forget(conn);
}

/* A pass in progress writes to the number: it must not be taken by something else meanwhile. */
static void forget_stdout(unsigned int first, unsigned int last)
{
	all_sinks_descriptor_closed(first, last);
	fork_gate_await_empty(CLOSE_BOUND);
}

void activity_closing(unsigned int first, unsigned int last)
{
	if (!flusher_is_owner())
		return;
	conn_for_each(first, last, forget);
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
		conn_set_kind(conn, CONN_OTHER); /* the connection became stdout */
	else if (conn && conn_kind(conn) != CONN_UNKNOWN)
		conn_start(to, stdio_fd_is_number(to)    ? CONN_OTHER
			       : conn_is_undecided(conn) ? CONN_RECEIVED
							 : conn_kind(conn));
}
