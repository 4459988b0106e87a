/* python_call.c -- a flush left with the interpreter: its main thread makes it, when it runs */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the number of the call that is open. A pending call cannot be taken back, nor does a child
 * lose its copy; so each knows its number and does nothing where that is not the open one's.
 */
#include "python_call.h"

#include "platform.h"
#include "python.h"
#include "python_hooks.h"
#include "python_streams.h"
#include "python_thread.h"

#include <stdatomic.h>

static uint32_t last;         /* number given; the flusher's */
static _Atomic uint32_t left; /* the open one's; set by the flusher, cleared by the main thread */
static _Atomic uint32_t how;  /* enum sink_mode; the flusher */

/* In the interpreter's main thread. What a signal handler raised meanwhile is raised there. */
static int flush(void *number)
{
	uint32_t mine = (uint32_t)(uintptr_t)number;
	bool raised = false;

	if (atomic_load(&left) != mine)
		return 0;
	if (python_streams_flush_own(python_calls(), (enum sink_mode)atomic_load(&how), &raised))
		atomic_compare_exchange_strong(&left, &mine, 0);
	if (atomic_load(&how) != SINK_KEEP_LINES)
		python_thread_stay();
	return raised ? -1 : 0;
}

bool python_call_leave(enum sink_mode mode)
{
	bool accepted;

	if (!python_hooks_open() || !python_hooks_try_enter())
		return false;
	if (!++last)
		last = 1;
	atomic_store(&how, mode);
	atomic_store(&left, last);
	accepted = python_calls()->Py_AddPendingCall(flush, (void *)(uintptr_t)last) == 0;
	if (!accepted)
		atomic_store(&left, 0);
	python_hooks_leave();
	return accepted;
}

bool python_call_is_open(void)
{
	return atomic_load(&left) != 0;
}

void python_call_withdraw(void)
{
	atomic_store(&left, 0);
}

void python_call_begin_in_child(void)
{
	atomic_store(&left, 0);
}
