/* own_buffer.c -- a runtime's buffer for stdout, written by the thread that owns it */
/* SPDX-License-Identifier: MIT */
#include "runtime/own_buffer.h"

#include "base/platform.h"
#include "sink/writable.h"

size_t own_buffer_write(char *text, size_t n, struct flush_params *params, enum sink_result *result)
{
	size_t room = writable_bytes(STDOUT_FILENO, false);
	ssize_t written;

	*result = SINK_CLEAN;
	if (room == WRITABLE_NEVER)
		return 0;
	*result = SINK_NO_ROOM;
	if (!room)
		return 0;
	written = platform_write(STDOUT_FILENO, text, n < room ? n : room);
	if (written <= 0)
		return 0;
	memmove(text, text + written, n - (size_t)written);
	params->bytes += (size_t)written;
	if ((size_t)written == n)
		*result = SINK_FLUSHED;
	return (size_t)written;
}
