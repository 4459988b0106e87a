/* look.c -- one look at all sinks: flush what can go out, keep the accounts, say when to come again
 */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the accounts; written by the flusher thread, read by whoever prints them.
 * Called from: the flusher thread; look_reset also in the atfork child handler, where it is alone.
 */
#include "look.h"

#include "futex.h"
#include "gate.h"
#include "python_streams.h"
#include "sinks.h"
#include "status.h"

#define RETRY_FIRST NS_PER_MS
#define RETRY_MOST  (64 * NS_PER_MS)
#define RETRY_LAST  (NS_PER_MS / 4)

static int64_t looked_ns;
static int64_t retry_ns;   /* when to come again; 0: nothing was put off */
static int64_t retry_step; /* doubles while a sink stays in use or full */
static int64_t armed_ns;   /* since when what is pending has been armed */
static int64_t flushed_ns; /* the last look that brought bytes out; 0: none did */
STATUS(STATUS_LOOKED, looked_ns);
STATUS(STATUS_RETRY, retry_ns);
STATUS(STATUS_FLUSHED, flushed_ns);

static _Atomic uint64_t flushes, bytes, no_room, heartbeats;
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

/* Flushes the sinks, unless a fork is under way (or died in its middle). */
static enum sink_result flush_sinks(struct sink_order *order)
{
	bool entered = gate_enter();
	enum sink_result result;

	if (!entered && order->mode != SINK_GASP)
		return SINK_BUSY;
	result = sinks_flush(order);
	if (entered)
		gate_leave();
	return result;
}

/* How long after `result` to come again; 0: not before something new is armed. */
static int64_t retry_after(enum sink_result result, int64_t hold_ns)
{
	if (result < SINK_BUSY) {
		retry_step = 0;
		return result >= SINK_LEFT ? hold_ns : 0;
	}
	retry_step = retry_step ? retry_step * 2 : RETRY_FIRST;
	if (retry_step > RETRY_MOST)
		retry_step = RETRY_MOST;
	return retry_step;
}

void look_at_sinks(enum sink_mode mode, int64_t first_ns, int64_t hold_ns)
{
	struct sink_order order = {
		.mode = mode, .now_ns = clock_now_ns(), .hold_ns = hold_ns, .armed_ns = first_ns};
	enum sink_result result;
	int64_t wait;

	if (!first_ns && !retry_ns && mode == SINK_KEEP_LINES)
		add(&heartbeats, 1);
	if (!armed_ns)
		armed_ns = first_ns;
	result = flush_sinks(&order);
	if (order.bytes) {
		add(&flushes, 1);
		add(&bytes, order.bytes);
		flushed_ns = order.now_ns;
		if (armed_ns)
			remember_oldest(order.now_ns - armed_ns);
	}
	if (result == SINK_NO_ROOM)
		add(&no_room, 1);
	wait = retry_after(result, hold_ns);
	looked_ns = order.now_ns;
	retry_ns = wait ? order.now_ns + wait : 0;
	if (result < SINK_TAIL)
		armed_ns = 0;
}

int64_t look_last_ns(void)
{
	return looked_ns;
}

int64_t look_retry_ns(void)
{
	return retry_ns;
}

void look_for_the_last_time(int64_t first_ns, int64_t bound_ns, bool dying)
{
	int64_t end = clock_now_ns() + bound_ns;

	look_at_sinks(SINK_ALL, first_ns, RETRY_FIRST);
	for (; retry_step && clock_now_ns() < end; look_at_sinks(SINK_ALL, 0, RETRY_FIRST))
		futex_sleep(RETRY_LAST);
	if (dying && retry_step)
		look_at_sinks(SINK_GASP, 0, RETRY_FIRST);
}

void look_read_counts(struct look_counts *counts)
{
	struct python_streams_counts python;

	python_streams_read_counts(&python);
	counts->flushes = atomic_load_explicit(&flushes, memory_order_relaxed) + python.flushes;
	counts->bytes = atomic_load_explicit(&bytes, memory_order_relaxed) + python.bytes;
	counts->no_room = atomic_load_explicit(&no_room, memory_order_relaxed) + python.no_room;
	counts->heartbeats = atomic_load_explicit(&heartbeats, memory_order_relaxed);
	counts->oldest_ns = atomic_load_explicit(&oldest_ns, memory_order_relaxed);
	if (python.oldest_ns > counts->oldest_ns)
		counts->oldest_ns = python.oldest_ns;
}

void look_reset(int64_t now_ns)
{
	looked_ns = now_ns;
	retry_ns = retry_step = armed_ns = flushed_ns = 0;
	flushes = bytes = no_room = heartbeats = 0;
	oldest_ns = 0;
}
