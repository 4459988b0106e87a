/* python_lock.c -- the GIL of a thread that is about to wait for us */
/* SPDX-License-Identifier: MIT */
#include "python_lock.h"

#include "platform.h"
#include "python.h"
#include "python_hooks.h"

/* Since 3.12 the current state is the thread's own; before, there was one for all threads. */
bool python_lock_is_mine(void)
{
	void *current;

	if (!python_hooks_may_come())
		return false;
	current = python_calls()->current_thread_state();
	return current && current == python_calls()->PyGILState_GetThisThreadState();
}

bool python_lock_may_be_in_use(void)
{
	return python_hooks_may_come() && python_calls()->PyGILState_GetThisThreadState();
}

void *python_lock_let_go(void)
{
	if (!python_lock_is_mine() || platform_is_in_handler())
		return NULL;
	return python_calls()->PyEval_SaveThread();
}

void python_lock_take_back(void *let_go)
{
	if (let_go)
		python_calls()->PyEval_RestoreThread(let_go);
}
