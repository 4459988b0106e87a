/* sink_stdio.c -- the C streams stdout and stderr: pending bytes, room, flush */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two streams as they were at start. Should the program point `stdout` elsewhere, we
 * stay with the libc's own object, which is static in glibc and musl and so never dangles.
 * Called from: the flusher thread and atfork prepare (flush), host threads (pending).
 * Locks: a stream's own, by ftrylockfile only.
 * Never: fflush(NULL), a flush without room, O_NONBLOCK. (A flush stuck on a full pipe holds the
 * stream's lock: printf in other threads, exit and, with fflush(NULL), fork would hang with it.)
 */
#include "sink.h"

#include "platform.h"
#include "room.h"
#include "status.h"

#define EAGER 1000

static struct sink_stream streams[2];
STATUS_ENTRY(.address = &streams[0].file, .what = STATUS_STREAM, .size = sizeof(FILE *),
	     .records = 2, .stride = sizeof(struct sink_stream));
STATUS_ENTRY(.address = &streams[0].muted, .what = STATUS_MUTED, .size = sizeof(uint32_t),
	     .records = 2, .stride = sizeof(struct sink_stream));

static bool owner_told; /* written by the constructor only */

/* glibc's lock is no public thing: where it is not what it has always been, we do not look. */
static bool tells_owner(FILE *file)
{
	bool mine;

	if (!platform_stdio_visible() || platform_stdio_is_mine(file) || ftrylockfile(file))
		return false;
	mine = platform_stdio_is_mine(file);
	funlockfile(file);
	return mine && !platform_stdio_is_mine(file);
}

void sink_stdio_init(void)
{
	streams[0].file = stdout;
	streams[1].file = stderr;
	owner_told = tells_owner(stdout);
}

bool sink_stdio_tells_owner(void)
{
	return owner_told;
}

bool sink_stdio_held_by_caller(void)
{
	return owner_told && (platform_stdio_may_be_mine(streams[0].file) ||
			      platform_stdio_may_be_mine(streams[1].file));
}

static size_t pending(const struct sink_stream *stream)
{
	return stream->file ? __fpending(stream->file) : 0;
}

bool sink_stream_pending(const struct sink_stream *stream)
{
	return pending(stream) && !atomic_load_explicit(&stream->muted, memory_order_relaxed);
}

bool sink_stdio_pending(void)
{
	return sink_stream_pending(&streams[0]) || sink_stream_pending(&streams[1]);
}

size_t sink_stdio_bytes(void)
{
	return pending(&streams[0]) + pending(&streams[1]);
}

void sink_stdio_drop(void)
{
	for (size_t i = 0; i < 2; i++)
		if (sink_stream_pending(&streams[i]))
			__fpurge(streams[i].file);
}

void sink_stdio_file_changed(void)
{
	for (size_t i = 0; i < 2; i++)
		atomic_store_explicit(&streams[i].muted, 0, memory_order_relaxed);
}

/*
 * fflush; an error of ours is not left behind for the program's ferror to find, nor may the thread
 * end here that is to be cancelled: the program called fork, say, which is no place for that.
 */
static int flush_locked(FILE *file)
{
	int before = ferror_unlocked(file);
	int kept, failed;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &kept);
	failed = fflush_unlocked(file);
	pthread_setcancelstate(kept, NULL);
	if (failed && !before)
		clearerr_unlocked(file);
	return failed;
}

/*
 * Flushes the first `n` pending bytes of a glibc stream. stdio knows only "all"; but what lies
 * past _IO_write_ptr does not exist for it and is not touched by the flush, so the rest is hidden
 * there and moved to the front afterwards. glibc's own putc macros rely on these fields as well.
 */
static int flush_front(FILE *file, size_t n)
{
	char *rest = file->_IO_write_base + n;
	size_t left = (size_t)(file->_IO_write_ptr - rest);
	int failed;

	file->_IO_write_ptr = rest;
	failed = flush_locked(file);
	memmove(file->_IO_write_base, rest, left);
	file->_IO_write_ptr = file->_IO_write_base + left;
	return failed;
}

/* Bytes up to and including the last newline among the first `n`; 0: there is none. */
static size_t whole_lines(const char *text, size_t n)
{
	while (n && text[n - 1] != '\n')
		n--;
	return n;
}

/* May the unfinished line at the front go out as it is? Keeps the time since it was first seen. */
static bool tail_is_due(struct sink_stream *stream, const struct sink_order *order)
{
	if (order->mode != SINK_KEEP_LINES)
		return true;
	if (!stream->tail_ns)
		stream->tail_ns = order->now_ns;
	return order->now_ns - stream->tail_ns >= order->hold_ns;
}

/* One step: as much as there is room for. SINK_FLUSHED: something went out, ask again. */
static enum sink_result flush_step(struct sink_stream *stream, struct sink_order *order)
{
	FILE *file = stream->file;
	size_t waiting = __fpending(file);
	size_t room, n;
	int failed;

	if (!waiting) {
		stream->tail_ns = 0;
		return SINK_CLEAN;
	}
	room = room_for(fileno_unlocked(file), order->mode != SINK_KEEP_LINES);
	if (room == ROOM_NEVER) {
		atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
		return SINK_CLEAN;
	}
	atomic_store_explicit(&stream->muted, 0, memory_order_relaxed);
	if (!platform_stdio_visible() || file->_mode > 0) { /* opaque, or wide characters */
		if (waiting > room)
			return SINK_NO_ROOM;
		n = waiting;
		failed = flush_locked(file);
	} else {
		n = waiting < room ? waiting : room;
		n = whole_lines(file->_IO_write_base, n);
		if (!n && waiting > room)
			return SINK_NO_ROOM;
		if (!n && !tail_is_due(stream, order))
			return SINK_TAIL;
		if (!n)
			n = waiting;
		stream->tail_ns = 0;
		failed = flush_front(file, n);
	}
	if (failed) { /* the file went bad between poll and write: leave it to the program */
		atomic_store_explicit(&stream->muted, 1, memory_order_relaxed);
		return SINK_CLEAN;
	}
	order->bytes += n;
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
void sink_stdio_abandon(void)
{
	for (size_t i = 0; owner_told && i < 2; i++) {
		struct sink_stream *stream = &streams[i];

		if (!platform_stdio_is_mine(stream->file))
			continue;
		if (is_full(stream->file) && room_for(stream->file->_fileno, true))
			stream->gone = pending(stream);
		atomic_store(&stream->abandoned, getpid());
	}
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
static enum sink_result write_past_lock(struct sink_stream *stream, struct sink_order *order)
{
	const FILE *file = stream->file;
	size_t waiting, room;
	ssize_t written;

	if (!platform_stdio_visible() || file->_mode > 0 ||
	    (is_full(file) && !is_abandoned(stream)))
		return SINK_CLEAN;
	waiting = pending(stream);
	room = room_for(file->_fileno, true);
	if (room == ROOM_NEVER || waiting <= stream->gone)
		return SINK_CLEAN;
	waiting -= stream->gone;
	if (!room)
		return SINK_NO_ROOM;
	written = platform_write(file->_fileno, file->_IO_write_base + stream->gone,
				 waiting < room ? waiting : room);
	if (written < 0)
		return SINK_CLEAN;
	stream->gone += (size_t)written;
	order->bytes += (size_t)written;
	return (size_t)written < waiting ? SINK_NO_ROOM : SINK_FLUSHED;
}

/*
 * Threads that print all the time leave the lock free for a moment after each line: some ten
 * microseconds of trying find it. Some milliseconds, and who has it does not run.
 */
static bool try_lock(FILE *file, enum sink_mode mode)
{
	int tries = mode == SINK_KEEP_LINES ? 1 : mode == SINK_ALL ? EAGER : 100 * EAGER;

	while (tries-- > 0)
		if (ftrylockfile(file) == 0)
			return true;
	return false;
}

enum sink_result sink_stream_flush(struct sink_stream *stream, struct sink_order *order)
{
	enum sink_result result, last = SINK_CLEAN;

	if (!pending(stream))
		return SINK_CLEAN;
	if (platform_stdio_locked_by_caller(stream->file))
		return SINK_CLEAN;
	/* Tried first, it might be had all the same: locks are recursive. */
	if (is_abandoned(stream))
		return write_past_lock(stream, order);
	if (!try_lock(stream->file, order->mode))
		return order->mode == SINK_GASP ? write_past_lock(stream, order) : SINK_BUSY;
	while ((result = flush_step(stream, order)) == SINK_FLUSHED)
		last = SINK_FLUSHED;
	funlockfile(stream->file);
	return result > last ? result : last;
}

enum sink_result sink_stdio_flush(struct sink_order *order)
{
	enum sink_result out = sink_stream_flush(&streams[0], order);
	enum sink_result err = sink_stream_flush(&streams[1], order);

	return out > err ? out : err;
}

void sink_stdio_set_buffer(size_t size)
{
	size_t room = room_for(STDOUT_FILENO, false);
	char *buffer;

	if (room == ROOM_NEVER)
		return;
	/* A stream we cannot look into goes out whole or not at all: it must fit an empty pipe. */
	if (!platform_stdio_visible() && size > room)
		size = room;
	buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer != MAP_FAILED)
		setvbuf(stdout, buffer, _IOFBF, size); /* never freed: stdout outlives us */
}
