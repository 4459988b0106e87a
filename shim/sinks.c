/* sinks.c -- all that can be flushed, as one */
/* SPDX-License-Identifier: MIT */
#include "sinks.h"

#include "sink_python.h"
#include "streams.h"

#include <unistd.h>

bool sinks_may_hold(void)
{
	return sink_stdio_pending() || streams_any() || sink_python_may_hold();
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
	/* First, for it is another thread's work meanwhile. */
	enum sink_result python = sink_python_flush(order);

	return greater(python, sinks_flush_streams(order));
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
