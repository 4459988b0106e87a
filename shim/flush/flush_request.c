/* flush_request.c -- requests to the flusher thread, and its answers */
/* SPDX-License-Identifier: MIT */
/*
 * Each request has a ticket, so that nobody mistakes the answer to an earlier request for its own:
 * a flush that began before a line was printed may leave that line pending.
 * Owns: the words below. `wanted` and `asked` are written by whoever makes a request, the others by
 * the flusher thread.
 * Called from: host threads, signal handlers, the flusher thread. Locks: none.
 */
#include "flush/flush_request.h"

#include "base/futex.h"

static _Atomic uint32_t wanted;   /* enum flush_request bits; set before `asked` counts them */
static _Atomic uint32_t asked;    /* the last ticket handed out */
static _Atomic uint32_t answered; /* the last ticket served; a futex */
static _Atomic uint32_t ends;     /* odd: the thread has ended, even: not; a futex */
static void (*_Atomic after)(void);

uint32_t flush_request_make(enum flush_request what)
{
	atomic_fetch_or(&wanted, what);
	return atomic_fetch_add(&asked, 1) + 1;
}

static bool is_answered(uint32_t ticket)
{
	return flush_request_has_ended() || (int32_t)(atomic_load(&answered) - ticket) >= 0;
}

bool flush_request_await(uint32_t ticket, int64_t bound_ns)
{
	int64_t deadline = clock_now_ns() + bound_ns;
	uint32_t seen;

	do
		seen = atomic_load(&answered);
	while (!is_answered(ticket) && futex_wait_until(&answered, seen, deadline));
	return is_answered(ticket);
}

void flush_request_set_then(void (*then)(void))
{
	atomic_store(&after, then);
}

bool flush_request_has_ended(void)
{
	return atomic_load(&ends) & 1;
}

uint32_t flush_request_ends(void)
{
	return atomic_load(&ends);
}

void flush_request_await_end(uint32_t seen, int64_t bound_ns)
{
	int64_t deadline = clock_now_ns() + bound_ns;

	while (!(seen & 1) && atomic_load(&ends) == seen && futex_wait_until(&ends, seen, deadline))
		;
}

bool flush_request_is_made(void)
{
	return atomic_load(&asked) != atomic_load(&answered);
}

uint32_t flush_request_take(uint32_t *ticket)
{
	*ticket = atomic_load(&asked);
	/* A bit may be taken before its ticket is counted. It is served twice then: harmless. */
	return atomic_exchange(&wanted, 0) | FLUSH_REQUEST_FLUSH;
}

void flush_request_answer(uint32_t requests, uint32_t ticket)
{
	void (*then)(void);

	atomic_store(&answered, ticket);
	futex_wake(&answered);
	then = requests & (FLUSH_REQUEST_THEN | FLUSH_REQUEST_END) ? atomic_exchange(&after, NULL)
								   : NULL;
	if (then)
		then();
}

void flush_request_end(void)
{
	atomic_fetch_or(&ends, 1);
	futex_wake(&ends);
	/* Any other value will do, as long as nobody falls asleep on the old one. */
	atomic_fetch_add(&answered, 1U << 30);
	futex_wake(&answered);
}

/* The tickets are not reset: somebody may still be waiting for the answer to one. */
void flush_request_begin_again(void)
{
	atomic_store(&wanted, 0);
	atomic_store(&answered, atomic_load(&asked));
	if (flush_request_has_ended())
		atomic_fetch_add(&ends, 1);
}

void flush_request_reset(void)
{
	wanted = asked = answered = ends = 0;
	after = NULL;
}
