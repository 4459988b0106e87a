/* conn.c -- descriptor number -> what we know of the connection behind it */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the table, two levels, runs allocated on first use and never freed (readers take no lock).
 * Called from: host threads, signal handlers, the atfork child handler.
 * Locks: none. A run is published by compare-and-swap; entries are atomics, each a hint by itself.
 * In a forked child the table is a private copy, which is right: the descriptors were copied too.
 */
#include "conn.h"

#include "platform.h"

#define RUN_SHIFT  6
#define RUN_LENGTH (1 << RUN_SHIFT)
#define RUNS       (1 << 14) /* descriptors up to 2^20 - 1, the kernel's default fs.nr_open */

struct run {
	struct conn conns[RUN_LENGTH];
};

static struct run *_Atomic runs[RUNS]; /* in .bss: only what is touched takes memory */
static _Atomic uint64_t gone;          /* responses of connections that were closed */
static uint64_t inherited;             /* the parent's count at our fork; written by the child */

struct conn *conn_find(int fd)
{
	size_t index = (unsigned int)fd >> RUN_SHIFT;
	struct run *run;

	if (UNLIKELY(index >= RUNS))
		return NULL;
	run = atomic_load_explicit(&runs[index], memory_order_acquire);
	return run ? &run->conns[fd & (RUN_LENGTH - 1)] : NULL;
}

static struct run *make_run(size_t index)
{
	struct run *there = NULL;
	struct run *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (made == MAP_FAILED)
		return NULL;
	if (atomic_compare_exchange_strong(&runs[index], &there, made))
		return made;
	munmap(made, sizeof(*made)); /* another thread was first */
	return there;
}

struct conn *conn_get(int fd)
{
	struct conn *conn = conn_find(fd);
	size_t index = (unsigned int)fd >> RUN_SHIFT;
	struct run *run;

	if (conn || index >= RUNS)
		return conn;
	run = make_run(index);
	return run ? &run->conns[fd & (RUN_LENGTH - 1)] : NULL;
}

static void reset(struct conn *conn, enum conn_kind kind)
{
	uint32_t responses = atomic_exchange_explicit(&conn->responses, 0, memory_order_relaxed);

	if (responses)
		atomic_fetch_add_explicit(&gone, responses, memory_order_relaxed);
	atomic_store_explicit(&conn->kind, kind, memory_order_relaxed);
}

void conn_set(int fd, enum conn_kind kind)
{
	struct conn *conn = conn_get(fd);

	if (conn)
		reset(conn, kind);
}

void conn_forget(int fd)
{
	struct conn *conn = conn_find(fd);

	if (conn)
		reset(conn, CONN_UNKNOWN);
}

void conn_forget_range(unsigned int first, unsigned int last)
{
	const unsigned int most = (RUNS << RUN_SHIFT) - 1;

	if (last > most)
		last = most;
	for (unsigned int fd = first; fd <= last; fd++)
		if (atomic_load_explicit(&runs[fd >> RUN_SHIFT], memory_order_acquire))
			conn_forget((int)fd);
		else
			fd |= RUN_LENGTH - 1; /* nothing is known of this run */
}

static uint64_t count_all(void)
{
	uint64_t sum = atomic_load_explicit(&gone, memory_order_relaxed);

	for (size_t index = 0; index < RUNS; index++) {
		struct run *run = atomic_load_explicit(&runs[index], memory_order_acquire);

		for (size_t i = 0; run && i < RUN_LENGTH; i++)
			sum += atomic_load_explicit(&run->conns[i].responses, memory_order_relaxed);
	}
	return sum;
}

uint64_t conn_responses(void)
{
	return count_all() - inherited;
}

void conn_restart_count(void)
{
	inherited = count_all();
}
