/* thread.h -- starting a thread of ours in somebody else's program */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_THREAD_H
#define IDLEFLUSH_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Starts `run(NULL)` in a detached thread on which every signal is blocked, so that it never runs
 * the program's handlers. `stack` in bytes; more where the program's static TLS does not fit.
 * Returns 0 or a positive error number as pthread_create(3). It may allocate: where the host is not
 * inside stdio or malloc, never in a signal handler.
 */
int thread_start(void *(*run)(void *), size_t stack);

/*
 * Waits until that thread of this process, whose function has returned or is about to, is gone for
 * the kernel and the libc as well; 100 ms at most. Any context; errno may change.
 */
void thread_await_end(pid_t tid);

/*
 * Has the main thread ended (pthread_exit) and every other of the program as well, so that only
 * `ours` are left? The libc ends a process with its last thread: ours must leave, too, or it would
 * stay for ever. False where /proc cannot tell. Any context; errno may change.
 */
bool thread_is_left_alone(unsigned ours);

#endif
