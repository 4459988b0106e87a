/* conn.h -- descriptor number -> what we know of the connection behind it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CONN_H
#define IDLEFLUSH_CONN_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http.h"

/* What a descriptor is to us. Only CONN_SERVER can be the scene of an activity. */
enum conn_kind {
	CONN_UNKNOWN,  /* nothing seen since the number was last closed; every entry starts here */
	CONN_RECEIVED, /* read(2) brought bytes; whether it is a socket is asked at the first send
			*/
	CONN_SERVER,   /* accepted, or an inherited or datagram socket that received */
	CONN_CLIENT,   /* we saw it connect: its sends are requests */
	CONN_OTHER,    /* not a socket, or the same file as stdout or stderr */
};

/* Where a conversation stands that is not HTTP: peer and server take turns. */
enum conn_turn {
	CONN_TURN_OVER,     /* nothing received, or the response was counted */
	CONN_TURN_ASKED,    /* bytes were received */
	CONN_TURN_ANSWERED, /* and then bytes were sent: the response ends with the next turn */
};

struct conn {
	alignas(64) struct http_in in;    /* under `receiving` */
	alignas(64) struct http_out out;  /* under `sending` */
	alignas(64) _Atomic uint8_t kind; /* enum conn_kind */
	_Atomic bool datagram;            /* each send is a response */
	_Atomic bool receiving;           /* a thread feeds `in` */
	_Atomic bool sending;             /* a thread feeds `out` */
	_Atomic uint8_t turn;             /* enum conn_turn */
	_Atomic bool listed;              /* on turn.c's list, by `next` */
	_Atomic uint8_t told;             /* enum http_framing that debug named last */
	_Atomic uint32_t responses;       /* that ended since the entry was reset */
	struct conn *next;                /* written by who set `listed` */
};

/*
 * The entry of `fd`, or NULL where nothing near it was ever stored. One or two loads; any context.
 */
struct conn *conn_find(int fd);

/*
 * The same, but makes room first (one mmap a run of descriptors). NULL where fd is negative, past
 * the table (2^20) or there is no memory. Any context: mmap(2) only; errno may change.
 */
struct conn *conn_get(int fd);

/* Sets the kind of `fd` and resets all else. Any context; errno may change. */
void conn_set(int fd, enum conn_kind kind);

/* The number is free again: its entry goes back to CONN_UNKNOWN. Any context. */
void conn_forget(int fd);

/*
 * Takes one of the flags `receiving` and `sending`. False where another thread, or what a signal
 * handler interrupted, is in there: nobody waits, framing is given up for this connection.
 */
bool conn_enter(struct conn *conn, _Atomic bool *side);
void conn_leave(_Atomic bool *side);

/* The same for first … last, both included; `before` is called for each server-side one. */
void conn_forget_range(unsigned int first, unsigned int last, void (*before)(struct conn *));

/* Is a request in flight anywhere, received and not answered? Walks the table. Any thread. */
bool conn_any_in_flight(void);

/* All responses counted so far in this process, closed connections included. Any context. */
uint64_t conn_responses(void);

/* In a forked child: what was counted so far is the parent's. Atfork child handler only. */
void conn_restart_count(void);

#endif
