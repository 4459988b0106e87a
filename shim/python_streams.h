/* python_streams.h -- sys.stdout and sys.stderr, by whoever holds Python's lock */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PYTHON_STREAMS_H
#define IDLEFLUSH_PYTHON_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "python.h"
#include "sink.h"

/*
 * Calls flush() of sys.stdout and sys.stderr, whatever they are, and of the ones that the process
 * began with where those are others: a stand-in need not pass a flush on. Each only where its file
 * has room for all that it may hold. Errors are swallowed. *buffered: may any of them ever hold
 * something? Holds the GIL.
 */
enum sink_result python_streams_flush(const struct python *python, enum sink_mode mode,
				      bool *buffered);

/*
 * The same for those that are of the interpreter's own kind, so that no code of the program runs.
 * Holds the GIL.
 */
void python_streams_flush_own(const struct python *python);

/*
 * `n` bytes were written to fd 1 or 2 through our wrappers, as Python does; and how many so far.
 * Any context.
 */
void python_streams_wrote(size_t n);
uint64_t python_streams_written(void);

#endif
