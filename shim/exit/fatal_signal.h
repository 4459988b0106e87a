/* fatal_signal.h -- how a process dies of a signal: it flushes first, then dies as without us */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FATAL_SIGNAL_H
#define IDLEFLUSH_FATAL_SIGNAL_H

#include <stdint.h>

/* Sets hidden handlers for `signals` (bit N - 1 for signal N). Constructor, after flusher_init. */
void fatal_signal_init(uint64_t signals);

/* A forked child does not die of its parent's signal. Atfork child handler only. */
void fatal_signal_begin_in_child(void);

/*
 * Waits while the process is dying of a signal. If it returns, the process is not dying, or it has
 * survived: a handler was set since, or a debugger took the signal. Host threads and signal
 * handlers of the process that owns the state.
 */
void fatal_signal_await(void);

#endif
