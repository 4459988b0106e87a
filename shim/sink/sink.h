/* sink.h -- C streams as sinks: do they hold pending bytes, and how are they flushed? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SINK_H
#define IDLEFLUSH_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/platform.h"
#include "sink/stream_buffer.h"
#include "sink/writable.h"

/* The result of a flush. Of several results the greatest counts: it leaves the most to be done. */
enum sink_result {
	SINK_CLEAN,        /* nothing was pending, or nothing can be done until the file changes */
	SINK_FLUSHED,      /* everything that was pending has been written */
	SINK_DELEGATED,    /* another thread was asked to flush: check later whether it did */
	SINK_PARTIAL_LINE, /* everything but a line whose end is still to come */
	SINK_BUSY,         /* a thread is inside stdio: try again soon */
	SINK_NO_ROOM,      /* a write could block: try again later */
};

static inline enum sink_result sink_result_greater(enum sink_result a, enum sink_result b)
{
	return a > b ? a : b;
}

/* Why the flush is made, and so how much it may risk. */
enum sink_mode {
	SINK_WHOLE_LINES, /* an ordinary pass: whole lines only, with room to spare */
	SINK_ALL,         /* the last chance before a fork or the end: unfinished lines too */
	SINK_FORCE,       /* the process dies now: the same, even if a lock is not released */
};

struct flush_params {
	enum sink_mode mode;
	enum writable_margin margin;
	bool ends;    /* exit(3) may follow, whose flush without locks is the shorter, the better */
	bool borrows; /* this thread has a descriptor table of its own: see base/fd_table.h */
	bool found_late;        /* out: a runtime held bytes that no wait had asked to flush */
	int64_t now_ns;         /* CLOCK_MONOTONIC */
	int64_t hold_ns;        /* how long a line without its end may be kept back; > 0 */
	int64_t armed_since_ns; /* since when something may be pending; 0: this is a heartbeat */
	size_t bytes;           /* out: the bytes written are added to this */
};

/* What happened to the descriptor of a stream since its file was last identified. */
enum sink_descriptor {
	DESCRIPTOR_SAME,
	DESCRIPTOR_REPLACED, /* by dup2(2) or its like: the stream's bytes are for the new file */
	DESCRIPTOR_CLOSED,   /* the stream's bytes are not for whatever gets the number next */
};

/* A C stream that is kept fresh. */
struct sink_stream {
	FILE *file;                  /* NULL: none */
	struct stream_buffer buffer; /* under the stream's lock */
	_Atomic uint32_t descriptor; /* enum sink_descriptor */
	_Atomic uint32_t muted;      /* nothing can be done for it until its file changes */
	_Atomic bool claimed;        /* somebody is writing past the lock */
	_Atomic int abandoned;       /* the pid whose thread holds its lock for ever, or 0 */
	size_t written_unlocked;     /* bytes that were written without the lock */
	int64_t partial_since_ns;    /* since when an unfinished line is kept back */
	struct writable target;      /* the file that its bytes are for; set by whoever flushes */
};

/* Begins to watch `file`. */
void stream_watch(struct sink_stream *stream, FILE *file);

/*
 * Does `fd`, its descriptor, refer to the file that its pending bytes are for? Identifies the file
 * again after the descriptor was replaced. For the thread that flushes.
 */
bool stream_has_target(struct sink_stream *stream, int fd);

/* Its descriptor was replaced, or closed. Any context. */
void stream_descriptor_changed(struct sink_stream *stream, enum sink_descriptor how);

/*
 * Flushes one stream as far as that cannot block: it never waits for the stream's lock, and writes
 * by writable_write() if it can read the stream's buffer. One thread at a time, in a place where
 * stdio may be called, so never in a signal handler. errno may change.
 */
enum sink_result stream_flush(struct sink_stream *stream, struct flush_params *params);

/*
 * Does it hold bytes that a flush could write? A hint, read without the lock; any context. For a
 * stream that cannot be flushed (a terminal) the answer is no until its file changes.
 */
bool stream_pending(const struct sink_stream *stream);

/* The same for a thread that is about to wait: files on disk are left to the flusher thread. */
bool stream_pending_here(const struct sink_stream *stream);

/* The number of bytes in its buffer. A hint; any context. */
size_t stream_bytes(const struct sink_stream *stream);

/*
 * The calling thread holds its lock and will never release it, because the process ends. From then
 * on the stream is written without the lock. glibc only; any context.
 */
void stream_abandon(struct sink_stream *stream);

/* Begins to watch the C streams stdout and stderr. Constructor only. */
void std_streams_init(void);

/* Can stdout be flushed: is it open, and neither a terminal nor a message socket? */
bool std_streams_can_flush(void);

/* Is stdout a pipe or a socket? stderr may be a file: it has no buffer, as a rule. */
bool std_streams_are_piped(void);

/* stream_pending for stdout or stderr; any context. */
bool std_streams_pending(void);
bool std_streams_pending_here(void);

/* The number of bytes in both buffers. A hint; any context. */
size_t std_streams_bytes(void);

/*
 * Does the owner of stdout's lock tell which thread is inside stdio? With glibc it does once there
 * was a second thread; until then putc takes no lock. Any context.
 */
bool std_streams_lock_tells(void);

/* stream_flush for stdout and stderr; the flusher, an atfork prepare handler. */
enum sink_result std_streams_flush(struct flush_params *params);

/*
 * Does this libc tell who holds a stream's lock? Does the calling thread hold that of stdout or
 * stderr? May it be inside one of them, or a handler that it runs have interrupted that, even
 * without a lock? (This may take 20 ms, where threads lose their CPU at the lock.) Any context.
 */
bool std_streams_tells_owner(void);
bool std_streams_locked_by_caller(void);
bool std_streams_held_by_caller(void);

/*
 * The calling thread will not run again: its streams are written although it holds their locks, or
 * although it may be inside one that it does not lock (`interrupted`, by a signal).
 */
void std_streams_abandon(bool interrupted);

/* Discards what the C streams hold. In a forked child, for bytes that belong to its parent. */
void std_streams_drop(void);

/* `fd` was replaced or is about to be closed. Any context. */
void std_streams_descriptor_changed(int fd, enum sink_descriptor how);

/*
 * Gives stdout a buffer of `size` bytes as soon as the flusher thread runs, or at the first pass;
 * see stream_buffer.h. 0: keeps libc's own. Constructor only.
 */
void std_streams_want_buffer(size_t size);

/*
 * Gives it to stdout at once, if that is a pipe or a stream socket, and if nothing is pending. The
 * flusher thread must run, or a program that only computes would print later than without us. Host
 * threads; errno may change.
 */
void std_streams_begin_buffer(void);

/*
 * Takes it back if nothing was printed yet: the program forks, replaces the descriptor or sets how
 * stdout is buffered, or we fall asleep. Any context; errno may change.
 */
void std_streams_take_back_buffer(void);

/* stdout gets libc's own size back, because no thread of ours runs here. Any context. */
void std_streams_give_back_buffer(void);

#endif
