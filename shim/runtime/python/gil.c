/* gil.c -- the GIL of a thread that is about to wait for us */
/* SPDX-License-Identifier: MIT */
#include "runtime/python/gil.h"

#include "base/handlers.h"
#include "base/platform.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"

/* Since 3.12 the current state is the thread's own; before, there was one for all threads. */
bool python_gil_is_mine(void)
{
	void *current;

	if (!python_hooks_may_come())
		return false;
	current = python_api()->current_thread_state();
	return current && current == python_api()->PyGILState_GetThisThreadState();
}

bool python_gil_may_be_in_use(void)
{
	return python_hooks_may_come() && python_api()->PyGILState_GetThisThreadState();
}

void *python_gil_let_go(void)
{
	if (!python_gil_is_mine() || handlers_may_be_running())
		return NULL;
	return python_api()->PyEval_SaveThread();
}

void python_gil_take_back(void *let_go)
{
	if (let_go)
		python_api()->PyEval_RestoreThread(let_go);
}
