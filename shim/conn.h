/* conn.h -- descriptor number -> what we know of the connection behind it */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CONN_H
#define IDLEFLUSH_CONN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What a descriptor is to us. Only CONN_SERVER can be the scene of an activity. */
enum conn_kind {
	CONN_UNKNOWN,  /* nothing seen since the number was last closed; every entry starts here */
	CONN_RECEIVED, /* read(2) brought bytes; whether it is a socket is asked at the first send
			*/
	CONN_SERVER,   /* accepted, or an inherited or datagram socket that received */
	CONN_CLIENT,   /* we saw it connect: its sends are requests */
	CONN_OTHER,    /* not a socket, or the same file as stdout or stderr */
};

struct conn {
	_Atomic uint8_t kind;       /* enum conn_kind */
	_Atomic uint32_t responses; /* activities since the entry was reset; one writer a time */
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

/* The same for first … last, both included. Any context. */
void conn_forget_range(unsigned int first, unsigned int last);

/* All responses counted so far in this process, closed connections included. Any context. */
uint64_t conn_responses(void);

/* In a forked child: what was counted so far is the parent's. Atfork child handler only. */
void conn_restart_count(void);

#endif
