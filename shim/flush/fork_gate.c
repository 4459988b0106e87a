/* fork_gate.c -- keeps a fork and a flush apart */
/* SPDX-License-Identifier: MIT */
/*
 * A forked child must not inherit a stream in the middle of a flush. musl does not reset the locks
 * of streams in the child, so its first printf would wait for ever for a thread that is not there.
 * Owns: two words. Each side first announces itself and then reads the other's word; with
 * sequential consistency at least one of them sees the other.
 */
#include "flush/fork_gate.h"

#include "base/futex.h"

static _Atomic uint32_t inside;  /* a thread makes a pass; a futex */
static _Atomic uint32_t forks;   /* threads between fork_gate_close and fork_gate_open */
static _Atomic uint32_t waiters; /* threads that wait for `inside` */
static _Atomic int32_t closer;   /* the last of them */

bool fork_gate_enter(void)
{
	uint32_t outside = 0;

	if (!atomic_compare_exchange_strong(&inside, &outside, 1))
		return false;
	if (!atomic_load(&forks))
		return true;
	fork_gate_leave();
	return false;
}

void fork_gate_leave(void)
{
	atomic_store(&inside, 0);
	if (atomic_load(&waiters))
		futex_wake(&inside);
}

void fork_gate_await_empty(int64_t bound_ns)
{
	int64_t deadline;

	if (!atomic_load(&inside))
		return;
	deadline = clock_now_ns() + bound_ns;
	atomic_fetch_add(&waiters, 1);
	while (atomic_load(&inside) && futex_wait_until(&inside, 1, deadline))
		;
	atomic_fetch_sub(&waiters, 1);
}

void fork_gate_shut(int64_t bound_ns)
{
	atomic_fetch_add(&forks, 1);
	fork_gate_await_empty(bound_ns);
}

unsigned fork_gate_close(int64_t bound_ns)
{
	unsigned now;

	atomic_store(&closer, (int32_t)syscall(SYS_gettid));
	now = atomic_fetch_add(&forks, 1) + 1;
	fork_gate_await_empty(bound_ns);
	return now;
}

void fork_gate_open(void)
{
	atomic_fetch_sub(&forks, 1);
}

bool fork_gate_closed_by_caller(void)
{
	return atomic_load(&forks) && atomic_load(&closer) == (int32_t)syscall(SYS_gettid);
}

void fork_gate_reset(void)
{
	atomic_store(&inside, 0);
	atomic_store(&forks, 0);
	atomic_store(&waiters, 0);
}
