/* pass.c -- a pass: one attempt to flush all sinks, its counters, and when to try again */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the counters, written by the thread that makes a pass, of which there is one at a time;
 * read by anybody.
 * Called from: the flusher thread; a host thread at a wait, with all signals blocked; pass_reset in
 * the atfork child handler, which is alone.
 */
#include "flush/pass.h"

#include "base/fd_table.h"
#include "base/futex.h"
#include "flush/all_sinks.h"
#include "flush/fork_gate.h"
#include "runtime/python/sys_streams.h"
#include "shared/introspect.h"

#define RETRY_FIRST NS_PER_MS
#define RETRY_MOST  (64 * NS_PER_MS)
#define RETRY_LAST  (NS_PER_MS / 4)

static _Atomic int64_t last_pass_ns; /* the last pass that was not put off */
static _Atomic int64_t last_try_ns;  /* the last pass, put off or not */
static _Atomic int64_t retry_ns;     /* when to try again; 0: nothing was put off */
static int64_t retry_step;           /* doubles while a sink stays in use or full */
static int64_t pending_since_ns;     /* when the flush of what is pending was armed */
static int64_t flushed_ns;           /* the last pass that wrote bytes; 0: none did */
STATUS(STATUS_LAST_PASS, last_try_ns);
STATUS(STATUS_RETRY, retry_ns);
STATUS(STATUS_FLUSHED, flushed_ns);

static _Atomic uint64_t flushes, at_waits, bytes, no_room, heartbeats;
static _Atomic int64_t oldest_ns;
STATUS(STATUS_FLUSHES, flushes);
STATUS(STATUS_BYTES, bytes);
STATUS(STATUS_NO_ROOM, no_room);
STATUS(STATUS_HEARTBEATS, heartbeats);
STATUS(STATUS_OLDEST, oldest_ns);

static void add(_Atomic uint64_t *count, uint64_t n)
{
	uint64_t before = atomic_load_explicit(count, memory_order_relaxed);

	atomic_store_explicit(count, before + n, memory_order_relaxed); /* one writer */
}

static void remember_oldest(int64_t age)
{
	if (age > atomic_load_explicit(&oldest_ns, memory_order_relaxed))
		atomic_store_explicit(&oldest_ns, age, memory_order_relaxed);
}

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
	if (params->bytes) {
		add(&flushes, 1);
		add(&bytes, params->bytes);
		flushed_ns = params->now_ns;
		if (pending_since_ns)
			remember_oldest(params->now_ns - pending_since_ns);
	}
	if (result == SINK_NO_ROOM)
		add(&no_room, 1);
	if (result < SINK_PARTIAL_LINE)
		pending_since_ns = 0;
}

static enum sink_result make(struct flush_params *params,
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
	last_try_ns = params->now_ns;
	if (result < SINK_BUSY)
		last_pass_ns = params->now_ns;
	retry_ns = wait ? params->now_ns + wait : 0;
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
				      .borrows = fd_table_is_own(),
				      .armed_since_ns = armed_since_ns};

	if (!armed_since_ns && !retry_ns && mode == SINK_WHOLE_LINES)
		add(&heartbeats, 1);
	make(&params, all_sinks_flush);
	return params.bytes;
}

enum sink_result pass_at_wait(int64_t now_ns, int64_t armed_since_ns, int64_t hold_ns, bool alone)
{
	struct flush_params params = {.mode = SINK_WHOLE_LINES,
				      .margin = WRITABLE_HALF,
				      .alone = alone,
				      .now_ns = now_ns,
				      .hold_ns = hold_ns,
				      .armed_since_ns = armed_since_ns ? armed_since_ns : now_ns};
	enum sink_result result = make(&params, all_sinks_flush_at_wait);

	if (params.bytes)
		add(&at_waits, 1);
	return result;
}

int64_t pass_last_ns(void)
{
	return atomic_load_explicit(&last_pass_ns, memory_order_relaxed);
}

int64_t pass_last_try_ns(void)
{
	return atomic_load_explicit(&last_try_ns, memory_order_relaxed);
}

int64_t pass_retry_ns(void)
{
	return atomic_load_explicit(&retry_ns, memory_order_relaxed);
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

void pass_read_counts(struct pass_counts *counts)
{
	struct python_sys_streams_counts python;

	python_sys_streams_read_counts(&python);
	counts->flushes = atomic_load_explicit(&flushes, memory_order_relaxed) + python.flushes;
	counts->at_waits = atomic_load_explicit(&at_waits, memory_order_relaxed);
	counts->bytes = atomic_load_explicit(&bytes, memory_order_relaxed) + python.bytes;
	counts->no_room = atomic_load_explicit(&no_room, memory_order_relaxed) + python.no_room;
	counts->heartbeats = atomic_load_explicit(&heartbeats, memory_order_relaxed);
	counts->oldest_ns = atomic_load_explicit(&oldest_ns, memory_order_relaxed);
	if (python.oldest_ns > counts->oldest_ns)
		counts->oldest_ns = python.oldest_ns;
}

void pass_reset(int64_t now_ns)
{
	last_pass_ns = last_try_ns = now_ns;
	retry_ns = retry_step = pending_since_ns = flushed_ns = 0;
	flushes = at_waits = bytes = no_room = heartbeats = 0;
	oldest_ns = 0;
}
