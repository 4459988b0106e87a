/* sinks.c -- all that can be flushed, as one */
/* SPDX-License-Identifier: MIT */
#include "sinks.h"

#include "futex.h"
#include "gate.h"
#include "python_lock.h"
#include "python_streams.h"
#include "sink_python.h"
#include "streams.h"

#define RETRY_STEP (NS_PER_MS / 4)

bool sinks_may_hold(void)
{
	return sink_stdio_pending() || streams_pending() || sink_python_may_hold();
}

bool sinks_call_for_a_look(void)
{
	return sink_stdio_pending() || streams_pending() ||
	       (sink_python_may_hold() && !python_streams_are_silent());
}

static enum sink_result greater(enum sink_result a, enum sink_result b)
{
	return a > b ? a : b;
}

enum sink_result sinks_flush_streams(struct sink_order *order)
{
	enum sink_result standard = sink_stdio_flush(order);

	return greater(standard, streams_flush(order));
}

enum sink_result sinks_flush(struct sink_order *order)
{
	enum sink_result streams = sinks_flush_streams(order);

	return greater(streams, sink_python_flush(order));
}

bool sinks_flush_by_caller(bool ends, int64_t bound_ns)
{
	struct sink_order order = {.mode = SINK_ALL, .hold_ns = 1};
	int64_t end = clock_now_ns() + bound_ns;
	enum sink_result result;

	while ((result = sinks_flush_streams(&order)) >= SINK_BUSY && clock_now_ns() < end)
		futex_sleep(RETRY_STEP);
	order.mode = SINK_GASP;
	if (ends && result >= SINK_BUSY)
		result = sinks_flush_streams(&order);
	return result < SINK_BUSY;
}

enum sinks_held sinks_held_by_caller(void)
{
	if (sink_stdio_held_by_caller() || python_lock_is_mine() || gate_closed_by_caller())
		return SINKS_HELD;
	if (python_lock_may_be_in_use() || !sink_stdio_tells_owner())
		return SINKS_UNKNOWN;
	return SINKS_FREE;
}

void sinks_abandon(void)
{
	sink_stdio_abandon();
	sink_python_give_up();
}

void sinks_begin_in_child(bool drop)
{
	if (drop)
		sink_stdio_drop();
	streams_begin_in_child(drop);
	sink_python_begin_in_child();
}

void sinks_wrote(int fd, size_t n)
{
	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		sink_python_wrote(n);
}

void sinks_file_changed(void)
{
	sink_stdio_file_changed();
}
