/* stream_flush.c -- one C stream: writes as much of it as cannot block */
/* SPDX-License-Identifier: MIT */
/*
 * Called from: the flusher thread, atfork prepare, a thread that ends the process; host threads and
 * signal handlers (pending, abandon).
 * Locks: the stream's own, by ftrylockfile only.
 * Never: fflush(NULL), a write without room, O_NONBLOCK. (A flush that blocks on a full pipe holds
 * the stream's lock: printf in other threads, exit and, with fflush(NULL), fork would hang too.)
 */
#include "sink/sink.h"

#include "base/platform.h"
#include "sink/writable.h"

#define LOCK_SPINS 1000

static size_t pending_bytes(const struct sink_stream *stream)
{
	return stream->file ? __fpending(stream->file) : 0;
}

bool stream_pending(const struct sink_stream *stream)
{
	return pending_bytes(stream) && !atomic_load_explicit(&stream->muted, memory_order_relaxed);
}

/*
 * Has libc flush the whole stream. If that fails, libc discards the bytes, and the program learns
 * of it from ferror. Cancellation is disabled because the calling thread may be inside fork, say,
 * which is no cancellation point.
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

/* Only libc can flush a stream that is opaque (musl), wide, or open for reading as well. */
static bool is_for_libc(const FILE *file)
{
	return !platform_stdio_visible() || file->_mode > 0 ||
	       file->_IO_read_end != file->_IO_write_base;
}

/*
 * Writes up to `n` of the pending bytes and removes from the buffer what was written. stdio's own
 * flush writes everything or discards what it cannot write; this way the program meets an error
 * itself, with everything that it printed still there. The fields are those that glibc's own putc
 * macros rely on. With _offset at -1 glibc asks the kernel for the file position when it needs it.
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

/* The number of bytes up to the last newline among the first `n`, included; 0: there is none. */
static size_t whole_lines(const char *text, size_t n)
{
	while (n && text[n - 1] != '\n')
		n--;
	return n;
}

/* Has the unfinished line been kept back for long enough? Notes when it was first seen. */
static bool partial_line_is_due(struct sink_stream *stream, const struct flush_params *params)
{
	if (params->mode != SINK_WHOLE_LINES)
		return true;
	if (!stream->partial_since_ns)
		stream->partial_since_ns = params->now_ns;
	return params->now_ns - stream->partial_since_ns >= params->hold_ns;
}

/* One step: as much as there is room for. SINK_FLUSHED: some bytes were written, call it again. */
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
	if (out <= 0) { /* the file takes no more: the program will find out by itself */
		atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
		return SINK_CLEAN;
	}
	params->bytes += (size_t)out;
	return SINK_FLUSHED;
}

/* Is the buffer full to its last byte? Then stdio is about to write it, or is doing so. */
static bool is_full(const FILE *file)
{
	return file->_IO_write_ptr == file->_IO_buf_end;
}

/*
 * A thread with a full buffer was stopped in the write, and the descriptor tells whether the write
 * happened: without room the thread was waiting for some; with room the bytes have been written,
 * and only stdio does not know it yet.
 */
void stream_abandon(struct sink_stream *stream)
{
	if (is_full(stream->file) && writable_bytes(stream->file->_fileno, true))
		stream->written_unlocked = pending_bytes(stream);
	atomic_store(&stream->abandoned, getpid());
}

static bool is_abandoned(const struct sink_stream *stream)
{
	int by = atomic_load(&stream->abandoned);

	return by && by == getpid();
}

/*
 * Writes the stream without its lock. The thread that holds the lock is stopped, or has kept it for
 * as long as we may wait; every other thread that wants it is waiting. So the buffer no longer
 * changes, and the process ends now.
 */
static enum sink_result write_past_lock(struct sink_stream *stream, struct flush_params *params)
{
	const FILE *file = stream->file;
	size_t waiting, room;
	ssize_t written;

	if (!platform_stdio_visible() || file->_mode > 0 ||
	    (is_full(file) && !is_abandoned(stream)))
		return SINK_CLEAN;
	waiting = pending_bytes(stream);
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
 * Threads that print all the time free the lock for a moment after each line; trying for some ten
 * microseconds finds such a moment. If it is not found in some milliseconds, its holder is not
 * running.
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

	if (!pending_bytes(stream))
		return SINK_CLEAN;
	if (platform_stdio_locked_by_caller(stream->file))
		return SINK_CLEAN;
	/* Before the lock is tried: it is recursive, so its holder would get it. */
	if (is_abandoned(stream))
		return write_past_lock(stream, params);
	if (!try_lock(stream->file, params->mode))
		return params->mode == SINK_FORCE ? write_past_lock(stream, params) : SINK_BUSY;
	while ((result = flush_step(stream, params)) == SINK_FLUSHED)
		last = SINK_FLUSHED;
	funlockfile(stream->file);
	return result > last ? result : last;
}
