/* stream_force.h -- a C stream is written without its lock, for the process ends */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_STREAM_FORCE_H
#define IDLEFLUSH_STREAM_FORCE_H

#include "sink/sink.h"

/* Was stream_abandon() called in this process? Any context. */
bool stream_is_abandoned(const struct sink_stream *stream);

/*
 * Writes what libc has certainly not written itself: bytes that it may have written are left to it.
 * Who holds the lock stands still, or has kept it for as long as we may wait. glibc only.
 */
enum sink_result stream_write_past_lock(struct sink_stream *stream, struct flush_params *params);

#endif
