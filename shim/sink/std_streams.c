/* std_streams.c -- the C streams stdout and stderr */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two streams as they were at start. If the program assigns to `stdout`, we stay with
 * libc's own object, which is static in glibc and musl and so never dangles.
 * Called from: the flusher thread and atfork prepare (flush), host threads (pending).
 */
#include "sink/sink.h"

#include "base/platform.h"
#include "shared/introspect.h"
#include "sink/writable.h"

static struct sink_stream streams[2];
STATUS_ENTRY(.address = &streams[0].file, .what = STATUS_STREAM, .size = sizeof(FILE *),
	     .records = 2, .stride = sizeof(struct sink_stream));
STATUS_ENTRY(.address = &streams[0].muted, .what = STATUS_MUTED, .size = sizeof(uint32_t),
	     .records = 2, .stride = sizeof(struct sink_stream));

static bool owner_told; /* written by the constructor only */

/* glibc's lock is not public: we rely on its layout only if it behaves as it always has. */
static bool tells_owner(FILE *file)
{
	bool mine;

	if (!platform_stdio_visible() || platform_stdio_is_mine(file) || ftrylockfile(file))
		return false;
	mine = platform_stdio_is_mine(file);
	funlockfile(file);
	return mine && !platform_stdio_is_mine(file);
}

void std_streams_init(void)
{
	streams[0].file = stdout;
	streams[1].file = stderr;
	owner_told = tells_owner(stdout);
}

bool std_streams_tells_owner(void)
{
	return owner_told;
}

bool std_streams_held_by_caller(void)
{
	return owner_told && (platform_stdio_may_be_mine(streams[0].file) ||
			      platform_stdio_may_be_mine(streams[1].file));
}

bool std_streams_pending(void)
{
	return stream_pending(&streams[0]) || stream_pending(&streams[1]);
}

void std_streams_drop(void)
{
	for (size_t i = 0; i < 2; i++)
		if (stream_pending(&streams[i]))
			__fpurge(streams[i].file);
}

void std_streams_file_changed(void)
{
	for (size_t i = 0; i < 2; i++)
		atomic_store_explicit(&streams[i].muted, 0, memory_order_relaxed);
}

void std_streams_abandon(void)
{
	for (size_t i = 0; owner_told && i < 2; i++)
		if (platform_stdio_is_mine(streams[i].file))
			stream_abandon(&streams[i]);
}

enum sink_result std_streams_flush(struct flush_params *params)
{
	enum sink_result out = stream_flush(&streams[0], params);
	enum sink_result err = stream_flush(&streams[1], params);

	return out > err ? out : err;
}

void std_streams_set_buffer(size_t size)
{
	size_t room = writable_bytes(STDOUT_FILENO, false);
	char *buffer;

	if (room == WRITABLE_NEVER)
		return;
	/* musl's streams are flushed whole or not at all, so the buffer must fit an empty pipe. */
	if (!platform_stdio_visible() && size > room)
		size = room;
	buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer != MAP_FAILED)
		setvbuf(stdout, buffer, _IOFBF, size); /* never freed: stdout outlives us */
}
