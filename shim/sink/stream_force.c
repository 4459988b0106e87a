/* stream_force.c -- a C stream is written without its lock, for the process ends */
/* SPDX-License-Identifier: MIT */
/* Called from: the flusher thread, a thread that ends the process, our signal handlers. */
#include "sink/stream_force.h"

#include "base/fd_table.h"
#include "base/platform.h"
#include "sink/program_flush.h"

_Atomic uint32_t program_flushes;

static bool has_line(const char *text, const char *end)
{
	while (text < end && *text != '\n')
		text++;
	return text < end;
}

/*
 * A thread was stopped inside stdio: may libc have written these bytes already, and only not noted
 * it yet? It writes in a flush of the program's, when the buffer is full to its last byte, and when
 * a stream by lines has one. Then they are left to libc, for nobody can tell.
 */
static bool may_be_written(const FILE *file)
{
	return program_flush_is_under_way() || file->_IO_write_ptr == file->_IO_buf_end ||
	       (__flbf((FILE *)file) && has_line(file->_IO_write_base, file->_IO_write_ptr));
}

void stream_abandon(struct sink_stream *stream)
{
	atomic_store(&stream->abandoned, getpid());
}

bool stream_is_abandoned(const struct sink_stream *stream)
{
	int by = atomic_load(&stream->abandoned);

	return by && by == getpid();
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

/* By one thread a time: who ends the process may wait for the flusher no longer. */
enum sink_result stream_write_past_lock(struct sink_stream *stream, struct flush_params *params)
{
	enum sink_result result;

	if (atomic_exchange(&stream->claimed, true))
		return SINK_CLEAN;
	result = write_claimed(stream, params);
	atomic_store(&stream->claimed, false);
	return result;
}
