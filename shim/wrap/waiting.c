/* waiting.c -- what every wrapper of a call that waits does first */
/* SPDX-License-Identifier: MIT */
#include "wrap/waiting.h"

#include "base/thread.h"
#include "flush/all_sinks.h"
#include "flush/flusher.h"
#include "flush/read_flush.h"
#include "flush/wait_flush.h"
#include "runtime/all_runtimes.h"
#include "wrap/activity.h"

/* For bytes that only a thread of ours can flush: log files on disk, Python's buffers. */
static void leave_to_thread(enum wait_flush_wait wait)
{
	if (flusher_not_started() || (flusher_is_armed() && !all_runtimes_any()))
		return;
	if (all_sinks_want_pass())
		wait_flush_by_thread(wait);
	else if (all_runtimes_may_hold() && !flusher_is_armed() && flusher_was_answered())
		flusher_arm_at_wait(); /* the latest passes found nothing; this one may */
}

/* Need this wait not read the clock? waiting_has_nothing_to_flush() only asks without a bit. */
static bool skips(void)
{
	return wait_checks_are(WAIT_CHECK_STREAMS | WAIT_CHECK_HIDDEN) && flusher_skips_wait();
}

bool waiting_begin(uint64_t *mask, bool blocks)
{
	bool flushed = false;

	if (!flusher_awake() || (!turn_taking_any() && skips()))
		return false;
	flusher_start();
	if (turn_taking_end_all())
		flusher_arm();
	if (all_sinks_pending_here())
		flushed = wait_flush(mask, blocks);
	else
		leave_to_thread(blocks ? WAIT_FOR_WORK : WAIT_NOT);
	if (!flushed || !thread_any_cancelled())
		return flushed;
	wait_flush_end(mask); /* it may be this thread that was cancelled meanwhile */
	return false;
}

/*
 * waitpid(2) may be called by a SIGCHLD handler, and it cannot unblock signals as it begins to
 * wait: so the flush is left to the flusher thread, if there is one.
 */
void waiting_for_child(void)
{
	uint64_t mask;

	if (turn_taking_end_all())
		flusher_arm();
	if (!all_sinks_pending_here()) {
		leave_to_thread(WAIT_FOR_EVENT);
	} else if (!flusher_not_started() && !all_runtimes_pending()) {
		if (!flusher_is_armed())
			flusher_arm_at_wait();
	} else if (wait_flush_handlers() == HANDLERS_RESTART && wait_flush(&mask, true)) {
		wait_flush_end(&mask);
	}
}

bool waiting_can_read(const void *data, size_t n)
{
	const uintptr_t page = getauxval(AT_PAGESZ);
	uintptr_t first = (uintptr_t)data & ~(page - 1), end = (uintptr_t)data + n;
	unsigned char in_core[8];
	int saved_errno = errno;
	bool mapped = syscall(SYS_mincore, first, end - first, in_core) == 0;

	errno = saved_errno;
	return mapped;
}

/* Ends with a call in whose place it is, so that it takes no stack from the flush. */
enum read_step waiting_to_read_slow_path(struct conn *conn, int fd, enum read_call call)
{
	int saved_errno = errno;
	bool tries;

	if (!flusher_awake() || (!(conn && conn_turn(conn) == CONN_TURN_ANSWERED) && skips()))
		return READ_ON;
	if (conn && turn_taking_ends(conn))
		activity_ended();
	if (conn && conn_is_servers(conn)) /* reading as a client does not show that it serves */
		flusher_start();
	if (!all_sinks_pending_here()) {
		if (conn && conn_has_peer(conn))
			leave_to_thread(call == READ_DOES_NOT_WAIT ? WAIT_NOT : WAIT_FOR_WORK);
		errno = saved_errno;
		return READ_ON;
	}
	tries = call & READ_CAN_BE_TRIED && read_try_fits(conn, fd) && read_flush_wants_try();
	errno = saved_errno;
	return tries ? READ_TRY : read_flush(fd, call);
}
