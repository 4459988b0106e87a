/* waiting.h -- a thread is about to wait: what every such wrapper asks first */
/* SPDX-License-Identifier: MIT */
/* Called before the real call, from any thread, signal handler or vfork child. */
#ifndef IDLEFLUSH_WAITING_H
#define IDLEFLUSH_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "flush/all_sinks.h"
#include "flush/flusher_state.h"
#include "runtime/all_runtimes.h"

/*
 * Is there nothing to flush, and does the thread run? Or need a thread with bytes pending not look
 * at the clock this time?
 */
INLINE bool waiting_has_nothing_to_flush(void)
{
	return flusher_is_running() && !all_runtimes_any() &&
	       (!all_sinks_seem_pending() || flusher_skips_wait());
}

/* The same, and no answer was begun that this wait ends. */
INLINE bool waiting_is_plain(void)
{
	return !turn_taking_any() && waiting_has_nothing_to_flush();
}

/*
 * A thread is about to wait for work, and waiting_is_plain() said no. `blocks`: the call may
 * block. Returns what wait_flush() returns, with *mask. errno is kept.
 */
bool waiting_begin(uint64_t *mask, bool blocks);

/* A thread is about to wait for a child: it flushes, or has the flusher thread flush. */
void waiting_for_child(void);

/* What is left of waiting_to_read() after the quick look. */
bool waiting_to_read_slow_path(struct conn *conn, int fd, bool dontwait);

/*
 * A thread is about to read `fd`, or to accept on it: where that has nothing, it waits. *conn
 * becomes the entry of `fd`, or NULL. Entries are never freed, so it is still valid when the read
 * has returned. False: the wait was ended by a signal handler, and errno is EINTR.
 */
INLINE bool waiting_to_read(struct conn **conn, int fd, bool dontwait)
{
	*conn = conn_find(fd);
	if (LIKELY(!(*conn && conn_turn(*conn) == CONN_TURN_ANSWERED) &&
		   waiting_has_nothing_to_flush()))
		return true;
	return waiting_to_read_slow_path(*conn, fd, dontwait);
}

#endif
