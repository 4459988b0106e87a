/* own_buffer.h -- a runtime's buffer for stdout, written by the thread that owns it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_OWN_BUFFER_H
#define IDLEFLUSH_OWN_BUFFER_H

#include <stddef.h>

#include "sink/sink.h"

/*
 * Writes of the `n` > 0 bytes at `text` as many as stdout takes without blocking, an unfinished
 * line too, for nobody comes back for it. What is left is moved to the front. Returns the number of
 * bytes written; `*result` is what flush_at_wait of runtime.h returns.
 */
size_t own_buffer_write(char *text, size_t n, struct flush_params *params,
			enum sink_result *result);

#endif
