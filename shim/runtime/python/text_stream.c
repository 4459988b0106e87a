/* text_stream.c -- one of Python's text streams: its layers, the room in its file, its flush */
/* SPDX-License-Identifier: MIT */
/*
 * How much such a stream holds cannot be asked. A TextIOWrapper keeps less than 8 KiB back from its
 * BufferedWriter, and that has at most one block of the file, 4 KiB for a pipe. So there must be
 * room for that, or as much as the file ever takes. A flush that blocked would release the GIL, but
 * print in all threads would block behind it.
 */
#include "runtime/python/text_stream.h"

#include "base/platform.h"
#include "sink/writable.h"

#define AMPLE  (16 * 1024)
#define LAYERS 3

/* What open(3) makes for text, from above, and how each layer names the next. */
static const char *const kind_names[LAYERS] = {"TextIOWrapper", "BufferedWriter", "FileIO"};
static const char *const below[LAYERS - 1] = {"buffer", "raw"};
static struct python_object *kinds[LAYERS]; /* their types; written with the GIL */

static bool is_true(const struct python_api *python, struct python_object *object, const char *name)
{
	struct python_object *value = python->PyObject_GetAttrString(object, name);
	bool is = value && python->PyObject_IsTrue(value) == 1;

	python->Py_DecRef(value);
	if (!is)
		python->PyErr_Clear();
	return is;
}

bool python_text_stream_learn(const struct python_api *python)
{
	struct python_object *io = python->PyImport_ImportModule("io");
	bool all = io;

	for (size_t i = 0; all && i < LAYERS; i++)
		all = (kinds[i] = python->PyObject_GetAttrString(io, kind_names[i]));
	python->Py_DecRef(io);
	if (!all)
		python->PyErr_Clear();
	return all;
}

bool python_text_stream_is_own(const struct python_api *python, struct python_object *object)
{
	struct python_object *layer = object;
	bool own = true;

	python->Py_IncRef(layer);
	for (size_t i = 0; own && i < LAYERS; i++) {
		struct python_object *type = python->PyObject_Type(layer), *next = NULL;

		own = type == kinds[i];
		if (own && i < LAYERS - 1)
			own = (next = python->PyObject_GetAttrString(layer, below[i]));
		python->Py_DecRef(type);
		python->Py_DecRef(layer);
		layer = next;
	}
	python->Py_DecRef(layer);
	if (!own)
		python->PyErr_Clear();
	return own;
}

/* The descriptor behind a stream, or -1. */
static int descriptor_of(const struct python_api *python, struct python_object *object)
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
		return writable_for_unknown(fd, AMPLE, last);
	out = writable_for_unknown(STDOUT_FILENO, AMPLE, last);
	err = writable_for_unknown(STDERR_FILENO, AMPLE, last);
	return out && err ? AMPLE : 0;
}

/*
 * Did flush() of the interpreter's own streams raise this? A failed write has an errno, where a
 * handler's TimeoutError has none. The error stays set.
 */
static bool is_of_flush(const struct python_api *python)
{
	struct python_object *type, *value, *traceback, *number;
	bool is;

	if (python->PyErr_ExceptionMatches(*python->PyExc_ValueError) ||
	    python->PyErr_ExceptionMatches(*python->PyExc_RuntimeError))
		return true; /* closed; in use by this very thread */
	if (!python->PyErr_ExceptionMatches(*python->PyExc_OSError))
		return false;
	python->PyErr_Fetch(&type, &value, &traceback);
	python->PyErr_NormalizeException(&type, &value, &traceback);
	number = python->PyObject_GetAttrString(value, "errno");
	is = number && number != python->_Py_NoneStruct;
	python->Py_DecRef(number);
	python->PyErr_Restore(type, value, traceback);
	return is;
}

enum sink_result python_text_stream_flush(const struct python_api *python,
					  struct python_object *object, enum sink_mode mode,
					  bool *raised)
{
	size_t room = room_behind(descriptor_of(python, object), mode != SINK_WHOLE_LINES);
	struct python_object *result;

	if (room == WRITABLE_GONE)
		return SINK_CLEAN;
	if (!room)
		return SINK_NO_ROOM;
	result = python->PyObject_CallMethod(object, "flush", NULL);
	python->Py_DecRef(result);
	if (!result && raised && !is_of_flush(python))
		*raised = true;
	else if (!result)
		python->PyErr_Clear();
	return SINK_FLUSHED;
}

bool python_text_stream_is_unbuffered(const struct python_api *python, struct python_object *object)
{
	return is_true(python, object, "line_buffering") ||
	       is_true(python, object, "write_through");
}
