/* sinks.c -- all that can be flushed, as one */
/* SPDX-License-Identifier: MIT */
#include "sinks.h"

#include "python_streams.h"
#include "sink_python.h"
#include "streams.h"

#include <unistd.h>

bool sinks_may_hold(void)
{
	return sink_stdio_pending() || streams_any() || sink_python_may_hold();
}

bool sinks_call_for_a_look(void)
{
	return sink_stdio_pending() || streams_any() ||
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
