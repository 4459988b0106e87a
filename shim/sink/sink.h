/* sink.h -- a sink is something with pending bytes: C streams, how to ask and how to flush them */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SINK_H
#define IDLEFLUSH_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The result of a flush; of several sinks the greatest counts, as it leaves most to be done. */
enum sink_result {
	SINK_CLEAN,        /* nothing was pending, or nothing can be done until the file changes */
	SINK_FLUSHED,      /* everything that was pending has been written */
	SINK_DELEGATED,    /* another thread was asked to flush: check later whether it did */
	SINK_PARTIAL_LINE, /* everything but a line whose end is still to come */
	SINK_BUSY,         /* a thread is inside stdio: try again soon */
	SINK_NO_ROOM,      /* a write could block: try again later */
};

/* Why the flush is made, and so how much it may risk. */
enum sink_mode {
	SINK_WHOLE_LINES, /* an ordinary pass: whole lines only, with room to spare */
	SINK_ALL,         /* the last chance before a fork or the end: unfinished lines too */
	SINK_FORCE,       /* the process dies now: the same, even if a lock is not released */
};

struct flush_params {
	enum sink_mode mode;
	int64_t now_ns;         /* CLOCK_MONOTONIC */
	int64_t hold_ns;        /* how long a line without its end may be kept back; > 0 */
	int64_t armed_since_ns; /* since when something may be pending; 0: this is a heartbeat */
	size_t bytes;           /* out: the bytes written are added to this */
};

/* A C stream that is kept fresh. */
struct sink_stream {
	FILE *file;               /* NULL: none */
	_Atomic uint32_t muted;   /* nothing can be done for it until its file changes */
	_Atomic int abandoned;    /* the pid whose thread holds its lock for ever, or 0 */
	size_t written_unlocked;  /* bytes that were written without the lock */
	int64_t partial_since_ns; /* since when an unfinished line is kept back */
};

/*
 * Flushes one stream as far as that cannot block: it never waits for the stream's lock, and never
 * writes more than poll(2) and the fill level of the pipe promise room for. One thread at a time,
 * in a place where stdio may be called, so never in a signal handler. errno may change.
 */
enum sink_result stream_flush(struct sink_stream *stream, struct flush_params *params);

/*
 * Does it hold bytes that a flush could write? A hint, read without the lock; any context. For a
 * stream that cannot be flushed (a terminal) the answer is no until its file changes.
 */
bool stream_pending(const struct sink_stream *stream);

/*
 * The calling thread holds its lock and will never release it, because the process ends. From then
 * on the stream is written without the lock. glibc only; any context.
 */
void stream_abandon(struct sink_stream *stream);

/* Begins to watch the C streams stdout and stderr. Constructor only. */
void std_streams_init(void);

/* stream_pending for stdout or stderr; any context. */
bool std_streams_pending(void);

/* stream_flush for stdout and stderr; the flusher, an atfork prepare handler. */
enum sink_result std_streams_flush(struct flush_params *params);

/*
 * Can we tell who holds a stream's lock (with glibc we can)? And does the calling thread hold that
 * of stdout or stderr? Any context.
 */
bool std_streams_tells_owner(void);
bool std_streams_held_by_caller(void);

/* stream_abandon for those of the two whose lock the calling thread holds. */
void std_streams_abandon(void);

/* Discards what the C streams hold. In a forked child, for bytes that belong to its parent. */
void std_streams_drop(void);

/* fd 1 or 2 was replaced: streams that could not be flushed are tried again. Any context. */
void std_streams_file_changed(void);

/* Gives stdout a buffer of `size` bytes unless it is a terminal. Constructor, before output. */
void std_streams_set_buffer(size_t size);

#endif
