/* introspect.h -- the library's state, as `idleflush --check --pid` reads it */
/* SPDX-License-Identifier: MIT */
/*
 * The command reads the memory of the library from outside (/proc/PID/mem), while the process runs.
 * A note in the library's ELF headers, which are in memory too, says where its `library_status` is.
 * Most of what it holds is kept nowhere else; for the rest it says where that is.
 * STATUS_NOTE_TYPE is the version of this layout: a command reads no other than its own.
 */
#ifndef IDLEFLUSH_INTROSPECT_H
#define IDLEFLUSH_INTROSPECT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define STATUS_NOTE      "idleflush" /* the note's name */
#define STATUS_NOTE_TYPE 4

#define STATUS_STD_STREAMS   2    /* stdout and stderr */
#define STATUS_EXTRA_STREAMS 1024 /* others that are kept fresh */

/* Life of the flusher in one process. */
enum flusher_mode {
	FLUSHER_ASLEEP,   /* nothing at all is done: before init, after stop, after any failure */
	FLUSHER_WANTED,   /* awake, the thread starts at the next sign of a server */
	FLUSHER_STARTING, /* one thread is creating it */
	FLUSHER_RUNNING,
};

/* A buffer of a language runtime, as a wait has seen it; NULL: none has. */
struct status_buffer {
	const char *from;
	char *const *to; /* where its end is kept */
};

/* Addresses are of the process itself. Times are CLOCK_MONOTONIC nanoseconds, 0: never. */
struct status {
	const char *_Atomic
		says; /* what was decided, ending in "asleep" if it sleeps; NULL: nothing */

	/* The state that wrappers and thread share, and where in it are: */
	const void *const *flusher;
	uint32_t mode;          /* uint32_t: enum flusher_mode */
	uint32_t owner;         /* pid_t: whose state this is, by getpid(2); 0: wiped or asleep */
	uint32_t armed_since;   /* int64_t: the first activity since the last pass; 0: none */
	uint32_t last_activity; /* int64_t: the last activity that the thread saw */

	/* What was done in this process, by the thread that makes a pass or holds Python's GIL. */
	_Atomic uint64_t flushes;  /* passes that wrote bytes */
	_Atomic uint64_t at_waits; /* those made or asked for at a wait of the program */
	_Atomic uint64_t bytes;
	_Atomic uint64_t no_room;    /* passes deferred because a write could have blocked */
	_Atomic uint64_t heartbeats; /* passes that no activity had armed */
	_Atomic int64_t oldest_ns;   /* the longest time from arming to flush */
	_Atomic int64_t flushed_ns;  /* the last pass that wrote bytes */
	_Atomic int64_t retry_ns;    /* when to try again; 0: nothing was deferred */

	/* Responses: of connections that were closed; and a uint32_t in each entry of the table. */
	_Atomic uint64_t closed_responses;
	_Atomic uint64_t inherited_responses; /* so many of all these are the parent's */
	const void *conn_runs; /* pointers to runs of entries, NULL: a run that was never used */
	uint32_t conn_run_count, conn_run_length, conn_size, conn_responses;

	struct status_buffer perl, ocaml; /* what they hold for stdout */
	_Atomic uint32_t python;          /* there is an interpreter, and its buffers are hidden */

	/* C streams that are kept fresh, or NULL; is it given up until its file changes? */
	const _Atomic uint32_t *muted[STATUS_STD_STREAMS];
	void *_Atomic streams[STATUS_STD_STREAMS + STATUS_EXTRA_STREAMS]; /* large: in the end */
};

/* The note's content. */
struct status_note {
	int32_t status;   /* from here to library_status */
	char version[20]; /* of the library */
};

extern struct status library_status __attribute__((visibility("hidden")));

/* A flush wrote `bytes` > 0 at `now_ns`; the first of them had been pending for `age_ns`. */
static inline void status_count_flush(size_t bytes, int64_t now_ns, int64_t age_ns)
{
	library_status.flushes++;
	library_status.bytes += bytes;
	library_status.flushed_ns = now_ns;
	if (age_ns > library_status.oldest_ns)
		library_status.oldest_ns = age_ns;
}

#endif
