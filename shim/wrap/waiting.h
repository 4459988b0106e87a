/* waiting.h -- what every wrapper of a call that waits does first */
/* SPDX-License-Identifier: MIT */
/* All of these: before the real call, from any thread, signal handler or vfork child. */
#ifndef IDLEFLUSH_WAITING_H
#define IDLEFLUSH_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink/wait_checks.h"
#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "flush/flusher_state.h"
#include "wrap/read_try.h"

/*
 * Is there nothing to flush, nor the thread to start? True also if bytes are pending but this wait
 * need not read the clock. A few instructions, as every wait and every read has them.
 */
INLINE bool waiting_has_nothing_to_flush(void)
{
	return LIKELY(!wait_checks_ask_for_look()) || (wait_checks_are(0) && flusher_skips_wait());
}

/* The same, and no answer was begun that this wait would end. */
INLINE bool waiting_is_plain(void)
{
	return !turn_taking_any() && waiting_has_nothing_to_flush();
}

/*
 * A thread is about to wait for work, and waiting_is_plain() said no. `blocks`: the call may
 * block. Returns what wait_flush() returns, with *mask. errno is kept.
 */
bool waiting_begin(uint64_t *mask, bool blocks);

/* A thread is about to wait for a child: it flushes, or leaves that to the flusher thread. */
void waiting_for_child(void);

/*
 * Is there memory at `data`, which the program passes? The kernel checks that; before we read from
 * it, so must we. For 7 pages at most; errno is kept.
 */
bool waiting_can_read(const void *data, size_t n);

/* Is there nothing to do before a read where the entry is `conn`, or NULL? */
INLINE bool waiting_to_read_is_plain(const struct conn *conn)
{
	return (!conn || conn_turn(conn) != CONN_TURN_ANSWERED) && waiting_has_nothing_to_flush();
}

/* The uncommon case of waiting_to_read(). */
enum read_step waiting_to_read_slow_path(struct conn *conn, int fd, enum read_call call);

/*
 * A thread is about to read `fd`, or to accept on it, and may have to wait for that. Sets *conn to
 * the entry of `fd`, or NULL. Entries are never freed, so it is still valid when the read has
 * returned. READ_INTERRUPTED: the call fails, and errno is EINTR.
 */
INLINE enum read_step waiting_to_read(struct conn **conn, int fd, enum read_call call)
{
	*conn = conn_find(fd);
	if (LIKELY(waiting_to_read_is_plain(*conn)))
		return READ_ON;
	return waiting_to_read_slow_path(*conn, fd, call);
}

#endif
