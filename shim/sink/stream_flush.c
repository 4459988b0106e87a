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

#include "base/fd_table.h"
#include "base/next.h"
#include "base/platform.h"
#include "sink/program_flush.h"
#include "sink/writable.h"

#define LOCK_SPINS 1000

_Atomic uint32_t program_flushes;

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
	failed = next.fflush_unlocked ? next.fflush_unlocked(file) : EOF;
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
 * They change while we hold the lock if one thread is in exit(3), whose flush takes no locks, and
 * another one still waits for us in our destructor: nothing is to be removed then.
 */
static ssize_t write_front(struct sink_stream *stream, int fd, size_t n,
			   enum writable_margin margin)
{
	FILE *file = stream->file;
	char *end = file->_IO_write_ptr, *base;
	ssize_t written = writable_write(&stream->target, fd, file->_IO_write_base, n, margin);

	base = file->_IO_write_base;
	if (written <= 0 || file->_IO_write_ptr != end || base + written > end)
		return written;
	memmove(base, base + written, (size_t)(end - base - written));
	file->_IO_write_ptr = end - written;
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
static bool is_partial_line_due(struct sink_stream *stream, const struct flush_params *params)
{
	if (params->mode != SINK_WHOLE_LINES)
		return true;
	if (!stream->partial_since_ns)
		stream->partial_since_ns = params->now_ns;
	return params->now_ns - stream->partial_since_ns >= params->hold_ns;
}

/* The file takes no more, or is not there: leave it to the program. */
static enum sink_result mute(struct sink_stream *stream)
{
	atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
	return SINK_CLEAN;
}

/* Not inline: its frame is none of a thread that is about to wait. */
__attribute__((noinline)) static enum sink_result flush_by_libc(struct sink_stream *stream,
								struct flush_params *params)
{
	FILE *file = stream->file;
	/* A wide stream counts characters, of 4 bytes at most: a full buffer may fill a pipe. */
	bool wide = platform_stdio_visible() && file->_mode > 0;
	bool fills = wide && params->margin == WRITABLE_RESERVE;
	size_t room = writable_room(&stream->target, fileno_unlocked(file),
				    fills ? WRITABLE_ALL : params->margin);
	ssize_t out;

	if (room == WRITABLE_GONE)
		return mute(stream);
	if (__fpending(file) * (wide ? 4 : 1) > room)
		return SINK_NO_ROOM;
	out = flush_whole(file);
	if (out <= 0)
		return mute(stream);
	params->bytes += (size_t)out;
	return SINK_FLUSHED;
}

static enum sink_result flush_front(struct sink_stream *stream, int fd, struct flush_params *params)
{
	size_t waiting = __fpending(stream->file);
	size_t lines = whole_lines(stream->file->_IO_write_base, waiting);
	size_t n = lines;
	ssize_t out;

	if (lines)
		stream->partial_since_ns = 0; /* the line that was kept back is complete now */
	if (lines < waiting && is_partial_line_due(stream, params))
		n = waiting;
	if (!n)
		return SINK_PARTIAL_LINE;
	out = write_front(stream, fd, n, params->margin);
	if (out < 0)
		return mute(stream);
	params->bytes += (size_t)out;
	if ((size_t)out < n)
		return SINK_NO_ROOM;
	if (n < waiting)
		return SINK_PARTIAL_LINE;
	stream->partial_since_ns = 0;
	return SINK_FLUSHED;
}

static enum sink_result flush_to(struct sink_stream *stream, int fd, struct flush_params *params)
{
	bool by_libc = is_for_libc(stream->file), disk;

	if (!stream_has_target(stream, fd))
		return mute(stream);
	disk = stream->target.kind == WRITABLE_DISK;
	if (disk && params->margin == WRITABLE_HALF)
		return SINK_DELEGATED; /* a disk may block: left to the flusher thread */
	if (params->borrows && by_libc) {
		fd_table_need();
		return SINK_DELEGATED;
	}
	atomic_store_explicit(&stream->muted, 0, memory_order_relaxed);
	return by_libc ? flush_by_libc(stream, params) : flush_front(stream, fd, params);
}

static enum sink_result flush_locked(struct sink_stream *stream, struct flush_params *params)
{
	int own = fileno_unlocked(stream->file), fd = own;
	enum sink_result result;

	if (!__fpending(stream->file))
		return SINK_CLEAN;
	if (params->borrows)
		fd = fd_table_borrow(own);
	result = fd < 0 && fd_table_is_needed() ? SINK_DELEGATED : flush_to(stream, fd, params);
	if (params->borrows)
		fd_table_give_back(fd);
	if (result == SINK_FLUSHED && params->ends)
		stream_buffer_shrink(&stream->buffer, stream->file);
	else if (result == SINK_FLUSHED && stream->target.kind != WRITABLE_DISK)
		stream_buffer_enlarge(&stream->buffer, stream->file);
	return result;
}

/* --- past the lock, where the process ends ---------------------------------------------------- */

/*
 * A thread was stopped inside stdio. May libc have written these bytes, and not have noted it yet?
 * That can be during a flush that the program asked for, when the buffer is full, and when a
 * line-buffered stream holds a whole line. Nobody can tell, so the bytes are left to libc.
 */
static bool may_be_written(const FILE *file)
{
	return program_flush_is_under_way() || file->_IO_write_ptr == file->_IO_buf_end ||
	       (__flbf((FILE *)file) &&
		whole_lines(file->_IO_write_base, __fpending((FILE *)file)));
}

void stream_abandon(struct sink_stream *stream)
{
	atomic_store(&stream->abandoned, platform_pid());
}

static bool is_abandoned(const struct sink_stream *stream)
{
	int by = atomic_load(&stream->abandoned);

	return by && by == platform_pid();
}

/*
 * Writes the stream without its lock. The thread that holds the lock is stopped, or has kept it for
 * as long as we may wait; every other thread that wants it is waiting. So the buffer no longer
 * changes, and the process ends now.
 */
static enum sink_result write_claimed(struct sink_stream *stream, struct flush_params *params)
{
	const FILE *file = stream->file;
	ssize_t written = -EBADF;
	size_t waiting;
	int fd;

	if (!platform_stdio_visible() || file->_mode > 0 || may_be_written(file))
		return SINK_CLEAN;
	waiting = stream_bytes(stream);
	if (waiting <= stream->written_unlocked)
		return SINK_CLEAN;
	waiting -= stream->written_unlocked;
	fd = params->borrows ? fd_table_borrow(file->_fileno) : file->_fileno;
	if (stream_has_target(stream, fd))
		written = writable_write(&stream->target, fd,
					 file->_IO_write_base + stream->written_unlocked, waiting,
					 WRITABLE_ALL);
	if (params->borrows)
		fd_table_give_back(fd);
	if (written < 0)
		return SINK_CLEAN;
	stream->written_unlocked += (size_t)written;
	params->bytes += (size_t)written;
	return (size_t)written < waiting ? SINK_NO_ROOM : SINK_FLUSHED;
}

/* One thread at a time: the one that ends the process may have given up waiting for the flusher. */
static enum sink_result write_past_lock(struct sink_stream *stream, struct flush_params *params)
{
	enum sink_result result;

	if (atomic_exchange(&stream->claimed, true))
		return SINK_CLEAN;
	result = write_claimed(stream, params);
	atomic_store(&stream->claimed, false);
	return result;
}

/* --- one stream ------------------------------------------------------------------------------- */

/*
 * Threads that print all the time free the lock for a moment after each line; trying for some ten
 * microseconds finds such a moment. If it is not found in some milliseconds, its holder is not
 * running.
 */
static unsigned lock_tries(const struct flush_params *params)
{
	if (params->mode == SINK_FORCE)
		return 100 * LOCK_SPINS;
	if (params->mode == SINK_ALL)
		return LOCK_SPINS;
	return params->margin == WRITABLE_HALF ? 1 : LOCK_SPINS / 5;
}

static bool try_lock(const struct sink_stream *stream, const struct flush_params *params)
{
	for (unsigned tries = lock_tries(params); tries; tries--)
		if (ftrylockfile(stream->file) == 0)
			return true;
	return false;
}

enum sink_result stream_flush(struct sink_stream *stream, struct flush_params *params)
{
	enum sink_result result;

	if (!stream_bytes(stream))
		return SINK_CLEAN;
	if (platform_stdio_locked_by_caller(stream->file))
		return SINK_CLEAN;
	/* Before the lock is tried: it is recursive, so its holder would get it. */
	if (is_abandoned(stream))
		return write_past_lock(stream, params);
	if (!try_lock(stream, params))
		return params->mode == SINK_FORCE ? write_past_lock(stream, params) : SINK_BUSY;
	result = flush_locked(stream, params);
	funlockfile(stream->file);
	return result;
}
