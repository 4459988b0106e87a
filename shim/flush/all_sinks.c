/* all_sinks.c -- every sink of the process, treated as one */
/* SPDX-License-Identifier: MIT */
#include "flush/all_sinks.h"

#include "base/futex.h"
#include "flush/fork_gate.h"
#include "runtime/all_runtimes.h"
#include "runtime/own_buffer.h"
#include "runtime/python/python.h"
#include "sink/extra_streams.h"

#define RETRY_STEP (NS_PER_MS / 4)

bool all_sinks_may_hold(void)
{
	return std_streams_pending() || extra_streams_pending() || all_runtimes_may_hold();
}

bool all_sinks_want_pass(void)
{
	return std_streams_pending() || extra_streams_pending() || all_runtimes_want_pass();
}

enum sink_result all_sinks_flush_streams(struct flush_params *params)
{
	enum sink_result standard = std_streams_flush(params);

	return sink_result_greater(standard, extra_streams_flush(params));
}

enum sink_result all_sinks_flush(struct flush_params *params)
{
	enum sink_result streams = all_sinks_flush_streams(params);

	return sink_result_greater(streams, all_runtimes_flush(params));
}

bool all_sinks_pending_here(void)
{
	return std_streams_pending_here() || extra_streams_pending_here() || all_runtimes_pending();
}

bool all_sinks_flush_by_caller(bool ends, int64_t bound_ns)
{
	struct flush_params params = {.mode = SINK_ALL, .margin = WRITABLE_ALL, .hold_ns = 1};
	int64_t end = clock_now_ns() + bound_ns;
	enum sink_result result;

	while ((result = all_sinks_flush_streams(&params)) >= SINK_BUSY && clock_now_ns() < end)
		futex_sleep(RETRY_STEP);
	params.mode = SINK_FORCE;
	if (ends && result >= SINK_BUSY)
		result = all_sinks_flush_streams(&params);
	return result < SINK_BUSY;
}

enum all_sinks_held all_sinks_held_by_caller(void)
{
	if (std_streams_held_by_caller() || python_gil_is_mine() || fork_gate_closed_by_caller())
		return ALL_SINKS_HELD;
	if (python_gil_may_be_in_use() || !std_streams_tells_owner())
		return ALL_SINKS_UNKNOWN;
	return ALL_SINKS_FREE;
}

void all_sinks_abandon(bool interrupted)
{
	std_streams_abandon(interrupted);
	python_give_up();
}

void all_sinks_begin_in_child(bool drop)
{
	if (drop)
		std_streams_drop();
	std_streams_give_back_buffer(); /* until it has a thread of ours: it may only compute */
	extra_streams_begin_in_child(drop);
	all_runtimes_begin_in_child();
}

void all_sinks_wrote(int fd, size_t n)
{
	if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
		python_wrote(n);
}

void all_sinks_descriptor_closed(unsigned int first, unsigned int last)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if ((unsigned int)fd >= first && (unsigned int)fd <= last)
			std_streams_descriptor_changed(fd, DESCRIPTOR_CLOSED);
	if (first <= STDOUT_FILENO && last >= STDOUT_FILENO)
		all_runtimes_stdout_closed();
}

void all_sinks_descriptor_replaced(int fd)
{
	std_streams_descriptor_changed(fd, DESCRIPTOR_REPLACED);
	if (fd == STDOUT_FILENO)
		own_buffer_file_replaced();
}
