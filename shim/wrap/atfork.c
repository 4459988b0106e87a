/* atfork.c -- what happens around a fork */
/* SPDX-License-Identifier: MIT */
/*
 * Before the fork we end any flush in progress and flush what is pending. Otherwise a child would
 * inherit pending bytes and flush its copy, so that each worker printed the start-up line again.
 * Afterwards the child starts afresh. vfork, posix_spawn and raw clone(2) run no handlers: for
 * those see flusher_is_owner, and MADV_WIPEONFORK in flusher_state.c. Called from: host threads, as
 * atfork handlers.
 */
#include "wrap/atfork.h"

#include "base/futex.h"
#include "base/handlers.h"
#include "base/next.h"
#include "conn/conn.h"
#include "conn/turn_taking.h"
#include "exit/fatal_signal.h"
#include "flush/all_sinks.h"
#include "flush/flusher.h"
#include "flush/fork_gate.h"

#define WAIT_BOUND (100 * NS_PER_MS)
#define WAIT_MOST  (2 * NS_PER_S)
#define BUSY_BOUND (20 * NS_PER_MS)
#define BUSY_STEP  (NS_PER_MS / 20)

/* Written before a fork and read in its child, where the flusher's state has been wiped. */
static bool wanted; /* written by the constructor */
static _Atomic bool awake_at_fork;
static _Atomic bool inherited_pending; /* a fork under way, inside stdio, could not flush */

/*
 * How long to wait for a flush in progress. It takes microseconds, unless the machine is so busy
 * that the thread does not run. With musl the stream would stay locked in the child for ever.
 */
static int64_t wait_bound(void)
{
	return platform_fork_frees_streams() ? WAIT_BOUND : WAIT_MOST;
}

/*
 * Another thread may be inside stdio for a moment, which must not delay the fork for long. Its
 * bytes are flushed by the parent; the child discards its copy of them.
 */
static enum sink_result flush_all(void)
{
	int64_t end = clock_now_ns() + BUSY_BOUND;
	struct flush_params params = {.mode = SINK_ALL, .margin = WRITABLE_ALL, .hold_ns = 1};
	enum sink_result result;

	while ((result = all_sinks_flush_streams(&params)) == SINK_BUSY && clock_now_ns() < end)
		futex_sleep(BUSY_STEP);
	return result;
}

/* A signal handler that interrupted printf holds its lock, and would flush half of its output. */
static bool is_inside_stdio(void)
{
	return handlers_may_be_running() && std_streams_locked_by_caller();
}

void atfork_prepare(void)
{
	int saved_errno = errno;

	awake_at_fork = wanted && flusher_awake();
	if (!awake_at_fork)
		return;
	if (fork_gate_close(wait_bound()) == 1)
		inherited_pending = false;
	if (is_inside_stdio())
		inherited_pending = true;
	else
		flush_all();
	std_streams_take_back_buffer(); /* the child's stdout may become a terminal, inside libc */
	errno = saved_errno;
}

void atfork_parent(void)
{
	if (!awake_at_fork)
		return;
	conn_forked_in_parent();
	fork_gate_open();
}

static void child(void)
{
	int saved_errno = errno;

	if (!awake_at_fork)
		return;
	/* The parent flushes what found no room, and what another thread has printed since. */
	all_sinks_begin_in_child(!inherited_pending);
	fork_gate_reset();
	turn_taking_end_all(); /* these answers are the parent's: a close here does not end them */
	conn_begin_in_child();
	fatal_signal_begin_in_child();
	flusher_begin_in_child(inherited_pending);
	errno = saved_errno;
}

/* Once; musl's allocates. */
static int add_ours(void)
{
	static bool added;
	int error;

	if (added)
		return 0;
	if (platform_stdio_visible())
		error = NEXT(__register_atfork)(atfork_prepare, atfork_parent, child, NULL);
	else if (pthread_atfork)
		error = pthread_atfork(atfork_prepare, atfork_parent, child);
	else
		return -ENOSYS;
	added = !error;
	return error ? -ENOMEM : 0;
}

/*
 * Ours come before those of a library whose constructor runs before ours. So they run last before a
 * fork, and first in its child, where what is pending is only what the parent had: what another
 * handler prints there is the child's own.
 */
EXPORT int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*in_child)(void),
			     void *object)
{
	int saved_errno = errno;

	if (platform_stdio_visible())
		add_ours();
	errno = saved_errno;
	return NEXT(__register_atfork)(prepare, parent, in_child, object);
}

int atfork_init(void)
{
	wanted = true;
	return add_ours();
}
