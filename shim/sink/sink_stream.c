/* sink_stream.c -- a C stream that is kept fresh, and the file that its bytes are for */
/* SPDX-License-Identifier: MIT */
/* Called from: host threads (pending, changes of the descriptor); whoever flushes (the target). */
#include "sink/sink.h"

#include "base/platform.h"

size_t stream_bytes(const struct sink_stream *stream)
{
	return stream->file ? __fpending(stream->file) : 0;
}

bool stream_pending(const struct sink_stream *stream)
{
	return stream_bytes(stream) && !atomic_load_explicit(&stream->muted, memory_order_relaxed);
}

bool stream_pending_here(const struct sink_stream *stream)
{
	return stream_pending(stream) &&
	       (stream->target.kind != WRITABLE_DISK ||
		atomic_load_explicit(&stream->descriptor, memory_order_relaxed) ==
			DESCRIPTOR_REPLACED); /* by what, a pass finds out */
}

void stream_watch(struct sink_stream *stream, FILE *file)
{
	stream->partial_since_ns = 0;
	stream->written_unlocked = 0;
	atomic_store_explicit(&stream->muted, 0, memory_order_relaxed);
	atomic_store_explicit(&stream->descriptor, DESCRIPTOR_SAME, memory_order_relaxed);
	writable_identify(&stream->target, platform_stdio_fileno(file));
	stream->file = file;
}

/* If nothing is pending at the close, later bytes are for whatever has the number then. */
void stream_descriptor_changed(struct sink_stream *stream, enum sink_descriptor how)
{
	if (how == DESCRIPTOR_CLOSED && !stream_bytes(stream))
		how = DESCRIPTOR_REPLACED;
	atomic_store_explicit(&stream->muted, how == DESCRIPTOR_CLOSED, memory_order_relaxed);
	atomic_store(&stream->descriptor, how);
}

bool stream_has_target(struct sink_stream *stream, int fd)
{
	uint32_t replaced = DESCRIPTOR_REPLACED;

	if (atomic_load(&stream->descriptor) == DESCRIPTOR_CLOSED)
		return false;
	if (atomic_compare_exchange_strong(&stream->descriptor, &replaced, DESCRIPTOR_SAME))
		writable_identify(&stream->target, fd);
	return stream->target.kind != WRITABLE_NEVER && writable_is_behind(&stream->target, fd);
}
