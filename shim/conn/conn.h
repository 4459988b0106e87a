/* conn.h -- descriptor number -> what we know about the connection behind it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CONN_H
#define IDLEFLUSH_CONN_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/platform.h"
#include "http/http.h"

/* What a descriptor is to us. Only server-side ones can have activity. */
enum conn_kind {
	CONN_UNKNOWN,  /* nothing seen since the number was last closed; every entry starts here */
	CONN_RECEIVED, /* read(2) returned bytes; the first send asks whether it is a socket */
	CONN_SERVER,   /* accepted, or an inherited socket that received */
	CONN_DATAGRAM, /* a datagram socket that received: each send is a response */
	/* Bytes that read(2) returns from these tell nothing: */
	CONN_CLIENT, /* the program connected it: its sends are requests */
	CONN_OTHER,  /* not a socket, or the same file as stdout or stderr */
	CONN_FILE,   /* CONN_RECEIVED, but not HTTP: most likely a file */
};

/* In a conversation that is not HTTP peer and server take turns: whose turn is it? */
enum conn_turn {
	CONN_TURN_OVER,     /* nothing was received, or the response was counted */
	CONN_TURN_ASKED,    /* bytes were received */
	CONN_TURN_ANSWERED, /* and then bytes were sent: the response ends with the next turn */
};

enum conn_mark {
	CONN_PAIRED = 1,      /* made by socketpair(2), and no fork since */
	CONN_TRIED = 2,       /* reads may be tried without waiting: wrap/read_try.c */
	CONN_NEVER_TRIED = 4, /* they may not; neither: not asked yet */
};

struct conn {
	alignas(64) struct http_in in;    /* under `receiving` */
	alignas(64) struct http_out out;  /* under `sending` */
	_Atomic uint8_t kind;             /* enum conn_kind */
	_Atomic uint8_t turn;             /* enum conn_turn */
	_Atomic bool receiving;           /* a thread is using `in` */
	_Atomic bool sending;             /* a thread is using `out` */
	_Atomic bool listed;              /* on the list of turn_taking.c */
	_Atomic uint8_t debugged_framing; /* enum http_framing that --debug reported last */
	_Atomic uint8_t marks;            /* enum conn_mark bits */
	_Atomic uint32_t responses;       /* that ended since the entry was reset: conn_count() */
	struct conn *next; /* on that list; written by the thread that set `listed` */
};

_Static_assert(sizeof(struct conn) == 128, "two cache lines, found by a shift");

/* The table: descriptors in runs, up to 2^20 - 1, the kernel's default fs.nr_open. */
#define CONN_RUN_SHIFT  6
#define CONN_RUN_LENGTH (1 << CONN_RUN_SHIFT)
#define CONN_RUNS       (1 << 14)

struct conn_run {
	struct conn conns[CONN_RUN_LENGTH];
};

HIDDEN extern struct conn_run *_Atomic conn_runs[CONN_RUNS]; /* written by conn.c only */

/* The runs of low numbers are found without a load. They are in the table only once they are used.
 */
#define CONN_NEAR_RUNS 16
HIDDEN extern struct conn_run conn_near[CONN_NEAR_RUNS];

/*
 * The entry of `fd`, or NULL: a high number, and nothing near it was ever stored. Any context.
 * Inline, as what follows, because every send and receive begins with it.
 */
static inline struct conn *conn_find(int fd)
{
	size_t index = (unsigned int)fd >> CONN_RUN_SHIFT;
	struct conn_run *run;

	if (LIKELY((unsigned int)fd < CONN_NEAR_RUNS * CONN_RUN_LENGTH))
		return &conn_near->conns[fd];
	if (index >= CONN_RUNS)
		return NULL;
	run = atomic_load_explicit(&conn_runs[index], memory_order_acquire);
	return run ? &run->conns[fd & (CONN_RUN_LENGTH - 1)] : NULL;
}

/* Do walks over the table visit that entry? If not, conn_get() sees to it. */
static inline bool conn_is_used(int fd)
{
	size_t index = (unsigned int)fd >> CONN_RUN_SHIFT;

	return index < CONN_RUNS &&
	       atomic_load_explicit(&conn_runs[index], memory_order_relaxed) != NULL;
}

static inline enum conn_kind conn_kind(const struct conn *conn)
{
	return (enum conn_kind)atomic_load_explicit(&conn->kind, memory_order_relaxed);
}

static inline void conn_set_kind(struct conn *conn, enum conn_kind kind)
{
	atomic_store_explicit(&conn->kind, kind, memory_order_relaxed);
}

static inline bool conn_is_servers(const struct conn *conn)
{
	enum conn_kind kind = conn_kind(conn);

	return kind == CONN_SERVER || kind == CONN_DATAGRAM;
}

/* Did read(2) return bytes, and was it not asked yet whether this is a socket? */
static inline bool conn_is_undecided(const struct conn *conn)
{
	enum conn_kind kind = conn_kind(conn);

	return kind == CONN_RECEIVED || kind == CONN_FILE;
}

/* Is there a peer for whose bytes a thread that reads may have to wait? */
static inline bool conn_has_peer(const struct conn *conn)
{
	enum conn_kind kind = conn_kind(conn);

	return kind >= CONN_SERVER && kind <= CONN_CLIENT;
}

static inline enum conn_turn conn_turn(const struct conn *conn)
{
	return (enum conn_turn)atomic_load_explicit(&conn->turn, memory_order_relaxed);
}

/*
 * Like conn_find, but makes the entry if there is none (one mmap for a run of descriptors); for
 * whoever is about to write to it. NULL if fd is negative or past the table (2^20), or there is no
 * memory. Any context: it calls mmap(2) only; errno is kept.
 */
struct conn *conn_get(int fd);

/* `fd` is of this kind from now on; resets everything else. Any context; errno is kept. */
void conn_start(int fd, enum conn_kind kind);

/*
 * `n` more responses ended. The sending side counts those of HTTP and nobody else, so this is no
 * locked instruction; the others are counted by turn_taking.c.
 */
static inline void conn_count(struct conn *conn, unsigned n)
{
	atomic_store_explicit(&conn->responses,
			      atomic_load_explicit(&conn->responses, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/*
 * Takes the flag `receiving` or `sending`. False if another thread, or the code that a signal
 * handler interrupted, has it: nobody waits, framing is given up for this connection.
 */
static inline bool conn_enter(struct conn *conn, _Atomic bool *side)
{
	if (!atomic_exchange_explicit(side, true, memory_order_acquire))
		return true;
	http_give_up(&conn->in);
	return false;
}

static inline void conn_leave(_Atomic bool *side)
{
	atomic_store_explicit(side, false, memory_order_release);
}

/*
 * The descriptor is about to be closed: its entry goes back to CONN_UNKNOWN. Returns how many
 * responses end with that, which are counted then. Any context.
 */
unsigned conn_forget(struct conn *conn);

/* Calls `visit` for each entry from first to last, both included. Any context. */
void conn_for_each(unsigned int first, unsigned int last, void (*visit)(struct conn *));

/* The descriptor of an entry. Searches the table; any context. */
int conn_fd(const struct conn *conn);

/*
 * Was a request received that is not answered yet? Asks 1024 connections at most, so that going
 * quiet costs no more with 200,000: a flush may then come before such a response. Any thread.
 */
bool conn_any_in_flight(void);

/*
 * The responses counted in this process, on closed connections too, and those that its end would
 * end. Any context.
 */
uint64_t conn_responses(void);

/*
 * `fd` is an end of a pair of sockets that this process made. If it then forks, a child serves on
 * such an end; what the parent sends are no responses, but jobs. Any context.
 */
void conn_pair(int fd);

/* After a fork. Atfork parent handler only. */
void conn_forked_in_parent(void);

/* In a forked child: what was counted so far is the parent's. Atfork child handler only. */
void conn_begin_in_child(void);

/*
 * --- a connection's bytes, handed to its framing
 *
 * One thread at a time for each side. If two threads use the same side of a connection at once,
 * neither waits, and framing is given up for that connection. Opaque connections are left alone.
 * All of these: any thread or signal handler.
 */

/* The first `n` bytes of `iov` were received; NULL: `n` bytes that we did not see. */
void conn_received(struct conn *conn, const struct iovec *iov, size_t count, size_t n);

/* The same for bytes that were sent. Returns how many responses ended; they are counted. */
unsigned conn_sent(struct conn *conn, const struct iovec *iov, size_t count, size_t n);

/*
 * The common case of conn_sent, while http_is_sending(): are all `n` bytes within a body that goes
 * on after them? If so they are accounted for. False: nothing was done, call conn_sent.
 */
static inline bool conn_sent_within_body(struct conn *conn, size_t n)
{
	bool within;

	if (atomic_exchange_explicit(&conn->sending, true, memory_order_acquire))
		return false;
	within = http_send_within_body(&conn->out, n);
	conn_leave(&conn->sending);
	return within;
}

/* conn_received and conn_sent for bytes in one piece, on a connection that is not opaque. */

static inline void conn_received_bytes(struct conn *conn, const void *buf, size_t n)
{
	if (!conn_enter(conn, &conn->receiving))
		return;
	http_receive_seen(&conn->in, buf, n);
	conn_leave(&conn->receiving);
}

static inline unsigned conn_sent_bytes(struct conn *conn, const void *buf, size_t n)
{
	unsigned responses;

	if (!conn_enter(conn, &conn->sending))
		return 0;
	responses = http_send_seen(&conn->out, &conn->in, buf, n);
	conn_count(conn, responses);
	conn_leave(&conn->sending);
	return responses;
}

/* Nothing more will be sent. Returns how many responses end with that; they are counted. */
unsigned conn_shut(struct conn *conn);

#endif
