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
#include "flusher.h"
#include "futex.h"
#include "gate.h"
#include "sink.h"

#define WAIT_BOUND (100 * NS_PER_MS)

static bool awake_at_fork; /* written before, read in the child: the flusher's state is wiped */

static void prepare(void)
{
	struct sink_order order = {.mode = SINK_ALL, .hold_ns = 1};
	int kept = errno;

	gate_close(WAIT_BOUND);
	awake_at_fork = flusher_awake();
	if (awake_at_fork && sink_stdio_pending())
		sink_stdio_flush(&order);
	errno = kept;
}

static void parent(void)
{
	gate_open();
}

static void child(void)
{
	int kept = errno;

	gate_reset();
	conn_restart_count();
	flusher_begin_in_child(awake_at_fork);
	errno = kept;
}

int fork_init(void)
{
	return platform_at_fork(prepare, parent, child);
}
