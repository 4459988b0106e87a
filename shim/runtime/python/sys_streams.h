/* sys_streams.h -- sys.stdout and sys.stderr, by whoever holds Python's lock */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SYS_STREAMS_H
#define IDLEFLUSH_SYS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/python/python_api.h"
#include "sink/sink.h"

/*
 * Calls flush() of sys.stdout and sys.stderr, whatever they are, and of the ones that the process
 * began with where those are others: a stand-in need not pass a flush on. Each only where its file
 * has room for all that it may hold. Errors are swallowed. *buffered: may any of them ever hold
 * something? Holds the GIL.
 */
enum sink_result python_sys_streams_flush(const struct python_api *python, enum sink_mode mode,
					  bool *buffered);

/*
 * The same for those that are the interpreter's own down to the file, so that no code of the
 * program runs but its signal handlers, in the main thread. `*raised`: one of them raised; its
 * error is left set, and nothing further was done. NULL: swallowed, too. True: none was of another
 * kind, and all are flushed. Holds the GIL.
 */
bool python_sys_streams_flush_own(const struct python_api *python, enum sink_mode mode,
				  bool *raised);

/*
 * Have flushes brought out nothing lately, so that another one can wait? Each in vain doubles the
 * pause, up to half a second. Any context.
 */
bool python_sys_streams_are_silent(void);

/* Since `ns` something may be pending; 0: unknown. For the accounts. The flusher only. */
void python_sys_streams_armed(int64_t ns);

/* `n` bytes were written to fd 1 or 2 through our wrappers, as Python does. Any context. */
void python_sys_streams_wrote(size_t n);

/* In a forked child nothing is known to be pending. Atfork child handler only. */
void python_sys_streams_begin_in_child(void);

#endif
