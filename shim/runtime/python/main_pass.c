/* main_pass.c -- a pass that the interpreter's main thread makes, instead of a thread of ours */
/* SPDX-License-Identifier: MIT */
/*
 * A thread state that waits for the GIL is seen in the traceback of a crash, and in that of a
 * watchdog while C code keeps the GIL. So our thread waits without one, but not for ever: in 3.9 to
 * 3.11 the main thread makes a call that another thread has added only once it has let go of the
 * GIL (Python/ceval.c, COMPUTE_EVAL_BREAKER), which one that only computes never does by itself.
 * Owns: one entry of the interpreter's queue of pending calls; see pending_call.c.
 */
#include "runtime/python/main_pass.h"

#include "base/futex.h"
#include "base/handlers.h"
#include "base/platform.h"
#include "base/thread.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"
#include "runtime/python/sys_streams.h"

#define STEPS_ALONE   5   /* then the main thread is asked */
#define STEPS_FAST    64  /* the first of them, STEP_FAST apart */
#define STEPS_UNKNOWN 128 /* as long as it is not known which thread is the main one */
#define STEPS_MOST    16  /* then our thread wants the GIL, where nobody would see that, ... */
#define STEPS_WATCHED 680 /* ... and after 5 s where somebody might */
#define STEP_FAST     NS_PER_MS
#define STEP_SLOW     (8 * NS_PER_MS)

static _Atomic bool queued; /* set by our thread, cleared by the main thread; a child has a copy */
static _Atomic bool asked;  /* the call is still wanted, in this process */
static _Atomic bool made;

static int flush(void *unused)
{
	bool raised = false;

	(void)unused;
	atomic_store(&queued, false);
	if (!atomic_load(&asked))
		return 0;
	if (python_sys_streams_flush_own(python_api(), SINK_WHOLE_LINES, &raised))
		atomic_store(&made, true);
	return raised ? -1 : 0;
}

static void ask(void)
{
	if (!python_hooks_open() || !python_hooks_try_enter())
		return;
	atomic_store(&asked, true);
	if (!atomic_exchange(&queued, true) && python_api()->Py_AddPendingCall(flush, NULL))
		atomic_store(&queued, false);
	python_hooks_leave();
}

/* faulthandler has a handler for crashes, and its watchdog is a thread. */
static bool is_watched(void)
{
	return thread_any_made() || handlers_any_blocked(UINT64_C(1) << (SIGSEGV - 1));
}

bool python_main_pass_instead(_Atomic uint32_t *stop)
{
	atomic_store(&made, false);
	for (int i = 0; i < (is_watched() ? STEPS_WATCHED : STEPS_MOST) && !atomic_load(&made) &&
			!atomic_load(stop) && python_api_main_has_gil(i < STEPS_UNKNOWN);
	     i++) {
		if (i == STEPS_ALONE)
			ask();
		futex_wait_until(stop, 0,
				 clock_now_ns() + (i < STEPS_FAST ? STEP_FAST : STEP_SLOW));
	}
	atomic_store(&asked, false);
	return atomic_load(&made);
}

void python_main_pass_begin_in_child(void)
{
	atomic_store(&asked, false);
}
