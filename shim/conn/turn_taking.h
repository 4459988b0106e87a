/* turn_taking.h -- where a response ends in conversations that are not HTTP */
/* SPDX-License-Identifier: MIT */
/*
 * Peer and server take turns. After bytes were received and some were sent, the response ends when
 * the server reads on, is about to wait, closes or shuts down. All of these: any thread or signal
 * handler, no lock. The results say how many responses ended (true: one); they are counted.
 */
#ifndef IDLEFLUSH_TURN_TAKING_H
#define IDLEFLUSH_TURN_TAKING_H

#include <stdbool.h>

#include "conn/conn.h"

/* The list of connections on which an answer was begun. Written by turn_taking.c only. */
HIDDEN extern struct conn *_Atomic turn_taking_answered;

/* Is it not empty? */
static inline bool turn_taking_any(void)
{
	return atomic_load_explicit(&turn_taking_answered, memory_order_relaxed) != NULL;
}

/* Bytes were received. */
static inline void turn_taking_begin(struct conn *conn)
{
	atomic_store_explicit(&conn->turn, CONN_TURN_ASKED, memory_order_relaxed);
}

/* The same where this may be all that is written, and mostly was before. */
static inline void turn_taking_received(struct conn *conn)
{
	if (conn_turn(conn) != CONN_TURN_ASKED)
		turn_taking_begin(conn);
}

/* Bytes were sent. */
void turn_taking_sent(struct conn *conn);

/* A response was counted by other means. */
static inline void turn_taking_over(struct conn *conn)
{
	atomic_store_explicit(&conn->turn, CONN_TURN_OVER, memory_order_relaxed);
}

/* The server reads on, closes or shuts down this connection. */
bool turn_taking_ends(struct conn *conn);

/*
 * A thread is about to wait: every answer that was begun counts as ended, also those of other
 * threads. (If such a thread sends more, that is no second response, because nothing was received
 * in between.)
 */
unsigned turn_taking_end_all(void);

#endif
