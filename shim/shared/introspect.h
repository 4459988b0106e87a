/* introspect.h -- where in the library its state is, for `idleflush --check --pid` to read */
/* SPDX-License-Identifier: MIT */
/*
 * `--check --pid` reads the variables of the library from outside (/proc/PID/mem), while the
 * process runs. A line beside such a variable makes an entry that says where it is and what it
 * means, so nothing is copied or kept up to date here. The entries stand in one section of the
 * library; a note in its ELF headers, which are in memory too, says where that is.
 *
 * Entries are understood across versions: a number in enum status_what keeps its meaning for ever,
 * one that the command does not know is skipped, and entries may only grow at their end.
 */
#ifndef IDLEFLUSH_INTROSPECT_H
#define IDLEFLUSH_INTROSPECT_H

#include <stddef.h>
#include <stdint.h>

#define STATUS_NOTE      "idleflush" /* the note's name */
#define STATUS_NOTE_TYPE 1
#define STATUS_SECTION   "idleflush_status"
#define STATUS_MAGIC     0x49644c66

/* Life of the flusher in one process: the value of STATUS_MODE. */
enum flusher_mode {
	FLUSHER_ASLEEP,   /* nothing at all is done: before init, after stop, after any failure */
	FLUSHER_WANTED,   /* awake, the thread starts at the next sign of a server */
	FLUSHER_STARTING, /* one thread is creating it */
	FLUSHER_RUNNING,
};

/* What a value is. Several entries of the same kind are added up (STATUS_OLDEST: the greatest). */
enum status_what {
	STATUS_SAYS = 1,        /* char *: what was decided, ending in "asleep" where it sleeps */
	STATUS_MODE = 2,        /* uint32_t: enum flusher_mode */
	STATUS_OWNER = 3,       /* pid_t: whose state this is, by getpid(2); 0: wiped or asleep */
	STATUS_ARMED_SINCE = 4, /* int64_t: the first activity since the last pass; 0: none */
	STATUS_ACTIVITY = 5,    /* int64_t: the last activity that the thread saw */
	STATUS_LAST_PASS = 6,   /* int64_t: the last pass */
	STATUS_RETRY = 7,       /* int64_t: when it comes again for what it put off; 0: nothing */
	STATUS_RESPONSES = 8,   /* uint32_t or uint64_t */
	STATUS_INHERITED = 9,   /* uint64_t: so many of the responses are the parent's */
	STATUS_FLUSHES = 10,    /* uint64_t, as those that follow; see struct pass_counts */
	STATUS_BYTES = 11,
	STATUS_NO_ROOM = 12,
	STATUS_HEARTBEATS = 13,
	STATUS_OLDEST = 14,  /* int64_t, nanoseconds */
	STATUS_FLUSHED = 15, /* int64_t: the last pass that wrote bytes */
	STATUS_STREAM = 16,  /* FILE *: a stream that is kept fresh, or NULL */
	STATUS_MUTED = 17,   /* uint32_t: not 0 where a stream is given up until its file changes */
	STATUS_WHATS
};

/*
 * Where a value is: `address`, or behind each of `pointers` pointers that stand there `step` bytes
 * apart (a NULL among them is skipped). In each place are `records` records `stride` bytes apart,
 * and the value is `size` bytes at `offset` of each.
 */
struct status_entry {
	uint32_t magic; /* STATUS_MAGIC: tells where the entries begin and end */
	uint32_t what;  /* enum status_what */
	const volatile void *address;
	uint32_t size, offset;
	uint32_t records, stride;
	uint32_t pointers, step;
};

/* The note's descriptor. */
struct status_note {
	int32_t entry;       /* from here to one of the entries, which stand side by side */
	uint32_t entry_size; /* of one */
	char version[20];    /* of the library */
};

#define STATUS_JOIN_(a, b) a##b
#define STATUS_JOIN(a, b)  STATUS_JOIN_(a, b)

#define STATUS_NAMED(name, ...)                                                                    \
	static const struct status_entry name                                                      \
		__attribute__((used, aligned(8), section(STATUS_SECTION))) = {STATUS_MAGIC,        \
									      __VA_ARGS__}

/* One entry; arguments as in struct status_entry, by name. */
#define STATUS_ENTRY(...) STATUS_NAMED(STATUS_JOIN(status_entry_, __LINE__), __VA_ARGS__)

/* The entry of a variable. */
#define STATUS(kind, variable)                                                                     \
	STATUS_ENTRY(.what = (kind), .address = &(variable), .size = sizeof(variable), .records = 1)

/* The entry of a field of the struct, of `type`, that `pointer` points to. */
#define STATUS_BEHIND(kind, pointer, type, field)                                                  \
	STATUS_ENTRY(.what = (kind), .address = &(pointer), .size = sizeof(((type *)0)->field),    \
		     .offset = offsetof(type, field), .records = 1, .pointers = 1)

#endif
