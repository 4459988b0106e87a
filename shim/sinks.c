/* sinks.c -- all that can be flushed, as one */
/* SPDX-License-Identifier: MIT */
#include "sinks.h"

#include "streams.h"

bool sinks_may_hold(void)
{
	return sink_stdio_pending() || streams_any();
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
	return sinks_flush_streams(order);
}

void sinks_begin_in_child(bool drop)
{
	if (drop)
		sink_stdio_drop();
	streams_begin_in_child(drop);
}

void sinks_file_changed(void)
{
	sink_stdio_file_changed();
}
