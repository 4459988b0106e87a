/* sink.h -- what can be flushed: how much is pending, is there room, flush */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SINK_H
#define IDLEFLUSH_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What became of a flush, the more pressing the greater: of several sinks the greatest counts. */
enum sink_result {
	SINK_CLEAN,        /* nothing was pending, or nothing can be done until the file changes */
	SINK_FLUSHED,      /* all that was pending is out */
	SINK_DELEGATED,    /* left with somebody who will, most likely: come again to see */
	SINK_PARTIAL_LINE, /* all but a line whose end is still to come */
	SINK_BUSY,         /* a thread is inside stdio: come again soon */
	SINK_NO_ROOM,      /* a flush could block: come again later */
};

/* Who asks, and so how much may be risked. */
enum sink_mode {
	SINK_WHOLE_LINES, /* the flusher: whole lines only, with room to spare */
	SINK_ALL,         /* the last chance before a fork or the end: unfinished lines too */
	SINK_FORCE, /* the same where the process dies now: also past a lock that is not released */
};

struct flush_params {
	enum sink_mode mode;
	int64_t now_ns;         /* CLOCK_MONOTONIC */
	int64_t hold_ns;        /* how long a line without its end may be kept back; > 0 */
	int64_t armed_since_ns; /* since when something may be pending; 0: this is a heartbeat */
	size_t bytes;           /* out: how many bytes went out are added here */
};

/* A C stream that is kept fresh. */
struct sink_stream {
	FILE *file;               /* NULL: none */
	_Atomic uint32_t muted;   /* nothing can be done for it until its file changes */
	_Atomic int abandoned;    /* the process whose thread has its lock and never releases it */
	size_t written_unlocked;  /* bytes that were written past the lock; who flushes writes */
	int64_t partial_since_ns; /* since when an unfinished line is kept back; who flushes writes
				   */
};

/*
 * Flushes one stream as far as that cannot block: never waits for the stream's lock, never writes
 * where poll(2) and the pipe's fill do not promise room. One thread a time; from a thread of the
 * process that may run stdio, never from a signal handler. errno may change.
 */
enum sink_result stream_flush(struct sink_stream *stream, struct flush_params *params);

/*
 * Does it hold bytes that a flush could bring out? Reads without the lock, so a hint; any context.
 * One for which nothing can be done (a terminal) says no until the next flush finds otherwise.
 */
bool stream_pending(const struct sink_stream *stream);

/* Bytes in its buffer, a hint likewise; any context. */
size_t stream_bytes(const struct sink_stream *stream);

/*
 * The calling thread has its lock and never releases it, for the process ends. From then on it is
 * written past the lock. glibc only; any context.
 */
void stream_abandon(struct sink_stream *stream);

/* Takes hold of the C streams stdout and stderr. Constructor only. */
void std_streams_init(void);

/* stream_pending for stdout or stderr; any context. */
bool std_streams_pending(void);

/* Bytes in stdout's and stderr's buffers, a hint likewise; any context. */
size_t std_streams_bytes(void);

/* stream_flush for stdout and stderr; the flusher, an atfork prepare handler. */
enum sink_result std_streams_flush(struct flush_params *params);

/*
 * Does the libc tell who has a stream's lock (glibc does)? And is it the calling thread, that of
 * stdout or stderr? Any context.
 */
bool std_streams_tells_owner(void);
bool std_streams_held_by_caller(void);

/* The calling thread never releases those that it has: they are written past their locks. */
void std_streams_abandon(void);

/* Throws away what the C streams hold. In a forked child, for bytes that are its parent's. */
void std_streams_drop(void);

/* fd 1 or 2 was replaced: streams that were given up are looked at anew. Any context. */
void std_streams_file_changed(void);

/* Gives stdout a buffer of `size` bytes where it is no terminal. Constructor only, before output.
 */
void std_streams_set_buffer(size_t size);

#endif
