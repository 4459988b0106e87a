/* conn.c -- descriptor number -> what we know of the connection behind it */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table, in two levels. Runs are allocated on first use and never freed, because readers
 * take no lock.
 * Called from: host threads, signal handlers, the atfork child handler.
 * Locks: none. A run is published by compare-and-swap; entries are atomics, each a hint by itself.
 * A forked child gets a private copy of the table, as it gets a copy of the descriptors.
 */
#include "conn/conn.h"

#include <limits.h>

#include "shared/introspect.h"

#define RUNS_ASKED 16

/* In .bss: only pages in use take memory. */
LARGE struct conn_run *_Atomic conn_runs[CONN_RUNS];
LARGE struct conn_run conn_near[CONN_NEAR_RUNS];

static _Atomic bool any_paired; /* was there a conn_pair()? */
static _Atomic size_t highest;  /* the highest index in use */

static size_t last_run(void)
{
	return atomic_load_explicit(&highest, memory_order_relaxed);
}

static struct conn_run *make_run(size_t index)
{
	struct conn_run *there = NULL, *made;

	if (index < CONN_NEAR_RUNS)
		made = &conn_near[index];
	else
		made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&conn_runs[index], &there, made)) {
		size_t before = atomic_load(&highest);

		while (before < index && !atomic_compare_exchange_weak(&highest, &before, index))
			;
		return made;
	}
	if (made != there)
		syscall(SYS_munmap, made, sizeof(*made)); /* another thread was first */
	return there;
}

struct conn *conn_get(int fd)
{
	size_t index = (unsigned int)fd >> CONN_RUN_SHIFT;
	struct conn_run *run;
	int saved_errno;

	if (conn_is_used(fd) || index >= CONN_RUNS)
		return conn_find(fd);
	saved_errno = errno;
	run = make_run(index);
	errno = saved_errno;
	return run ? &run->conns[fd & (CONN_RUN_LENGTH - 1)] : NULL;
}

/*
 * The connection ends and framing starts afresh, unless another thread is using it at this moment.
 * Returns how many responses end with that.
 */
static inline unsigned end_framing(struct conn *conn)
{
	unsigned ended = 0;

	if (!conn_enter(conn, &conn->receiving))
		return 0;
	if (conn_enter(conn, &conn->sending)) {
		ended = http_lasts_until_close(&conn->out, &conn->in) && conn_is_servers(conn);
		memset(&conn->in, 0, sizeof(conn->in));
		memset(&conn->out, 0, sizeof(conn->out));
		conn_leave(&conn->sending);
	}
	conn_leave(&conn->receiving);
	return ended;
}

/* `ended` more responses were sent on it, and it is counted no longer. */
static void close_count(struct conn *conn, unsigned ended)
{
	ended += atomic_exchange_explicit(&conn->responses, 0, memory_order_relaxed);
	atomic_fetch_add_explicit(&library_status.closed_responses, ended, memory_order_relaxed);
}

unsigned conn_forget(struct conn *conn)
{
	unsigned ended = conn_kind(conn) != CONN_UNKNOWN ? end_framing(conn) : 0;

	if (ended || atomic_load_explicit(&conn->responses, memory_order_relaxed))
		close_count(conn, ended);
	atomic_store_explicit(&conn->turn, CONN_TURN_OVER, memory_order_relaxed);
	atomic_store_explicit(&conn->debugged_framing, HTTP_UNDECIDED, memory_order_relaxed);
	atomic_store_explicit(&conn->marks, 0, memory_order_relaxed);
	conn_set_kind(conn, CONN_UNKNOWN);
	return ended;
}

void conn_start(int fd, enum conn_kind kind)
{
	struct conn *conn = conn_get(fd);

	if (!conn)
		return;
	conn_forget(conn);
	conn_set_kind(conn, kind);
}

void conn_for_each(unsigned int first, unsigned int last, void (*visit)(struct conn *))
{
	const unsigned int most = ((unsigned int)last_run() + 1) * CONN_RUN_LENGTH - 1;

	if (last > most)
		last = most;
	for (unsigned int fd = first; fd <= last; fd++) {
		if (conn_is_used((int)fd))
			visit(conn_find((int)fd));
		else
			fd |= CONN_RUN_LENGTH - 1; /* this run was never used */
	}
}

int conn_fd(const struct conn *conn)
{
	for (size_t index = 0; index <= last_run(); index++) {
		struct conn_run *run =
			atomic_load_explicit(&conn_runs[index], memory_order_acquire);

		if (run && conn >= run->conns && conn < run->conns + CONN_RUN_LENGTH)
			return (int)(index * CONN_RUN_LENGTH) + (int)(conn - run->conns);
	}
	return -1;
}

/*
 * Is a response likely to come? Not on a connection that never sent one, such as a receiver of
 * datagrams or a pair of sockets that wakes an event loop.
 */
static bool is_answering(const struct conn *conn)
{
	enum conn_turn turn = conn_turn(conn);

	return turn == CONN_TURN_ANSWERED ||
	       (turn == CONN_TURN_ASKED &&
		atomic_load_explicit(&conn->responses, memory_order_relaxed));
}

static bool is_in_flight(const struct conn *conn)
{
	if (!conn_is_servers(conn))
		return false;
	if (http_is_opaque(&conn->in))
		return is_answering(conn);
	return http_in_flight(&conn->in, &conn->out);
}

static bool is_any_in_flight(const struct conn_run *run)
{
	for (size_t i = 0; i < CONN_RUN_LENGTH; i++)
		if (is_in_flight(&run->conns[i]))
			return true;
	return false;
}

bool conn_any_in_flight(void)
{
	static _Atomic size_t found; /* the run where one was in flight last, asked first */
	size_t runs = last_run() + 1, asked = 0;
	size_t index = atomic_load_explicit(&found, memory_order_relaxed);

	for (size_t i = 0; i < runs && asked < RUNS_ASKED; i++, index++) {
		struct conn_run *run;

		if (index >= runs)
			index = 0;
		run = atomic_load_explicit(&conn_runs[index], memory_order_acquire);
		if (run && is_any_in_flight(run)) {
			atomic_store_explicit(&found, index, memory_order_relaxed);
			return true;
		}
		asked += run != NULL;
	}
	return false;
}

/* Of one connection; if the process ends, so do those that last until close. */
static unsigned count(const struct conn *conn, bool ends)
{
	return atomic_load_explicit(&conn->responses, memory_order_relaxed) +
	       (ends && conn_is_servers(conn) && http_lasts_until_close(&conn->out, &conn->in));
}

static uint64_t count_all(bool ends)
{
	uint64_t sum = atomic_load_explicit(&library_status.closed_responses, memory_order_relaxed);

	for (size_t index = 0; index <= last_run(); index++) {
		struct conn_run *run =
			atomic_load_explicit(&conn_runs[index], memory_order_acquire);

		for (size_t i = 0; run && i < CONN_RUN_LENGTH; i++)
			sum += count(&run->conns[i], ends);
	}
	return sum;
}

uint64_t conn_responses(void)
{
	return count_all(true) - library_status.inherited_responses;
}

static void leave_end_to_child(struct conn *conn)
{
	if (atomic_fetch_and_explicit(&conn->marks, (uint8_t)~CONN_PAIRED, memory_order_relaxed) &
		    CONN_PAIRED &&
	    conn_kind(conn) == CONN_UNKNOWN)
		conn_set_kind(conn, CONN_CLIENT);
}

void conn_forked_in_parent(void)
{
	if (atomic_exchange_explicit(&any_paired, false, memory_order_relaxed))
		conn_for_each(0, UINT_MAX, leave_end_to_child);
}

void conn_begin_in_child(void)
{
	library_status.inherited_responses = count_all(false);
	atomic_store_explicit(&any_paired, false, memory_order_relaxed);
}

void conn_pair(int fd)
{
	struct conn *conn;

	conn_start(fd, CONN_UNKNOWN);
	conn = conn_find(fd);
	if (!conn)
		return;
	atomic_store_explicit(&conn->marks, CONN_PAIRED, memory_order_relaxed);
	atomic_store_explicit(&any_paired, true, memory_order_relaxed);
}

/* --- bytes to their framing ------------------------------------------------------------------ */

/* How many of the `*n` bytes that are left lie in this segment? They are taken off. */
static size_t take_segment(const struct iovec *iov, size_t *n)
{
	size_t part = iov->iov_len < *n ? iov->iov_len : *n;

	*n -= part;
	return part;
}

void conn_received(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
{
	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->receiving))
		return;
	if (!iov)
		http_receive(&conn->in, NULL, n);
	for (size_t i = 0; iov && i < count && n; i++)
		http_receive(&conn->in, iov[i].iov_base, take_segment(&iov[i], &n));
	conn_leave(&conn->receiving);
}

unsigned conn_sent(struct conn *conn, const struct iovec *iov, size_t count, size_t n)
{
	unsigned responses = 0;

	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->sending))
		return 0;
	if (!iov)
		responses = http_send(&conn->out, &conn->in, NULL, n);
	for (size_t i = 0; iov && i < count && n; i++)
		responses += http_send(&conn->out, &conn->in, iov[i].iov_base,
				       take_segment(&iov[i], &n));
	conn_count(conn, responses);
	conn_leave(&conn->sending);
	return responses;
}

unsigned conn_shut(struct conn *conn)
{
	unsigned responses;

	if (http_is_opaque(&conn->in) || !conn_enter(conn, &conn->sending))
		return 0;
	responses = http_shut(&conn->out, &conn->in);
	conn_count(conn, responses);
	conn_leave(&conn->sending);
	return responses;
}
