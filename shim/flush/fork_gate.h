/* fork_gate.h -- keeps a fork and a flush apart */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FORK_GATE_H
#define IDLEFLUSH_FORK_GATE_H

#include <stdbool.h>
#include <stdint.h>

/* Begins a flush. False: a fork is under way, try again later. Never waits. The flusher only. */
bool fork_gate_enter(void);

/* Ends the flush. Only after fork_gate_enter returned true. */
void fork_gate_leave(void);

/*
 * A fork begins: keeps new flushes out and waits for one in progress, `bound_ns` at most. Atfork
 * prepare handler; several threads may fork at once. Returns how many are forking now, including
 * this one.
 */
unsigned fork_gate_close(int64_t bound_ns);

/* Waits for a flush in progress without keeping new ones out; `bound_ns` at most. Any context. */
void fork_gate_await_empty(int64_t bound_ns);

/* The same without a fork: keeps flushes out until fork_gate_open(). */
void fork_gate_shut(int64_t bound_ns);

/* The fork is over. Atfork parent handler, once for each fork_gate_close. */
void fork_gate_open(void);

/* Is the calling thread the one that forks, or the last of several to begin? Signal handlers. */
bool fork_gate_closed_by_caller(void);

/* In a forked child no flush and no fork is under way. Atfork child handler. */
void fork_gate_reset(void);

#endif
