/* stream_flush.c -- one C stream: is there room, flush as much as cannot block */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: the flusher thread, atfork prepare, a thread that ends the process; host threads and
 * guards (pending, abandon).
 * Locks: the stream's own, by ftrylockfile only.
 * Never: fflush(NULL), a flush without room, O_NONBLOCK. (A flush stuck on a full pipe holds the
 * stream's lock: printf in other threads, exit and, with fflush(NULL), fork would hang with it.)
 */
#include "sink/sink.h"

#include "base/platform.h"
#include "sink/writable.h"

#define LOCK_SPINS 1000

size_t stream_bytes(const struct sink_stream *stream)
{
	return stream->file ? __fpending(stream->file) : 0;
}

bool stream_pending(const struct sink_stream *stream)
{
	return stream_bytes(stream) && !atomic_load_explicit(&stream->muted, memory_order_relaxed);
}

/*
 * Has the libc flush the whole stream. Where that fails it throws the bytes away: the error stays
 * for the program's ferror to find. The thread must not end here that is to be cancelled: the
 * program called fork, say, which is no place for that.
 */
static ssize_t flush_whole(FILE *file)
{
	size_t n = __fpending(file);
	int saved_state, failed;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved_state);
	failed = fflush_unlocked(file);
	pthread_setcancelstate(saved_state, NULL);
	return failed ? -1 : (ssize_t)n;
}

/* Opaque, of wide characters, or read as well as written: only its libc can flush it. */
static bool is_for_libc(const FILE *file)
{
	return !platform_stdio_visible() || file->_mode > 0 ||
	       file->_IO_read_end != file->_IO_write_base;
}

/*
 * Writes up to `n` of the pending bytes of any other stream and takes out what went. A flush of
 * stdio's own knows only "all", and throws away what it could not write; so the program meets an
 * error by itself, with all that it printed still there. The fields are those that glibc's own putc
 * macros rely on. An unknown `_offset` is asked for by those who need it.
 */
static ssize_t write_front(FILE *file, size_t n)
{
	ssize_t written = platform_write(file->_fileno, file->_IO_write_base, n);

	if (written <= 0)
		return written;
	file->_IO_write_ptr -= written;
	memmove(file->_IO_write_base, file->_IO_write_base + written,
		(size_t)(file->_IO_write_ptr - file->_IO_write_base));
	file->_offset = -1;
	return written;
}

/* Bytes up to and including the last newline among the first `n`; 0: there is none. */
static size_t whole_lines(const char *text, size_t n)
{
	while (n && text[n - 1] != '\n')
		n--;
	return n;
}

/* May the unfinished line at the front go out as it is? Keeps the time since it was first seen. */
static bool partial_line_is_due(struct sink_stream *stream, const struct flush_params *params)
{
	if (params->mode != SINK_WHOLE_LINES)
		return true;
	if (!stream->partial_since_ns)
		stream->partial_since_ns = params->now_ns;
	return params->now_ns - stream->partial_since_ns >= params->hold_ns;
}

/* One step: as much as there is room for. SINK_FLUSHED: something went out, ask again. */
static enum sink_result flush_step(struct sink_stream *stream, struct flush_params *params)
{
	FILE *file = stream->file;
	size_t waiting = __fpending(file);
	size_t room, n;
	ssize_t out;

	if (!waiting) {
		stream->partial_since_ns = 0;
		return SINK_CLEAN;
	}
	room = writable_bytes(fileno_unlocked(file), params->mode != SINK_WHOLE_LINES);
	if (room == WRITABLE_NEVER) {
		atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
		return SINK_CLEAN;
	}
	atomic_store_explicit(&stream->muted, 0, memory_order_relaxed);
	if (is_for_libc(file)) {
		if (waiting > room)
			return SINK_NO_ROOM;
		out = flush_whole(file);
	} else {
		n = waiting < room ? waiting : room;
		n = whole_lines(file->_IO_write_base, n);
		if (!n && waiting > room)
			return SINK_NO_ROOM;
		if (!n && !partial_line_is_due(stream, params))
			return SINK_PARTIAL_LINE;
		if (!n)
			n = waiting;
		stream->partial_since_ns = 0;
		out = write_front(file, n);
	}
	if (out <= 0) { /* the file takes no more: leave it to the program */
		atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
		return SINK_CLEAN;
	}
	params->bytes += (size_t)out;
	return SINK_FLUSHED;
}

/* Full to its last byte, as stdio has it only where it is about to write, or was stopped in that.
 */
static bool is_full(const FILE *file)
{
	return file->_IO_write_ptr == file->_IO_buf_end;
}

/*
 * Where a full buffer's thread was stopped in the write, the file tells at which end of it: there
 * is no room and the thread waited for some, or the bytes are out and only stdio does not know.
 */
void stream_abandon(struct sink_stream *stream)
{
	if (is_full(stream->file) && writable_bytes(stream->file->_fileno, true))
		stream->written_unlocked = stream_bytes(stream);
	atomic_store(&stream->abandoned, getpid());
}

static bool is_abandoned(const struct sink_stream *stream)
{
	int by = atomic_load(&stream->abandoned);

	return by && by == getpid();
}

/*
 * Who has the lock stands still, or has not moved for as long as we may wait, and whoever else
 * wants it waits: the buffer does not change any more, and the process ends now.
 */
static enum sink_result write_past_lock(struct sink_stream *stream, struct flush_params *params)
{
	const FILE *file = stream->file;
	size_t waiting, room;
	ssize_t written;

	if (!platform_stdio_visible() || file->_mode > 0 ||
	    (is_full(file) && !is_abandoned(stream)))
		return SINK_CLEAN;
	waiting = stream_bytes(stream);
	room = writable_bytes(file->_fileno, true);
	if (room == WRITABLE_NEVER || waiting <= stream->written_unlocked)
		return SINK_CLEAN;
	waiting -= stream->written_unlocked;
	if (!room)
		return SINK_NO_ROOM;
	written = platform_write(file->_fileno, file->_IO_write_base + stream->written_unlocked,
				 waiting < room ? waiting : room);
	if (written < 0)
		return SINK_CLEAN;
	stream->written_unlocked += (size_t)written;
	params->bytes += (size_t)written;
	return (size_t)written < waiting ? SINK_NO_ROOM : SINK_FLUSHED;
}

/*
 * Threads that print all the time leave the lock free for a moment after each line: some ten
 * microseconds of trying find it. Some milliseconds, and who has it does not run.
 */
static bool try_lock(FILE *file, enum sink_mode mode)
{
	int tries = mode == SINK_WHOLE_LINES ? 1 : mode == SINK_ALL ? LOCK_SPINS : 100 * LOCK_SPINS;

	while (tries-- > 0)
		if (ftrylockfile(file) == 0)
			return true;
	return false;
}

enum sink_result stream_flush(struct sink_stream *stream, struct flush_params *params)
{
	enum sink_result result, last = SINK_CLEAN;

	if (!stream_bytes(stream))
		return SINK_CLEAN;
	if (platform_stdio_locked_by_caller(stream->file))
		return SINK_CLEAN;
	/* Tried first, it might be had all the same: locks are recursive. */
	if (is_abandoned(stream))
		return write_past_lock(stream, params);
	if (!try_lock(stream->file, params->mode))
		return params->mode == SINK_FORCE ? write_past_lock(stream, params) : SINK_BUSY;
	while ((result = flush_step(stream, params)) == SINK_FLUSHED)
		last = SINK_FLUSHED;
	funlockfile(stream->file);
	return result > last ? result : last;
}
