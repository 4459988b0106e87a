/* std_streams.c -- the C streams stdout and stderr */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the two streams as they were at start. If the program assigns to `stdout`, we stay with
 * libc's own object, which is static in glibc and musl and so never dangles.
 * Called from: the flusher thread and atfork prepare (flush), host threads (pending).
 */
#include "sink/sink.h"

#include "base/clock.h"
#include "base/handlers.h"
#include "base/platform.h"
#include "base/thread.h"
#include "shared/introspect.h"
#include "sink/stdio_lock.h"
#include "sink/wait_checks.h"
#include "sink/writable.h"

#define HANDOVER (20 * NS_PER_MS) /* a thread may lose its CPU in between */

static struct sink_stream streams[2];

static bool owner_told; /* written by the constructor only */

void std_streams_init(void)
{
	stream_watch(&streams[0], stdout);
	stream_watch(&streams[1], stderr);
	owner_told = stdio_lock_learn(stdout);
	for (size_t i = 0; i < 2; i++) {
		library_status.streams[i] = streams[i].file;
		library_status.muted[i] = &streams[i].muted;
	}
	wait_checks_init();
}

bool std_streams_tells_owner(void)
{
	return owner_told;
}

bool std_streams_locked_by_caller(void)
{
	return owner_told &&
	       (stdio_lock_may_be_mine(streams[0].file) || stdio_lock_may_be_mine(streams[1].file));
}

bool std_streams_held_by_caller(void)
{
	return owner_told &&
	       (!std_streams_lock_tells() || stdio_lock_stays_mine(streams[0].file, HANDOVER) ||
		stdio_lock_stays_mine(streams[1].file, HANDOVER));
}

bool std_streams_lock_tells(void)
{
	return owner_told && stdio_lock_is_used(streams[0].file) &&
	       !thread_may_hide_stdio(UINT64_MAX);
}

bool std_streams_pending(void)
{
	return stream_pending(&streams[0]) || stream_pending(&streams[1]);
}

bool std_streams_pending_here(void)
{
	return stream_pending_here(&streams[0]) || stream_pending_here(&streams[1]);
}

size_t std_streams_bytes(void)
{
	return stream_bytes(&streams[0]) + stream_bytes(&streams[1]);
}

void std_streams_drop(void)
{
	for (size_t i = 0; i < 2; i++)
		if (stream_pending(&streams[i]))
			__fpurge(streams[i].file);
}

void std_streams_descriptor_changed(int fd, enum sink_descriptor how)
{
	if (fd == STDOUT_FILENO)
		std_streams_take_back_buffer();
	for (size_t i = 0; i < 2; i++)
		if (streams[i].file && fd == (int)i + STDOUT_FILENO) /* musl's fileno may wait */
			stream_descriptor_changed(&streams[i], how);
}

void std_streams_abandon(bool interrupted)
{
	for (size_t i = 0; owner_told && i < 2; i++)
		if (stdio_lock_stays_mine(streams[i].file, HANDOVER) ||
		    (interrupted && !stdio_lock_is_used(streams[i].file)))
			stream_abandon(&streams[i]);
}

enum sink_result std_streams_flush(struct flush_params *params)
{
	enum sink_result out = stream_flush(&streams[0], params);
	enum sink_result err = stream_flush(&streams[1], params);

	return sink_result_greater(out, err);
}

bool std_streams_can_flush(void)
{
	return streams[0].target.kind != WRITABLE_NEVER;
}

bool std_streams_are_piped(void)
{
	return streams[0].target.kind == WRITABLE_PIPE || streams[0].target.kind == WRITABLE_SOCKET;
}

void std_streams_want_buffer(size_t size)
{
	streams[0].buffer.wanted = size;
}

/* In a forked child libc may have replaced it, where we do not see that: daemon, forkpty. */
static bool are_still_piped(void)
{
	struct writable known = streams[0].target;

	return std_streams_are_piped() && writable_is_behind(&known, STDOUT_FILENO);
}

/* Only where the owner of the lock tells who prints: a signal handler may take it back. */
void std_streams_begin_buffer(void)
{
	FILE *file = streams[0].file;

	if (!streams[0].buffer.wanted || !platform_stdio_visible() || !std_streams_lock_tells() ||
	    std_streams_locked_by_caller() || fileno_unlocked(file) != STDOUT_FILENO ||
	    !are_still_piped() || ftrylockfile(file))
		return;
	if (!stream_buffer_begin(&streams[0].buffer, file))
		stream_buffer_enlarge(&streams[0].buffer, file);
	funlockfile(file);
}

void std_streams_take_back_buffer(void)
{
	FILE *file = streams[0].file;

	if (!file || !stream_buffer_is_unused(&streams[0].buffer, file) ||
	    (std_streams_locked_by_caller() && handlers_may_be_running()) || ftrylockfile(file))
		return;
	stream_buffer_take_back(&streams[0].buffer, file);
	funlockfile(file);
}

void std_streams_give_back_buffer(void)
{
	FILE *file = streams[0].file;

	if (!file || !streams[0].buffer.libcs || ftrylockfile(file))
		return;
	stream_buffer_shrink(&streams[0].buffer, file);
	funlockfile(file);
}
