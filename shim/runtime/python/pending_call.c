/* pending_call.c -- a flush left with the interpreter: its main thread makes it, when it runs */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: one entry of the interpreter's queue of pending calls, which has 32 entries and is the
 * program's as well. An entry cannot be taken back: if the main thread never comes to it, the same
 * entry serves the next flush.
 */
#include "runtime/python/pending_call.h"

#include "base/platform.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"
#include "runtime/python/sys_streams.h"
#include "runtime/python/visitor.h"

#include <stdatomic.h>

static uint32_t last; /* number given; the flusher's */
static _Atomic uint32_t
	open_call;           /* the open one's; set by the flusher, cleared by the main thread */
static _Atomic uint32_t how; /* enum sink_mode; the flusher */
static _Atomic bool queued; /* set by the flusher, cleared by the main thread; a child has a copy */

/* In the interpreter's main thread. What a signal handler raised meanwhile is raised there. */
static int flush(void *unused)
{
	uint32_t mine;
	bool raised = false;

	(void)unused;
	atomic_store(&queued, false);
	mine = atomic_load(&open_call);
	if (!mine)
		return 0;
	if (python_sys_streams_flush_own(python_api(), (enum sink_mode)atomic_load(&how), &raised))
		atomic_compare_exchange_strong(&open_call, &mine, 0);
	if (atomic_load(&how) != SINK_WHOLE_LINES)
		python_visitor_hold_until_exit();
	return raised ? -1 : 0;
}

bool python_pending_call_leave(enum sink_mode mode)
{
	bool accepted = true;

	if (!python_hooks_open() || !python_hooks_try_enter())
		return false;
	if (!++last)
		last = 1;
	atomic_store(&how, mode);
	atomic_store(&open_call, last);
	if (!atomic_exchange(&queued, true))
		accepted = python_api()->Py_AddPendingCall(flush, NULL) == 0;
	if (!accepted) {
		atomic_store(&queued, false);
		atomic_store(&open_call, 0);
	}
	python_hooks_leave();
	return accepted;
}

bool python_pending_call_is_open(void)
{
	return atomic_load(&open_call) != 0;
}

void python_pending_call_withdraw(void)
{
	atomic_store(&open_call, 0);
}

void python_pending_call_begin_in_child(void)
{
	atomic_store(&open_call, 0);
}
