/* after_exit.c -- what the destructors of libraries print after ours has run */
/* SPDX-License-Identifier: MIT */
/* Owns: one word, written by the destructor. */
#include "exit/after_exit.h"

#include "base/handlers.h"
#include "base/platform.h"
#include "flush/all_sinks.h"
#include "flush/flusher_state.h"

static int exiting_tid; /* the thread that runs the destructors; 0: none does yet */

void after_exit_begin(void)
{
	exiting_tid = (int)syscall(SYS_gettid);
}

void after_exit_flush(void)
{
	if (exiting_tid && exiting_tid == (int)syscall(SYS_gettid) && flusher_is_owner() &&
	    !handlers_may_be_running())
		all_sinks_flush_by_caller(true, 0);
}
