/* fork_gate.h -- keeps a fork and a flush apart */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FORK_GATE_H
#define IDLEFLUSH_FORK_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The flusher may enter a sink. False: a fork is under way, come again. Never waits.
 * One thread only, the flusher.
 */
bool fork_gate_enter(void);

/* The flusher is out again. Only after fork_gate_enter said true. */
void fork_gate_leave(void);

/*
 * A fork begins: lets no flush in and waits for one in progress, `bound_ns` at most. Atfork
 * prepare handler; any number of threads at once. Returns how many are forking now, this one
 * included.
 */
unsigned fork_gate_close(int64_t bound_ns);

/* That fork is over. Atfork parent handler, once for each fork_gate_close. */
void fork_gate_open(void);

/* Is it the calling thread that forks, the last that began to? Signal handlers. */
bool fork_gate_closed_by_caller(void);

/* In the forked child: nobody is inside and no fork is under way. Atfork child handler. */
void fork_gate_reset(void);

#endif
