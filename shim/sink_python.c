/* sink_python.c -- Python's sys.stdout and sys.stderr, flushed by a thread that waits for the GIL
 */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the second thread and what it is told.
 * Called from: the flusher thread (flush), our second thread (run), host threads (let_go).
 * Locks: the GIL, by the second thread, which holds nothing then that anybody waits for without a
 * bound.
 * Why no thread state is kept between visits: a fork or the end of the interpreter would leave it
 * behind, and making one takes 2 us.
 */
#include "sink_python.h"

#include "futex.h"
#include "log.h"
#include "platform.h"
#include "python.h"
#include "python_hooks.h"
#include "python_lock.h"
#include "python_streams.h"
#include "status.h"
#include "thread.h"

#define STACK       (1024 * 1024)  /* the program's own flush() may run on it */
#define COME_UP     (NS_PER_S / 2) /* so long an interpreter that is not up yet is watched */
#define RETRY_FIRST (8 * NS_PER_MS)
#define RETRY_MOST  (64 * NS_PER_MS)
#define HUSH        NS_PER_S /* so long streams without a buffer are taken to stay that */
#define DUTY        10       /* a visit that took long is followed by that much rest */
#define RAN_LEAST   10000    /* ns of CPU time; to wake, print and sleep takes more */

/* Of one process. Written by the flusher thread unless it says otherwise. */
static struct {
	_Atomic bool started;       /* the second thread was, whether that worked or not */
	_Atomic uint32_t told;      /* futex: visits asked for */
	_Atomic uint32_t done;      /* that many of them were made; the second thread */
	_Atomic uint32_t last;      /* of them, the one that a last flush waits for; 0: none */
	_Atomic bool given_up;      /* a last flush does not wait for Python; host threads */
	_Atomic int32_t result;     /* enum sink_result of the last visit; the second thread */
	_Atomic int64_t since_ns;   /* since when something may be pending; 0: nothing is */
	_Atomic int64_t visited_ns; /* when the last visit ended; the second thread */
	_Atomic int64_t cpu_ns;     /* the second thread's CPU time then */
	int64_t ran_ns;             /* the program's CPU time when a visit was last asked for */
} own;

static _Atomic bool buffered = true; /* may the streams hold anything? the second thread */

static struct {
	_Atomic uint64_t flushes, bytes, no_room;
	_Atomic int64_t oldest_ns;
} counts; /* the second thread */
STATUS(STATUS_FLUSHES, counts.flushes);
STATUS(STATUS_BYTES, counts.bytes);
STATUS(STATUS_NO_ROOM, counts.no_room);
STATUS(STATUS_OLDEST, counts.oldest_ns);

void sink_python_init(void (*in_child)(void))
{
	python_hooks_init(in_child);
	python_find();
}

bool sink_python_may_hold(void)
{
	return python_hooks_open() && atomic_load_explicit(&buffered, memory_order_relaxed);
}

static int64_t cpu_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

/* --- the second thread -------------------------------------------------------------------- */

static void count(uint64_t bytes, enum sink_result result, int64_t since_ns)
{
	int64_t age = since_ns ? clock_now_ns() - since_ns : 0;

	if (result == SINK_NO_ROOM)
		atomic_fetch_add(&counts.no_room, 1);
	if (!bytes)
		return;
	atomic_fetch_add(&counts.flushes, 1);
	atomic_fetch_add(&counts.bytes, bytes);
	if (age > atomic_load(&counts.oldest_ns))
		atomic_store(&counts.oldest_ns, age);
}

/* Returns for how long it had the GIL. */
static int64_t flush(const struct python *python)
{
	enum sink_mode mode = atomic_load(&own.last) ? SINK_ALL : SINK_KEEP_LINES;
	int gil = python->PyGILState_Ensure();
	int64_t start = clock_now_ns();
	int64_t since = atomic_exchange(&own.since_ns, 0);
	uint64_t before = python_streams_written();
	enum sink_result result = SINK_CLEAN;
	bool may_hold = false;

	if (python_hooks_put(python))
		result = python_streams_flush(python, mode, &may_hold);
	atomic_store(&buffered, may_hold);
	atomic_store(&own.result, result);
	count(python_streams_written() - before, result, since);
	python->PyGILState_Release(gil);
	return clock_now_ns() - start;
}

static int64_t visit(const struct python *python)
{
	int64_t took = 0;

	atomic_store(&own.result, SINK_CLEAN);
	if (!python_hooks_enter())
		return 0;
	if (python->Py_IsInitialized())
		took = flush(python);
	python_hooks_leave();
	return took;
}

/* Until there is something to do: told to, or a stream that had no room is to be tried again. */
static void rest(uint32_t told, int64_t took_ns)
{
	static int64_t retry_ns;
	int64_t now = clock_now_ns();
	int64_t until = now + took_ns * DUTY;
	int64_t again = INT64_MAX;

	if (atomic_load(&own.result) == SINK_NO_ROOM)
		again = now + (retry_ns = retry_ns ? retry_ns * 2 : RETRY_FIRST);
	else
		retry_ns = 0;
	if (retry_ns > RETRY_MOST)
		again = now + (retry_ns = RETRY_MOST);
	atomic_store(&own.visited_ns, now);
	atomic_store(&own.cpu_ns, cpu_ns(CLOCK_THREAD_CPUTIME_ID));
	atomic_store(&own.done, told);
	while (atomic_load(&own.told) == told && (again == INT64_MAX || now < again)) {
		futex_wait(&own.told, told, again == INT64_MAX ? again : again - now);
		now = clock_now_ns();
	}
	while (!atomic_load(&own.last) && (now = clock_now_ns()) < until)
		futex_wait(&own.told, atomic_load(&own.told), until - now);
}

static void *run(void *unused)
{
	const struct python *python;
	int64_t step = NS_PER_MS;

	prctl(PR_SET_NAME, "idleflush-py", 0, 0, 0);
	if (!python_calls() && !python_find_loaded()) {
		atomic_store(&own.started, false);
		return unused;
	}
	python = python_calls();
	while (!python->Py_IsInitialized()) {
		futex_wait(&own.told, atomic_load(&own.told), step < COME_UP ? step : INT64_MAX);
		if (step < COME_UP)
			step *= 2;
	}
	for (;;) {
		uint32_t told = atomic_load(&own.told);

		rest(told, visit(python));
	}
}

static void start_thread(void)
{
	if (!atomic_exchange(&own.started, true) && thread_start(run, STACK))
		log_debug("the second thread cannot start: no flush of Python's streams");
}

/* --- the flusher thread ------------------------------------------------------------------- */

void sink_python_start(void)
{
	if (python_calls())
		start_thread();
}

/* What the threads of the program ran so far: all but ours. */
static int64_t ran_ns(void)
{
	return cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns(CLOCK_THREAD_CPUTIME_ID) -
	       atomic_load(&own.cpu_ns);
}

static uint32_t tell(int64_t since_ns)
{
	int64_t none = 0;
	uint32_t visit_number;

	atomic_compare_exchange_strong(&own.since_ns, &none, since_ns);
	own.ran_ns = ran_ns();
	visit_number = atomic_fetch_add(&own.told, 1) + 1;
	futex_wake(&own.told);
	return visit_number;
}

/* Is there an interpreter to tell? Starts the second thread where one was loaded meanwhile. */
static bool is_up(void)
{
	const struct python *python = python_calls();

	if (python ? python->Py_IsInitialized() : python_was_loaded())
		start_thread();
	return python && python->Py_IsInitialized();
}

static enum sink_result flush_last(void)
{
	uint32_t last = atomic_load(&own.last);

	if (atomic_load(&own.given_up))
		return SINK_CLEAN;
	if (!last) {
		/* Before it is told, for it must not rest then. */
		atomic_store(&own.last, atomic_load(&own.told) + 1);
		last = tell(0);
	}
	if ((int32_t)(atomic_load(&own.done) - last) < 0)
		return SINK_BUSY;
	atomic_store(&own.last, 0);
	return atomic_load(&own.result);
}

enum sink_result sink_python_flush(struct sink_order *order)
{
	if (!is_up())
		return SINK_CLEAN;
	if (order->mode != SINK_KEEP_LINES)
		return flush_last();
	atomic_store(&own.last, 0);
	if (!atomic_load(&buffered) && order->now_ns - atomic_load(&own.visited_ns) < HUSH)
		return SINK_CLEAN;
	if (order->armed_ns || ran_ns() - own.ran_ns >= RAN_LEAST)
		tell(order->armed_ns);
	return SINK_CLEAN;
}

/* --- others ------------------------------------------------------------------------------- */

void *sink_python_let_go(void)
{
	void *let_go = atomic_load(&own.started) ? python_lock_let_go() : NULL;

	atomic_store(&own.given_up, python_lock_is_mine());
	return let_go;
}

void sink_python_take_back(void *let_go)
{
	python_lock_take_back(let_go);
}

void sink_python_give_up(void)
{
	atomic_store(&own.given_up, python_lock_is_mine());
}

void sink_python_wrote(size_t n)
{
	if (python_hooks_open())
		python_streams_wrote(n);
}

void sink_python_read_counts(struct sink_python_counts *read)
{
	read->flushes = atomic_load(&counts.flushes);
	read->bytes = atomic_load(&counts.bytes);
	read->no_room = atomic_load(&counts.no_room);
	read->oldest_ns = atomic_load(&counts.oldest_ns);
}

void sink_python_begin_in_child(void)
{
	memset(&own, 0, sizeof(own));
	memset(&counts, 0, sizeof(counts));
	python_hooks_begin_in_child();
}
