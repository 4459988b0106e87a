/* pass.c -- a pass: one attempt to flush all sinks, and when to try again */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: when the last pass was, written by the thread that makes one, of which there is one at a
 * time; read by anybody.
 * Called from: the flusher thread; a host thread at a wait, with all signals blocked; pass_reset in
 * the atfork child handler, which is alone.
 */
#include "flush/pass.h"

#include "base/fd_table.h"
#include "base/futex.h"
#include "flush/all_sinks.h"
#include "flush/fork_gate.h"
#include "runtime/all_runtimes.h"
#include "shared/introspect.h"

#define RETRY_FIRST NS_PER_MS
#define RETRY_MOST  (64 * NS_PER_MS)
#define RETRY_LAST  (NS_PER_MS / 4)

static _Atomic int64_t last_pass_ns; /* the last pass, deferred or not */
static int64_t retry_step;           /* doubles while a sink stays in use or full */
static int64_t pending_since_ns;     /* when the flush of what is pending was armed */

/* How long after `result` to try again; 0: not before there is new activity. */
static int64_t retry_after(enum sink_result result, int64_t hold_ns)
{
	if (result < SINK_BUSY) {
		retry_step = 0;
		return result >= SINK_DELEGATED ? hold_ns : 0;
	}
	retry_step = retry_step ? retry_step * 2 : RETRY_FIRST;
	if (retry_step > RETRY_MOST)
		retry_step = RETRY_MOST;
	return retry_step;
}

static void count(const struct flush_params *params, enum sink_result result)
{
	if (!pending_since_ns)
		pending_since_ns = params->armed_since_ns;
	if (params->bytes)
		status_count_flush(params->bytes, params->now_ns,
				   pending_since_ns ? params->now_ns - pending_since_ns : 0);
	if (result == SINK_NO_ROOM)
		library_status.no_room++;
	if (result < SINK_PARTIAL_LINE)
		pending_since_ns = 0;
}

/* Inline because of its stack: flush/wait_flush.c. */
INLINE enum sink_result make(struct flush_params *params,
			     enum sink_result (*flush)(struct flush_params *params))
{
	bool entered = fork_gate_enter();
	enum sink_result result = SINK_BUSY;
	int64_t wait;

	/* Not entered: a fork is under way, or another thread makes a pass. */
	if (entered || params->mode == SINK_FORCE)
		result = flush(params);
	if (entered)
		count(params, result);
	wait = retry_after(result, params->hold_ns);
	last_pass_ns = params->now_ns;
	library_status.retry_ns = wait ? params->now_ns + wait : 0;
	if (entered)
		fork_gate_leave();
	return result;
}

bool pass_run(enum sink_mode mode, int64_t armed_since_ns, int64_t hold_ns)
{
	struct flush_params params = {.mode = mode,
				      .margin = mode == SINK_WHOLE_LINES ? WRITABLE_RESERVE
									 : WRITABLE_ALL,
				      .now_ns = clock_now_ns(),
				      .hold_ns = hold_ns,
				      .ends = mode != SINK_WHOLE_LINES,
				      .borrows = fd_table_is_own(),
				      .armed_since_ns = armed_since_ns};

	if (!armed_since_ns && !pass_retry_ns() && mode == SINK_WHOLE_LINES)
		library_status.heartbeats++;
	make(&params, all_sinks_flush);
	return params.bytes || params.found_late;
}

/* all_sinks_flush(), but the buffers of a runtime only if this thread owns them. */
INLINE enum sink_result flush_at_wait(struct flush_params *params)
{
	enum sink_result result = std_streams_flush(params);

	result = sink_result_greater(result, extra_streams_flush(params));
	return sink_result_greater(result, all_runtimes_flush_at_wait(params));
}

enum sink_result pass_at_wait(int64_t now_ns, int64_t armed_since_ns, int64_t hold_ns)
{
	struct flush_params params = {.mode = SINK_WHOLE_LINES,
				      .margin = WRITABLE_HALF,
				      .now_ns = now_ns,
				      .hold_ns = hold_ns,
				      .armed_since_ns = armed_since_ns ? armed_since_ns : now_ns};
	enum sink_result result = make(&params, flush_at_wait);

	if (params.bytes)
		library_status.at_waits++;
	return result;
}

int64_t pass_last_ns(void)
{
	return atomic_load_explicit(&last_pass_ns, memory_order_relaxed);
}

int64_t pass_retry_ns(void)
{
	return atomic_load_explicit(&library_status.retry_ns, memory_order_relaxed);
}

void pass_until_empty(int64_t armed_since_ns, int64_t bound_ns, bool dying)
{
	int64_t end = clock_now_ns() + bound_ns;

	pass_run(SINK_ALL, armed_since_ns, RETRY_FIRST);
	for (; retry_step && clock_now_ns() < end; pass_run(SINK_ALL, 0, RETRY_FIRST))
		futex_sleep(RETRY_LAST);
	if (dying && retry_step)
		pass_run(SINK_FORCE, 0, RETRY_FIRST);
}

void pass_reset(int64_t now_ns)
{
	last_pass_ns = now_ns;
	retry_step = pending_since_ns = 0;
	library_status.retry_ns = library_status.flushed_ns = library_status.oldest_ns = 0;
	library_status.flushes = library_status.at_waits = library_status.bytes = 0;
	library_status.no_room = library_status.heartbeats = 0;
}
