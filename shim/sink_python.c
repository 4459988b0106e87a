/* sink_python.c -- Python's sys.stdout and sys.stderr: when to flush, and who does it */
/* SPDX-License-Identifier: MIT */
/* Called from: the flusher thread (flush), host threads (let_go and its kin). Locks: none. */
#include "sink_python.h"

#include "futex.h"
#include "platform.h"
#include "python.h"
#include "python_call.h"
#include "python_hooks.h"
#include "python_lock.h"
#include "python_streams.h"
#include "python_thread.h"
#include "thread.h"

#define HUSH      NS_PER_S /* so long streams without a buffer are taken to stay that */
#define RAN_LEAST 10000    /* ns of CPU time; to wake, print and sleep takes more */
#define SHY       15       /* so many calls are not left after one that nobody made */

/* Written by the flusher thread unless it says otherwise. */
static bool called;           /* ... or this: a call was left, too */
static uint32_t last;         /* the visit that a last flush waits for; 0: none */
static int64_t ran_ns;        /* the program's CPU time when a flush was last asked for */
static unsigned shy;          /* so many more calls are not left */
static int64_t armed_ns;      /* when the last flush was asked for that was armed */
static _Atomic bool given_up; /* a last flush does not wait for Python; host threads */

void sink_python_init(void (*in_child)(void))
{
	python_hooks_init(in_child);
	python_find();
}

bool sink_python_may_hold(void)
{
	return python_hooks_may_come() && python_thread_saw_buffers();
}

void sink_python_start(void)
{
	if (python_calls())
		python_thread_start();
}

bool sink_python_end_if_alone(void)
{
	bool second = python_thread_is_started();

	if (!thread_is_left_alone(second ? 2 : 1))
		return false;
	if (second)
		python_thread_end();
	return true;
}

/* Is there an interpreter? Starts the second thread where one was loaded meanwhile. */
static bool is_up(void)
{
	const struct python *python = python_calls();

	if (python ? python->Py_IsInitialized() : python_was_loaded())
		python_thread_start();
	return python && python->Py_IsInitialized();
}

static int64_t cpu_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* What the threads of the program used of the CPU so far: all but ours. */
static int64_t ran_so_far_ns(void)
{
	return cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns(CLOCK_THREAD_CPUTIME_ID) -
	       python_thread_cpu_ns();
}

static bool has_run(void)
{
	return ran_so_far_ns() - ran_ns >= RAN_LEAST;
}

static enum sink_result tell(int64_t since_ns)
{
	python_call_withdraw();
	python_streams_armed(since_ns);
	ran_ns = ran_so_far_ns();
	python_thread_tell(false);
	return SINK_CLEAN;
}

/*
 * Is it max-age that asks for this flush, and not the quiet? On a machine that lets our thread wait
 * it seems so after the quiet, too; but steady traffic had the last flush just before.
 */
static bool is_busy(const struct sink_order *order)
{
	int64_t before = armed_ns;

	if (!order->armed_ns)
		return false;
	armed_ns = order->now_ns;
	return order->now_ns - order->armed_ns >= order->hold_ns * 3 / 4 &&
	       order->armed_ns - before < order->hold_ns;
}

static bool leave_call(int64_t since_ns)
{
	if (shy) {
		shy--;
		return false;
	}
	python_streams_armed(since_ns);
	ran_ns = ran_so_far_ns();
	return python_call_leave(SINK_KEEP_LINES);
}

/*
 * Asks both. A main thread that prints would be stopped by the other anywhere, maybe with a chunk
 * in hand that is in none of the buffers any more; by itself it comes between two instructions.
 */
static enum sink_result flush_last(void)
{
	enum sink_result result;

	if (atomic_load(&given_up))
		return SINK_CLEAN;
	if (!last) {
		last = python_thread_tell(true);
		called = python_call_leave(SINK_ALL);
	}
	if (called && !python_call_is_open())
		result = SINK_CLEAN;
	else if (python_thread_was_there(last))
		result = python_thread_result();
	else
		return SINK_BUSY;
	last = 0;
	return result;
}

enum sink_result sink_python_flush(struct sink_order *order)
{
	if (!is_up())
		return SINK_CLEAN;
	if (order->mode != SINK_KEEP_LINES)
		return flush_last();
	last = 0;
	if (!python_thread_saw_buffers() && order->now_ns - python_thread_visited_ns() < HUSH)
		return SINK_CLEAN;
	if (python_call_is_open()) { /* nobody made it: the main thread waits */
		shy = SHY;
		return tell(order->armed_ns);
	}
	if (is_busy(order) && leave_call(order->armed_ns))
		return SINK_LEFT;
	return order->armed_ns || has_run() ? tell(order->armed_ns) : SINK_CLEAN;
}

void *sink_python_let_go(void)
{
	void *let_go = python_thread_is_started() ? python_lock_let_go() : NULL;

	atomic_store(&given_up, python_lock_is_mine());
	return let_go;
}

void sink_python_take_back(void *let_go)
{
	python_thread_go_on();
	python_lock_take_back(let_go);
}

void sink_python_give_up(void)
{
	atomic_store(&given_up, python_lock_is_mine());
}

void sink_python_wrote(size_t n)
{
	if (python_hooks_open())
		python_streams_wrote(n);
}

void sink_python_begin_in_child(void)
{
	last = shy = 0;
	ran_ns = armed_ns = 0;
	atomic_store(&given_up, false);
	python_call_begin_in_child();
	python_hooks_begin_in_child();
	python_streams_begin_in_child();
	python_thread_begin_in_child();
}
