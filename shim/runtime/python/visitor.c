/* visitor.c -- our second thread: it waits for the GIL and flushes */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the thread and what it is told.
 * Locks: the GIL, and nothing with it that anybody waits for without a bound.
 * Why no thread state is kept between visits: a fork or the end of the interpreter would leave it
 * behind, and making one takes 2 us.
 */
#include "runtime/python/visitor.h"

#include "base/futex.h"
#include "base/log.h"
#include "base/platform.h"
#include "base/thread.h"
#include "runtime/python/python_api.h"
#include "runtime/python/python_hooks.h"
#include "runtime/python/sys_streams.h"

#define STACK          (1024 * 1024) /* the program's own flush() may run on it */
#define WATCHES        128           /* looks at an interpreter that is coming up: half a second */
#define POLL_FAST_NS   64            /* the first of them, a millisecond apart */
#define FAR_APART      (8 * NS_PER_MS)
#define RETRY_FIRST    (8 * NS_PER_MS)
#define RETRY_MOST     (64 * NS_PER_MS)
#define STAY           (400 * NS_PER_MS) /* longer than last words take */
#define LONG           NS_PER_MS
#define BACKOFF_FACTOR 10 /* a visit that took long is followed by that much rest */

static struct {
	_Atomic bool started;       /* whether that worked or not */
	_Atomic bool ends;          /* it is to return; the flusher */
	_Atomic uint32_t last;      /* futex: a last visit asked for, or 0; the flusher */
	_Atomic uint32_t told;      /* futex: visits asked for; the flusher */
	_Atomic uint32_t done;      /* that many of them were made; the thread, like the rest */
	_Atomic int32_t result;     /* enum sink_result */
	_Atomic int64_t visited_ns; /* when the last visit ended */
	_Atomic int64_t cpu_ns;     /* what it had used of the CPU then */
} own;

static _Atomic bool buffered = true;

static void note_end(uint32_t told)
{
	struct timespec used;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
	atomic_store(&own.cpu_ns, used.tv_sec * NS_PER_S + used.tv_nsec);
	atomic_store(&own.visited_ns, clock_now_ns());
	atomic_store(&own.done, told);
}

/* Returns for how long it had the GIL. `*told`: a last visit, too, asked for meanwhile, is made. */
static int64_t flush(const struct python_api *python, uint32_t *told)
{
	int gil = python->PyGILState_Ensure();
	int64_t start = clock_now_ns();
	uint32_t last = atomic_load(&own.last);
	enum sink_mode mode = last ? SINK_ALL : SINK_WHOLE_LINES;
	enum sink_result result = SINK_CLEAN;
	bool may_hold = false;

	if (last)
		*told = last;
	if (python_hooks_put(python))
		result = python_sys_streams_flush(python, mode, &may_hold);
	atomic_store(&buffered, may_hold);
	atomic_store(&own.result, result);
	note_end(*told);
	if (mode != SINK_WHOLE_LINES && result != SINK_NO_ROOM)
		python_visitor_hold_until_exit();
	python->PyGILState_Release(gil);
	return clock_now_ns() - start;
}

/* Waits until there is more to do than `told` visits, `bound_ns` at most. */
static void wait_until_told(uint32_t told, int64_t bound_ns)
{
	int64_t end = bound_ns == INT64_MAX ? INT64_MAX : clock_now_ns() + bound_ns;
	int64_t left = bound_ns;

	while (atomic_load(&own.told) == told && left > 0) {
		futex_wait(&own.told, told, left);
		left = end == INT64_MAX ? INT64_MAX : end - clock_now_ns();
	}
}

static bool is_initialized(void)
{
	return python_api()->Py_IsInitialized();
}

/* Closely at first, for the hooks should be there before the program's first line. */
static void await(bool (*is_there)(void))
{
	for (int i = 0; i < WATCHES && !is_there() && !atomic_load(&own.last); i++)
		wait_until_told(atomic_load(&own.told), i < POLL_FAST_NS ? NS_PER_MS : FAR_APART);
}

/* An interpreter that is new, in a process or after the end of another. */
static void await_hooks(const struct python_api *python)
{
	if (python_hooks_open() || !python_hooks_enter())
		return;
	if (python->Py_IsInitialized())
		python_hooks_ask(python);
	python_hooks_leave();
	await(python_hooks_open);
}

/*
 * In a child that another than the main thread forked, that thread may end without the interpreter
 * ending; CPython takes a first thread after the last one for a fatal error.
 */
static bool has_threads(const struct python_api *python)
{
	void *interpreter = python->PyInterpreterState_Main();

	return interpreter && python->PyInterpreterState_ThreadHead(interpreter);
}

static int64_t visit(const struct python_api *python, uint32_t *told)
{
	int64_t took = 0;

	await_hooks(python);
	atomic_store(&own.result, SINK_CLEAN);
	if (python_hooks_enter()) {
		if (python->Py_IsInitialized() && has_threads(python))
			took = flush(python, told);
		python_hooks_leave();
	}
	note_end(*told);
	return took;
}

/* A flush() of the program's own may take long; it must not be all that the process does. */
static void rest(int64_t bound_ns)
{
	int64_t end = clock_now_ns() + bound_ns;
	int64_t left = bound_ns;

	while (!atomic_load(&own.last) && left > 0) {
		futex_wait(&own.told, atomic_load(&own.told), left);
		left = end - clock_now_ns();
	}
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
	if (!python_api() && !python_api_find_loaded()) {
		atomic_store(&own.started, false);
		return unused;
	}
	python = python_api();
	await(is_initialized);
	while (!is_initialized())
		wait_until_told(atomic_load(&own.told), INT64_MAX);
	while (!atomic_load(&own.ends)) {
		uint32_t told = atomic_load(&own.told);
		int64_t took = visit(python, &told);

		rest(took > LONG ? took * BACKOFF_FACTOR : 0);
		retry = next_retry(retry);
		wait_until_told(told, retry);
	}
	return unused;
}

void python_visitor_start(void)
{
	if (!atomic_exchange(&own.started, true) && thread_start(run, STACK))
		log_debug("the second thread cannot start: no flush of Python's streams");
}

void python_visitor_end(void)
{
	atomic_store(&own.ends, true);
	atomic_fetch_add(&own.told, 1);
	futex_wake(&own.told);
}

bool python_visitor_is_started(void)
{
	return atomic_load(&own.started);
}

uint32_t python_visitor_request(bool last)
{
	uint32_t visit_number = atomic_load(&own.told) + 1;

	atomic_store(&own.last, last ? visit_number : 0);
	atomic_store(&own.told, visit_number);
	futex_wake(&own.told);
	futex_wake(&own.last); /* whoever stays for an earlier one lets this one in */
	return visit_number;
}

void python_visitor_hold_until_exit(void)
{
	int64_t end = clock_now_ns() + STAY;
	int64_t left = STAY;
	uint32_t last = atomic_load(&own.last);

	while (last && atomic_load(&own.last) == last && left > 0) {
		futex_wait(&own.last, last, left);
		left = end - clock_now_ns();
	}
}

void python_visitor_go_on(void)
{
	if (atomic_exchange(&own.last, 0))
		futex_wake(&own.last);
}

bool python_visitor_was_there(uint32_t visit_number)
{
	return (int32_t)(atomic_load(&own.done) - visit_number) >= 0;
}

enum sink_result python_visitor_result(void)
{
	return (enum sink_result)atomic_load(&own.result);
}

int64_t python_visitor_last_pass_ns(void)
{
	return atomic_load(&own.visited_ns);
}

int64_t python_visitor_cpu_ns(void)
{
	return atomic_load(&own.cpu_ns);
}

bool python_visitor_saw_buffers(void)
{
	return atomic_load_explicit(&buffered, memory_order_relaxed);
}

void python_visitor_begin_in_child(void)
{
	memset(&own, 0, sizeof(own));
}
