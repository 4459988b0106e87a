/* python.c -- Python's sys.stdout and sys.stderr: when to flush, and who does it */
/* SPDX-License-Identifier: MIT */
/* Called from: the flusher thread (flush), host threads (let_go and its kin). Locks: none. */
#include "runtime/python/python.h"

#include "base/futex.h"
#include "base/handlers.h"
#include "base/platform.h"
#include "base/thread.h"
#include "runtime/python/main_pass.h"
#include "runtime/python/pending_call.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"
#include "runtime/python/sys_streams.h"
#include "runtime/python/visitor.h"
#include "runtime/runtime.h"
#include "sink/wait_checks.h"

#define RECHECK_UNBUFFERED_NS NS_PER_S /* streams without a buffer are checked this seldom */
#define MIN_CPU_NS            10000    /* ns of CPU time; to wake up, print and sleep takes more */
#define PENDING_CALL_BACKOFF  15       /* calls not added after one that nobody made */

/* Written by the flusher thread, except where it says otherwise. */
static bool called;            /* a pending call was added for the last flush, too */
static uint32_t last;          /* the number of the last pass that was requested; 0: none */
static int64_t ran_ns;         /* the program's CPU time when a flush was last requested */
static unsigned backoff;       /* how many more pending calls are not added */
static int64_t armed_since_ns; /* when the latest flush that was armed was requested */
static _Atomic bool given_up;  /* a last flush does not wait for Python; host threads */

void python_init(void (*in_child)(void))
{
	python_hooks_init(in_child);
}

/* Where it is not here now, it may be loaded later. */
static bool find(bool exported)
{
	python_api_find(exported);
	if (python_api())
		wait_checks_add(WAIT_CHECK_RUNTIME);
	return true; /* it may come yet */
}

static bool may_hold(void)
{
	return python_hooks_may_come() && python_visitor_saw_buffers();
}

static bool wants_pass(void)
{
	return may_hold() && !python_sys_streams_are_silent();
}

void python_start(void)
{
	if (python_api())
		python_visitor_start();
}

bool python_end_if_alone(void)
{
	bool second = python_visitor_is_started();

	if (!thread_is_left_alone(second ? 2 : 1))
		return false;
	if (second)
		python_visitor_end();
	return true;
}

/* Is there an interpreter? Starts the second thread where one was loaded meanwhile. */
static bool is_up(void)
{
	const struct python_api *python = python_api();

	if (python ? python->Py_IsInitialized() : python_api_was_loaded())
		python_visitor_start();
	return python && python->Py_IsInitialized();
}

/* What the threads of the program used of the CPU so far: all but ours. */
static int64_t ran_so_far_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID) - clock_ns(CLOCK_THREAD_CPUTIME_ID) -
	       python_visitor_cpu_ns();
}

static bool has_run(void)
{
	return ran_so_far_ns() - ran_ns >= MIN_CPU_NS;
}

static enum sink_result request_pass(int64_t since_ns)
{
	python_pending_call_withdraw();
	python_sys_streams_armed(since_ns);
	ran_ns = ran_so_far_ns();
	python_visitor_request(false);
	return SINK_CLEAN;
}

/*
 * Is this flush due to max-age, and not to quiet? On a loaded machine our thread runs late, so that
 * a flush after quiet looks the same; but steady traffic had another flush just before.
 */
static bool is_busy(const struct flush_params *params)
{
	int64_t before = armed_since_ns;

	if (!params->armed_since_ns)
		return false;
	armed_since_ns = params->now_ns;
	return params->now_ns - params->armed_since_ns >= params->hold_ns * 3 / 4 &&
	       params->armed_since_ns - before < params->hold_ns;
}

static bool leave_call(int64_t since_ns)
{
	if (backoff) {
		backoff--;
		return false;
	}
	python_sys_streams_armed(since_ns);
	ran_ns = ran_so_far_ns();
	return python_pending_call_leave(SINK_WHOLE_LINES);
}

/*
 * Asks both. The second thread may stop a main thread that prints anywhere, maybe while it holds a
 * chunk that is in none of the buffers any more; a pending call is made between two instructions.
 */
static enum sink_result flush_last(void)
{
	enum sink_result result;

	if (atomic_load(&given_up))
		return SINK_CLEAN;
	if (!last) {
		last = python_visitor_request(true);
		called = python_pending_call_leave(SINK_ALL);
	}
	if (called && !python_pending_call_is_open())
		result = SINK_CLEAN;
	else if (python_visitor_has_made(last))
		result = python_visitor_result();
	else
		return SINK_BUSY;
	last = 0;
	return result;
}

/*
 * A heartbeat in a process that ran nothing since is ignored. SINK_DELEGATED: come again in a
 * while. SINK_ALL and SINK_FORCE: SINK_BUSY until it is done, come again at once.
 */
static enum sink_result flush(struct flush_params *params)
{
	if (!is_up())
		return SINK_CLEAN;
	params->found_late |= python_visitor_found_late();
	if (params->mode != SINK_WHOLE_LINES)
		return flush_last();
	last = 0;
	if (!python_visitor_saw_buffers() &&
	    params->now_ns - python_visitor_last_pass_ns() < RECHECK_UNBUFFERED_NS)
		return SINK_CLEAN;
	if (python_pending_call_is_open()) { /* nobody made it: the main thread waits */
		backoff = PENDING_CALL_BACKOFF;
		return request_pass(params->armed_since_ns);
	}
	if (is_busy(params) && leave_call(params->armed_since_ns))
		return SINK_DELEGATED;
	return params->armed_since_ns || has_run() ? request_pass(params->armed_since_ns)
						   : SINK_CLEAN;
}

static bool flush_soon(void)
{
	return python_hooks_open() && python_visitor_request_soon();
}

/* --- the GIL of a thread that is about to wait for us ----------------------------------------- */

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

/* Not in a signal handler: the code that it interrupted may be changing what the GIL protects. */
static void *release_gil(void)
{
	if (!python_gil_is_mine() || handlers_may_be_running())
		return NULL;
	return python_api()->PyEval_SaveThread();
}

void python_stop(void)
{
	void *let_go = python_let_go();

	python_visitor_stop();
	python_take_back(let_go);
}

void *python_let_go(void)
{
	void *let_go = release_gil();

	python_give_up();
	return let_go;
}

void python_take_back(void *let_go)
{
	python_visitor_go_on();
	if (let_go)
		python_api()->PyEval_RestoreThread(let_go);
}

void python_give_up(void)
{
	atomic_store(&given_up, python_gil_is_mine());
}

void python_wrote(size_t n)
{
	if (python_hooks_open())
		python_sys_streams_wrote(n);
}

static void begin_in_child(void)
{
	last = backoff = 0;
	ran_ns = armed_since_ns = 0;
	atomic_store(&given_up, false);
	python_pending_call_begin_in_child();
	python_hooks_begin_in_child();
	python_sys_streams_begin_in_child();
	python_visitor_begin_in_child();
	python_main_pass_begin_in_child();
}

const struct runtime python_runtime = {.setting = CONFIG_RUNTIME_PYTHON,
				       .symbol = "Py_IsInitialized",
				       .find = find,
				       .may_hold = may_hold,
				       .wants_pass = wants_pass,
				       .flush = flush,
				       .flush_soon = flush_soon,
				       .begin_in_child = begin_in_child};
