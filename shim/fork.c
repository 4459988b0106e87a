/* fork.c -- what happens around a fork */
/* SPDX-License-Identifier: MIT */
/*
 * Before: no flush in progress, and nothing pending -- a child inherits pending bytes and would
 * bring out its copy, so that a start-up line came once from every worker. After: the child begins
 * anew. vfork, posix_spawn and raw clone(2) run no handlers; see flusher_is_owner and
 * MADV_WIPEONFORK in flusher.c for those.
 * Called from: host threads, as atfork handlers.
 */
#include "fork.h"

#include "conn.h"
#include "death.h"
#include "flusher.h"
#include "futex.h"
#include "gate.h"
#include "sinks.h"
#include "turn.h"

#define WAIT_BOUND (100 * NS_PER_MS)
#define WAIT_MOST  (2 * NS_PER_S)
#define BUSY_BOUND (20 * NS_PER_MS)
#define BUSY_STEP  (NS_PER_MS / 20)

/* Written before a fork, read in its child: the flusher's state is wiped there. */
static _Atomic bool awake_at_fork;
static _Atomic bool left_over; /* a fork under way could not flush something */

/*
 * How long to wait for a flush in progress, which takes microseconds unless the machine is so busy
 * that its thread does not run. With musl a child would find the stream locked, for good.
 */
static int64_t wait_bound(void)
{
	return platform_fork_frees_streams() ? WAIT_BOUND : WAIT_MOST;
}

/*
 * Another thread may be inside stdio for a moment; not so long that a fork would suffer. What it
 * has there then is the parent's to bring out: the child drops it like what comes after.
 */
static enum sink_result flush_all(void)
{
	int64_t end = clock_now_ns() + BUSY_BOUND;
	struct sink_order order = {.mode = SINK_ALL, .hold_ns = 1};
	enum sink_result result;

	while ((result = sinks_flush_streams(&order)) == SINK_BUSY && clock_now_ns() < end)
		futex_sleep(BUSY_STEP);
	return result;
}

/* A handler that interrupted printf has its lock, and would flush in the middle of it. */
static bool may_flush(void)
{
	return !sink_stdio_held_by_caller() || !platform_is_in_handler();
}

static void prepare(void)
{
	int kept = errno;

	if (gate_close(wait_bound()) == 1)
		left_over = false;
	awake_at_fork = flusher_awake();
	if (awake_at_fork && (!may_flush() || flush_all() == SINK_NO_ROOM))
		left_over = true;
	errno = kept;
}

static void parent(void)
{
	gate_open();
}

static void child(void)
{
	int kept = errno;

	/* What came since was printed by a thread that is not here; the parent has it, too. */
	sinks_begin_in_child(awake_at_fork && !left_over);
	gate_reset();
	turn_end_all(); /* the parent's answers: to close a copy here is not to end one */
	conn_restart_count();
	death_begin_in_child();
	flusher_begin_in_child(awake_at_fork, left_over);
	errno = kept;
}

int fork_init(void)
{
	return platform_at_fork(prepare, parent, child);
}
