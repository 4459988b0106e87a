/* turn_taking.c -- where a response ends in conversations that are not HTTP */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the list of connections on which an answer was begun, a stack linked through the entries.
 * Entries are never freed, so one may stay on the list after its close; `listed` keeps it from
 * being there twice.
 */
#include "conn/turn_taking.h"

#include <stddef.h>

struct conn *_Atomic turn_taking_answered;

static bool step(struct conn *conn, enum conn_turn from, enum conn_turn to)
{
	uint8_t turn = (uint8_t)from;

	/* Not relaxed: turn_taking_end_all() takes the entry off the list before it reads this. */
	return atomic_load(&conn->turn) == from &&
	       atomic_compare_exchange_strong(&conn->turn, &turn, (uint8_t)to);
}

void turn_taking_sent(struct conn *conn)
{
	struct conn *top;

	if (!step(conn, CONN_TURN_ASKED, CONN_TURN_ANSWERED) ||
	    atomic_exchange(&conn->listed, true))
		return;
	top = atomic_load_explicit(&turn_taking_answered, memory_order_relaxed);
	do
		conn->next = top;
	while (!atomic_compare_exchange_weak(&turn_taking_answered, &top, conn));
}

bool turn_taking_ends(struct conn *conn)
{
	if (!step(conn, CONN_TURN_ANSWERED, CONN_TURN_OVER))
		return false;
	atomic_fetch_add_explicit(&conn->responses, 1, memory_order_relaxed);
	return true;
}

unsigned turn_taking_end_all(void)
{
	struct conn *conn;
	unsigned ended = 0;

	if (!turn_taking_any())
		return 0;
	conn = atomic_exchange(&turn_taking_answered, NULL);
	while (conn) {
		struct conn *next = conn->next;

		atomic_store(&conn->listed, false);
		ended += turn_taking_ends(conn);
		conn = next;
	}
	return ended;
}
