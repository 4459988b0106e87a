/* last_words.h -- the flush before a process ends or execs */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LAST_WORDS_H
#define IDLEFLUSH_LAST_WORDS_H

#include <stdint.h>

/*
 * Sets hidden handlers for `signals` (bit N - 1 for signal N), and a handler for quick_exit.
 * Constructor only, once the flusher is awake.
 */
void last_words_init(uint64_t signals);

/*
 * The process ends now, without libc's own flush: writes what is pending, for 250 ms at most. In a
 * vfork child it does nothing. Any thread or signal handler; errno is kept.
 */
void last_words_before_end(void);

/*
 * The same if the process may go on or libc flushes afterwards: writes nothing that could come out
 * twice. Before exec(3); before exit(3) and abort(3).
 */
void last_words_before_exec(void);
void last_words_before_exit(void);

/*
 * The caller ends its thread. If that is the main one, libc ends the process with the last of the
 * others, but would count ours among them: so ours ends too, unless there are others and it can
 * see, within 64 ms, that they have ended. Host threads; errno may change.
 */
void last_words_of_main_thread(void);

#endif
