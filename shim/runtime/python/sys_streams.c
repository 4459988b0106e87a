/* sys_streams.c -- flushes sys.stdout and sys.stderr, for a thread that holds the GIL */
/* SPDX-License-Identifier: MIT */
#include "runtime/python/sys_streams.h"

#include "base/futex.h"
#include "base/platform.h"
#include "runtime/python/text_stream.h"
#include "shared/introspect.h"

#define NAMES       4
#define PAUSE_FIRST (10 * NS_PER_MS)
#define PAUSE_MOST  (500 * NS_PER_MS)
#define PAUSES      8 /* from there on it is the longest */
#define STANDARD    2 /* so many of them are what the process began with */
#define TRIES       16

static const char *const names[NAMES] = {"__stdout__", "__stderr__", "stdout", "stderr"};

static _Atomic uint64_t written; /* by host threads, in our wrappers */
static _Atomic int64_t since_ns; /* something may be pending; 0: nothing is */

/* Written by the thread that holds the GIL. */
static _Atomic uint32_t in_vain;   /* flushes since the last that wrote something */
static _Atomic int64_t flushed_ns; /* the last flush, in vain or not */

static uint64_t bytes_written(void)
{
	return atomic_load_explicit(&written, memory_order_relaxed);
}

/* The objects that names[] name; NULL: None, nothing, or the same as an earlier one. */
struct streams {
	struct python_object *objects[NAMES];
};

static struct streams take(const struct python_api *python)
{
	struct streams taken = {{NULL}};

	for (size_t i = 0; i < NAMES; i++) {
		struct python_object *object = python->PySys_GetObject(names[i]);
		bool known = !object || object == python->_Py_NoneStruct;

		for (size_t j = 0; j < i; j++)
			known |= taken.objects[j] == object;
		if (known)
			continue;
		python->Py_IncRef(object); /* another thread may replace it while we are at it */
		taken.objects[i] = object;
	}
	return taken;
}

static void give_back(const struct python_api *python, const struct streams *taken)
{
	for (size_t i = 0; i < NAMES; i++)
		python->Py_DecRef(taken->objects[i]);
}

/* `before`: how much was written when the flush began. */
static void count(uint64_t before, bool no_room)
{
	uint64_t bytes = bytes_written() - before;
	int64_t since = atomic_exchange(&since_ns, 0);
	int64_t now = clock_now_ns();

	atomic_store(&flushed_ns, now);
	atomic_store(&in_vain, bytes ? 0 : atomic_load(&in_vain) + 1);
	if (bytes)
		status_count_flush(bytes, now, since ? now - since : 0);
	library_status.no_room += no_room;
}

/* Each stream once. `own`: only the interpreter's own; SINK_NO_ROOM if there are others. */
static enum sink_result flush_each(const struct python_api *python, enum sink_mode mode, bool own,
				   bool *buffered, bool *raised)
{
	struct streams taken = take(python);
	enum sink_result most = SINK_CLEAN;

	*buffered = false;
	for (size_t i = 0; i < NAMES && !(raised && *raised); i++) {
		struct python_object *object = taken.objects[i];
		enum sink_result result = SINK_NO_ROOM;
		bool is_foreign;

		if (!object)
			continue;
		is_foreign = own && !python_text_stream_is_own(python, object);
		if (!is_foreign && mode == SINK_WHOLE_LINES && (own || i < STANDARD) &&
		    python_text_stream_is_unbuffered(python, object))
			continue;
		if (!is_foreign)
			result = python_text_stream_flush(python, object, mode, raised);
		*buffered |= result != SINK_CLEAN;
		most = sink_result_greater(most, result);
	}
	give_back(python, &taken);
	return most;
}

/*
 * A write releases the GIL, and another thread may print meanwhile. If this is the last chance, it
 * is repeated until nothing was written, because then nobody can have printed.
 */
static enum sink_result flush_all(const struct python_api *python, enum sink_mode mode, bool own,
				  bool *buffered, bool *raised)
{
	uint64_t first = bytes_written(), before;
	enum sink_result result;
	int tries = 0;

	do {
		before = bytes_written();
		result = flush_each(python, mode, own, buffered, raised);
	} while (mode != SINK_WHOLE_LINES && bytes_written() != before && ++tries < TRIES &&
		 !(raised && *raised));
	count(first, !own && result == SINK_NO_ROOM);
	return result;
}

enum sink_result python_sys_streams_flush(const struct python_api *python, enum sink_mode mode,
					  bool *buffered)
{
	return flush_all(python, mode, false, buffered, NULL);
}

bool python_sys_streams_flush_own(const struct python_api *python, enum sink_mode mode,
				  bool *raised)
{
	bool buffered;

	return flush_all(python, mode, true, &buffered, raised) != SINK_NO_ROOM;
}

bool python_sys_streams_found(void)
{
	return atomic_load(&in_vain) == 0;
}

void python_sys_streams_wrote(size_t n)
{
	atomic_fetch_add_explicit(&written, n, memory_order_relaxed);
}

bool python_sys_streams_are_silent(void)
{
	uint32_t n = atomic_load_explicit(&in_vain, memory_order_relaxed);

	if (n < 2)
		return false;
	return clock_now_ns() - atomic_load_explicit(&flushed_ns, memory_order_relaxed) <
	       (n < PAUSES ? PAUSE_FIRST << (n - 2) : PAUSE_MOST);
}

void python_sys_streams_armed(int64_t ns)
{
	int64_t none = 0;

	atomic_compare_exchange_strong(&since_ns, &none, ns);
}

void python_sys_streams_begin_in_child(void)
{
	atomic_store(&since_ns, 0);
}
