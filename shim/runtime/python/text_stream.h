/* text_stream.h -- one of Python's text streams: its layers, the room in its file, its flush */
/* SPDX-License-Identifier: MIT */
/* The caller of all of these holds the GIL, and no exception is set. */
#ifndef IDLEFLUSH_TEXT_STREAM_H
#define IDLEFLUSH_TEXT_STREAM_H

#include <stdbool.h>

#include "runtime/python/python_api.h"
#include "sink/sink.h"

/* Finds the types of the layers. False: they are not as we know them. Once for each interpreter. */
bool python_text_stream_learn(const struct python_api *python);

/*
 * Is it the interpreter's own, down to the file? Each layer must be of exactly that type: a
 * subclass, or another layer in between, is code of the program.
 */
bool python_text_stream_is_own(const struct python_api *python, struct python_object *object);

/* Does it never hold anything: `python3 -u`, a terminal's line buffering? */
bool python_text_stream_is_unbuffered(const struct python_api *python,
				      struct python_object *object);

/*
 * Calls its flush() if its file has room for all that it may hold. `*raised`: it raised an
 * exception that no flush of the interpreter's own raises, so a signal handler did; it is left set.
 * Other errors are ignored; NULL: all are.
 */
enum sink_result python_text_stream_flush(const struct python_api *python,
					  struct python_object *object, enum sink_mode mode,
					  bool *raised);

#endif
