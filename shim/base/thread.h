/* thread.h -- starting and ending a thread of ours in somebody else's program */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_THREAD_H
#define IDLEFLUSH_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Starts `run(NULL)` in a detached thread with every signal blocked, so that it never runs the
 * program's handlers. `stack` is in bytes; the thread gets more if the program's static TLS does
 * not fit. Returns 0 or a positive error number, as pthread_create(3). It may allocate, so the
 * caller must not be inside stdio or malloc, nor in a signal handler.
 */
int thread_start(void *(*run)(void *), size_t stack);

/*
 * Is the calling thread the only one of the program, as far as we can know? We see the threads that
 * it creates with pthread_create(3). Any context.
 */
bool thread_is_alone(void);

/* Has the program created a thread by pthread_create(3)? Any context. */
bool thread_any_made(void);

/*
 * The program is about to create its first thread. `unlocked`: libc has not locked its streams so
 * far. Any thread; a signal handler, too.
 */
void thread_note_made(bool unlocked);

/*
 * A handler that creates the first thread may have interrupted stdio, which holds no lock then
 * though libc locks from now on. Until the thread that ran it is seen outside of handlers, nobody
 * may touch a stream. May that be so? `mask`: what the calling thread has blocked. Any context.
 */
bool thread_may_hide_stdio(uint64_t mask);

/* The program is about to cancel a thread. Has it ever done that? Any context. */
void thread_note_cancelled(void);
bool thread_any_cancelled(void);

/* A forked child has one thread. Atfork child handler only. */
void thread_begin_in_child(void);

/*
 * Waits until a thread whose function has returned, or is about to, no longer exists for kernel and
 * libc; 100 ms at most. True if it does not. Any context; errno may change.
 */
bool thread_await_end(pid_t tid);

/*
 * Does the main thread sleep, so that a signal would interrupt that? False if /proc cannot tell. By
 * a thread that has a descriptor table of its own; errno may change.
 */
bool thread_main_sleeps(void);

/*
 * Is the calling thread the only one, but for one of `ours`? glibc tells, by the calls that create
 * threads; otherwise /proc does, and if it cannot, the answer is no. Constructor only.
 */
bool thread_is_first(bool ours);

/* How many threads there are, with ours; 0: /proc cannot tell. Any context; errno may change. */
unsigned thread_count(void);

/*
 * Has the main thread ended though the process goes on? False if /proc cannot tell. Any context;
 * errno may change.
 */
bool thread_main_has_ended(void);

/*
 * Have the main thread (by pthread_exit) and all others of the program ended, so that only `ours`
 * are left? libc ends a process with its last thread, so ours must end too, or the process would
 * stay for ever. False if /proc cannot tell. Any context; errno may change.
 */
bool thread_is_left_alone(unsigned ours);

#endif
