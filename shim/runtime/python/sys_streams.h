/* sys_streams.h -- flushes sys.stdout and sys.stderr, for a thread that holds the GIL */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_SYS_STREAMS_H
#define IDLEFLUSH_SYS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/python/python_api.h"
#include "sink/sink.h"

/*
 * Calls flush() of sys.stdout and sys.stderr, whatever they are, and of the streams that the
 * process began with if those differ, because a replacement need not pass a flush on. Each only if
 * its file has room for all that it may hold. Errors are ignored. *buffered: may any of them ever
 * hold bytes? The caller holds the GIL.
 */
enum sink_result python_sys_streams_flush(const struct python_api *python, enum sink_mode mode,
					  bool *buffered);

/*
 * The same for streams that are the interpreter's own down to the file, so that no code of the
 * program runs, except for its signal handlers in the main thread. `*raised`: a handler raised an
 * exception, which is left set, and nothing further was done. NULL: that is ignored, too. True: all
 * streams were of that kind, and all are flushed. The caller holds the GIL.
 */
bool python_sys_streams_flush_own(const struct python_api *python, enum sink_mode mode,
				  bool *raised);

/* Did the latest flush bring bytes out? Holds the GIL. */
bool python_sys_streams_found(void);

/*
 * Have the latest flushes found nothing, so that another one can wait? Each of them doubles the
 * pause, up to half a second. Any context.
 */
bool python_sys_streams_are_silent(void);

/* Something may be pending since `ns`; 0: not known. For the counters. The flusher only. */
void python_sys_streams_armed(int64_t ns);

/* `n` bytes were written to fd 1 or 2 through our wrappers, as Python does. Any context. */
void python_sys_streams_wrote(size_t n);

/* In a forked child nothing is known to be pending. Atfork child handler only. */
void python_sys_streams_begin_in_child(void);

#endif
