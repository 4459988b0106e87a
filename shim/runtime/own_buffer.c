/* own_buffer.c -- a runtime's buffer for stdout, written by the thread that owns it */
/* SPDX-License-Identifier: MIT */
#include "runtime/own_buffer.h"

#include "base/platform.h"

size_t own_buffer_write(char *text, size_t n, struct flush_params *params, enum sink_result *result)
{
	ssize_t written = std_streams_write_stdout(text, n, params->margin);

	*result = written < 0 ? SINK_CLEAN : SINK_NO_ROOM;
	if (written <= 0)
		return 0;
	memmove(text, text + written, n - (size_t)written);
	params->bytes += (size_t)written;
	if ((size_t)written == n)
		*result = SINK_FLUSHED;
	return (size_t)written;
}
