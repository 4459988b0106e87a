/* visitor.c -- our second thread: it waits for the GIL and flushes */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the thread and the requests to it.
 * Locks: the GIL, and while it is held nothing that anybody waits for without a bound.
 * No thread state is kept between passes: a fork or the end of the interpreter would leave it
 * behind, and making one takes 2 us.
 */
#include "runtime/python/visitor.h"

#include "base/fd_table.h"
#include "base/futex.h"
#include "base/log.h"
#include "base/platform.h"
#include "base/thread.h"
#include "sink/wait_checks.h"
#include "runtime/python/main_pass.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"
#include "runtime/python/sys_streams.h"
#include "runtime/runtime.h"

#define STACK          (1024 * 1024) /* the program's own flush() may run on it */
#define POLLS          128           /* of an interpreter that is starting: half a second */
#define POLLS_FAST     64            /* the first of them, POLL_FAST_NS apart */
#define POLL_FAST_NS   NS_PER_MS
#define POLL_SLOW_NS   (8 * NS_PER_MS)
#define RETRY_FIRST    (8 * NS_PER_MS)
#define RETRY_MOST     (64 * NS_PER_MS)
#define HOLD_BOUND     (400 * NS_PER_MS) /* longer than the last flush before an end takes */
#define LONG           NS_PER_MS
#define BACKOFF_FACTOR 10 /* after a long pass, wait this many times as long */

static struct {
	_Atomic bool started; /* a start was tried, whether that worked or not */
	/* Written by the flusher thread: */
	_Atomic bool ends;          /* the thread is to return */
	_Atomic uint32_t last;      /* futex: number of the last pass before an end, or 0 */
	_Atomic uint32_t requested; /* futex: passes requested, by a host thread as well */
	_Atomic bool late;          /* one of them was requested by the flusher thread */
	/* Written by this thread: */
	_Atomic pid_t tid;
	_Atomic uint32_t done;        /* passes made */
	_Atomic int32_t result;       /* enum sink_result */
	_Atomic int64_t last_pass_ns; /* when the latest pass ended */
	_Atomic bool found_late;      /* a pass that was requested late brought bytes out */
} own;

static _Atomic bool buffered = true;

static void note_end(uint32_t requested)
{
	atomic_store(&own.last_pass_ns, clock_now_ns());
	atomic_store(&own.done, requested);
}

/* Returns how long it held the GIL. Sets `*requested` to the last pass if one was requested. */
static int64_t flush(const struct python_api *python, uint32_t *requested)
{
	int gil = python->PyGILState_Ensure();
	int64_t start = clock_now_ns();
	uint32_t last = atomic_load(&own.last);
	bool late = atomic_exchange(&own.late, false);
	enum sink_mode mode = last ? SINK_ALL : SINK_WHOLE_LINES;
	enum sink_result result = SINK_CLEAN;
	bool may_hold = false;

	if (last && (int32_t)(last - *requested) > 0)
		*requested = last;
	if (python_hooks_put(python))
		result = python_sys_streams_flush(python, mode, &may_hold);
	if (late && python_sys_streams_found())
		atomic_store(&own.found_late, true);
	atomic_store(&buffered, may_hold);
	atomic_store(&own.result, result);
	note_end(*requested);
	if (mode != SINK_WHOLE_LINES && result != SINK_NO_ROOM)
		python_visitor_hold_until_exit();
	python->PyGILState_Release(gil);
	return clock_now_ns() - start;
}

/* Waits until more than `requested` passes are requested, `bound_ns` at most. */
static void wait_for_request(uint32_t requested, int64_t bound_ns)
{
	int64_t deadline = bound_ns == INT64_MAX ? INT64_MAX : clock_now_ns() + bound_ns;

	while (atomic_load(&own.requested) == requested &&
	       futex_wait_until(&own.requested, requested, deadline))
		;
}

static bool is_initialized(void)
{
	return python_api()->Py_IsInitialized();
}

/* Polls fast at first, because the hooks should be in before the program prints its first line. */
static void await(bool (*is_there)(void))
{
	for (int i = 0; i < POLLS && !is_there() && !atomic_load(&own.last); i++)
		wait_for_request(atomic_load(&own.requested),
				 i < POLLS_FAST ? POLL_FAST_NS : POLL_SLOW_NS);
}

/* The interpreter may be new, after the start of the process or the end of another. */
static void await_hooks(const struct python_api *python)
{
	bool asked;

	if (python_hooks_open() || !python_hooks_enter())
		return;
	asked = python->Py_IsInitialized() && python_hooks_ask(python);
	python_hooks_leave();
	if (asked)
		await(python_hooks_open);
}

/*
 * In a child that was forked by a thread other than the main thread, that thread may end before the
 * interpreter does. For CPython it is a fatal error to attach a thread once the last one has gone.
 */
static bool has_threads(const struct python_api *python)
{
	void *interpreter = python->PyInterpreterState_Main();

	return interpreter && python->PyInterpreterState_ThreadHead(interpreter);
}

static int64_t make_pass(const struct python_api *python, uint32_t *requested)
{
	int64_t took = 0;

	await_hooks(python);
	atomic_store(&own.result, SINK_CLEAN);
	if (!python_main_pass_instead(&own.last) && python_hooks_enter()) {
		if (python->Py_IsInitialized() && has_threads(python))
			took = flush(python, requested);
		python_hooks_leave();
	}
	note_end(*requested);
	return took;
}

/* A flush() of the program's own may take long; the process must have time for other work. */
static void back_off(int64_t bound_ns)
{
	int64_t deadline = clock_now_ns() + bound_ns;

	while (!atomic_load(&own.last) &&
	       futex_wait_until(&own.requested, atomic_load(&own.requested), deadline))
		;
}

static int64_t next_retry(int64_t before)
{
	if (atomic_load(&own.result) != SINK_NO_ROOM)
		return INT64_MAX;
	if (before == INT64_MAX)
		return RETRY_FIRST;
	return before < RETRY_MOST ? before * 2 : RETRY_MOST;
}

static void *run(void *unused)
{
	const struct python_api *python;
	int64_t retry = INT64_MAX;

	syscall(SYS_prctl, PR_SET_NAME, "idleflush-py");
	own.tid = (pid_t)syscall(SYS_gettid);
	if (!python_api() && !python_api_find_loaded()) {
		atomic_store(&own.started, false);
		return unused;
	}
	python = python_api();
	wait_checks_add(WAIT_CHECK_RUNTIME);
	await(is_initialized);
	while (!is_initialized())
		wait_for_request(atomic_load(&own.requested), INT64_MAX);
	await_hooks(python);
	if (python_hooks_open()) /* the main thread has put them: this one has nothing to do yet */
		wait_for_request(0, INT64_MAX);
	while (!atomic_load(&own.ends)) {
		uint32_t requested = atomic_load(&own.requested);
		int64_t took = make_pass(python, &requested);

		back_off(took > LONG ? took * BACKOFF_FACTOR : 0);
		retry = next_retry(retry);
		wait_for_request(requested, retry);
	}
	return unused;
}

void python_visitor_start(void)
{
	if (fd_table_is_own()) {
		fd_table_need(); /* Python uses the program's descriptors */
		return;
	}
	if (!atomic_exchange(&own.started, true) && thread_start(run, STACK))
		log_debug("the second thread cannot start: no flush of Python's streams");
}

void python_visitor_end(void)
{
	atomic_store(&own.ends, true);
	atomic_fetch_add(&own.requested, 1);
	futex_wake(&own.requested);
}

void python_visitor_stop(void)
{
	if (!atomic_load(&own.started))
		return;
	python_visitor_end();
	if (!own.tid || !thread_await_end(own.tid))
		return; /* it ends as soon as it can */
	atomic_store(&own.ends, false);
	atomic_store(&own.started, false);
}

bool python_visitor_is_started(void)
{
	return atomic_load(&own.started);
}

uint32_t python_visitor_request(bool last)
{
	uint32_t pass_number = atomic_load(&own.requested) + 1;

	atomic_store(&own.last, last ? pass_number : 0);
	atomic_store(&own.late, true);
	atomic_fetch_add(&own.requested, 1); /* or more: see python_visitor_request_soon */
	futex_wake(&own.requested);
	futex_wake(&own.last); /* a thread that holds the GIL for an earlier one lets this one in */
	return pass_number;
}

bool python_visitor_request_soon(void)
{
	if (!atomic_load_explicit(&own.started, memory_order_relaxed))
		return false;
	atomic_fetch_add(&own.requested, 1);
	futex_wake(&own.requested);
	return true;
}

void python_visitor_hold_until_exit(void)
{
	int64_t deadline = clock_now_ns() + HOLD_BOUND;
	uint32_t last = atomic_load(&own.last);

	while (last && atomic_load(&own.last) == last &&
	       futex_wait_until(&own.last, last, deadline))
		;
}

void python_visitor_go_on(void)
{
	if (atomic_exchange(&own.last, 0))
		futex_wake(&own.last);
}

bool python_visitor_has_made(uint32_t pass_number)
{
	return (int32_t)(atomic_load(&own.done) - pass_number) >= 0;
}

enum sink_result python_visitor_result(void)
{
	return (enum sink_result)atomic_load(&own.result);
}

bool python_visitor_found_late(void)
{
	return atomic_exchange(&own.found_late, false);
}

int64_t python_visitor_last_pass_ns(void)
{
	return atomic_load(&own.last_pass_ns);
}

int64_t python_visitor_cpu_ns(void)
{
	pid_t tid = atomic_load(&own.tid);

	/* Its clock, as pthread_getcpuclockid(3) makes it. */
	return tid ? clock_ns((clockid_t)(~(unsigned)tid << 3 | 6)) : 0;
}

bool python_visitor_saw_buffers(void)
{
	return atomic_load_explicit(&buffered, memory_order_relaxed);
}

void python_visitor_begin_in_child(void)
{
	memset(&own, 0, sizeof(own));
}
