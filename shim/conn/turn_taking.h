/* turn_taking.h -- conversations that are not HTTP: a response ends when the server turns elsewhere
 */
/* SPDX-License-Identifier: MIT */
/*
 * After bytes were received, the first of {reading on, would block, about to wait, close,
 * shutdown} that follows a send ends the response. All of these: any thread or signal handler, no
 * lock; each true or count says that so many responses ended.
 */
#ifndef IDLEFLUSH_TURN_TAKING_H
#define IDLEFLUSH_TURN_TAKING_H

#include <stdbool.h>

#include "conn/conn.h"

/* The connections with an answer begun, a stack linked through the entries. Written by turn.c. */
HIDDEN extern struct conn *_Atomic turn_taking_answered;

/* Is there one? */
static inline bool turn_taking_any(void)
{
	return atomic_load_explicit(&turn_taking_answered, memory_order_relaxed) != NULL;
}

/* Bytes were received. */
static inline void turn_taking_received(struct conn *conn)
{
	if (conn_turn(conn) != CONN_TURN_ASKED)
		atomic_store_explicit(&conn->turn, CONN_TURN_ASKED, memory_order_relaxed);
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
 * A thread is about to wait: every answer that was begun is taken as ended, also another thread's
 * (should it send more, that is no further response, for nothing was received in between).
 */
unsigned turn_taking_end_all(void);

#endif
