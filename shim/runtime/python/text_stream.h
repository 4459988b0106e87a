/* text_stream.h -- one of Python's text streams: what it is made of, room behind it, flush */
/* SPDX-License-Identifier: MIT */
/* All of these hold the GIL, and run with no error set. */
#ifndef IDLEFLUSH_TEXT_STREAM_H
#define IDLEFLUSH_TEXT_STREAM_H

#include <stdbool.h>

#include "runtime/python/python_api.h"
#include "sink/sink.h"

/* Learns what streams are made of. False: not of what we know. When an interpreter is new. */
bool python_text_stream_learn(const struct python_api *python);

/*
 * Is it the interpreter's own, down to the file? Each layer exactly: a subclass, or another layer
 * in between, is code of the program's.
 */
bool python_text_stream_is_own(const struct python_api *python, struct python_object *object);

/* Does it never hold anything: `python3 -u`, a terminal's line buffering? */
bool python_text_stream_is_unbuffered(const struct python_api *python,
				      struct python_object *object);

/*
 * Calls its flush(), where its file has room for all that it may hold. `*raised`: it raised what
 * no flush of the interpreter's own does, so a signal handler did; that error is left set. Other
 * errors are swallowed; NULL: all.
 */
enum sink_result python_text_stream_flush(const struct python_api *python,
					  struct python_object *object, enum sink_mode mode,
					  bool *raised);

#endif
