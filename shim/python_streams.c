/* python_streams.c -- sys.stdout and sys.stderr, by whoever holds Python's lock */
/* SPDX-License-Identifier: MIT */
/*
 * Nobody tells how much such a stream holds. A TextIOWrapper keeps less than 8 KiB back from its
 * BufferedWriter, and that one has at most a block of the file, 4 KiB for a pipe; so there must be
 * room for that, or as much as the file ever takes: a flush that blocked would do so without the
 * GIL, but print in all threads would block behind it.
 */
#include "python_streams.h"

#include "platform.h"
#include "room.h"

#define AMPLE (16 * 1024)
#define NAMES 4

static const char *const names[NAMES] = {"__stdout__", "__stderr__", "stdout", "stderr"};

static _Atomic uint64_t written;

/* What names[] stand for, NULL for None, for nothing, and for one that was there before. */
struct streams {
	struct python_object *objects[NAMES];
};

static struct streams take(const struct python *python)
{
	struct streams taken = {{NULL}};

	for (size_t i = 0; i < NAMES; i++) {
		struct python_object *object = python->PySys_GetObject(names[i]);
		bool known = !object || object == python->none;

		for (size_t j = 0; j < i; j++)
			known |= taken.objects[j] == object;
		if (known)
			continue;
		python->Py_IncRef(object); /* another thread may replace it while we are at it */
		taken.objects[i] = object;
	}
	return taken;
}

static void give_back(const struct python *python, const struct streams *taken)
{
	for (size_t i = 0; i < NAMES; i++)
		python->Py_DecRef(taken->objects[i]);
}

static bool is_true(const struct python *python, struct python_object *object, const char *name)
{
	struct python_object *value = python->PyObject_GetAttrString(object, name);
	bool is = value && python->PyObject_IsTrue(value) == 1;

	python->Py_DecRef(value);
	if (!is)
		python->PyErr_Clear();
	return is;
}

/* The descriptor behind a stream, or -1. */
static int descriptor_of(const struct python *python, struct python_object *object)
{
	struct python_object *value = python->PyObject_CallMethod(object, "fileno", NULL);
	long fd = value ? python->PyLong_AsLong(value) : -1;

	python->Py_DecRef(value);
	if (fd < 0)
		python->PyErr_Clear();
	return fd >= 0 && fd <= INT32_MAX ? (int)fd : -1;
}

/* Room behind a stream; one without a descriptor may write to either of the standard ones. */
static size_t room_behind(int fd, bool last)
{
	size_t out, err;

	if (fd >= 0)
		return room_for_unknown(fd, AMPLE, last);
	out = room_for_unknown(STDOUT_FILENO, AMPLE, last);
	err = room_for_unknown(STDERR_FILENO, AMPLE, last);
	return out && err ? AMPLE : 0;
}

static enum sink_result flush(const struct python *python, struct python_object *object, bool last)
{
	size_t room = room_behind(descriptor_of(python, object), last);
	struct python_object *result;

	if (room == ROOM_NEVER)
		return SINK_CLEAN;
	if (!room)
		return SINK_NO_ROOM;
	result = python->PyObject_CallMethod(object, "flush", NULL);
	python->Py_DecRef(result);
	if (!result)
		python->PyErr_Clear();
	return SINK_FLUSHED;
}

enum sink_result python_streams_flush(const struct python *python, enum sink_mode mode,
				      bool *buffered)
{
	struct streams taken = take(python);
	enum sink_result most = SINK_CLEAN;

	*buffered = false;
	for (size_t i = 0; i < NAMES; i++) {
		struct python_object *object = taken.objects[i];
		enum sink_result result;

		/* The first two are what `python3 -u` and a terminal's line buffering are about. */
		if (!object || (i < 2 && mode == SINK_KEEP_LINES &&
				(is_true(python, object, "line_buffering") ||
				 is_true(python, object, "write_through"))))
			continue;
		result = flush(python, object, mode != SINK_KEEP_LINES);
		*buffered |= result != SINK_CLEAN;
		if (result > most)
			most = result;
	}
	give_back(python, &taken);
	return most;
}

void python_streams_flush_own(const struct python *python)
{
	struct streams taken = take(python);
	struct python_object *own = NULL;

	for (size_t i = 0; i < NAMES; i++) {
		struct python_object *object = taken.objects[i];
		struct python_object *type = object ? python->PyObject_Type(object) : NULL;

		if (i < 2 && !own)
			own = type;
		if (object && type == own)
			flush(python, object, true);
		python->Py_DecRef(type); /* a type that is in use stays */
	}
	give_back(python, &taken);
}

void python_streams_wrote(size_t n)
{
	atomic_fetch_add_explicit(&written, n, memory_order_relaxed);
}

uint64_t python_streams_written(void)
{
	return atomic_load_explicit(&written, memory_order_relaxed);
}
