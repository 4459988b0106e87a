/* thread.c -- the exported function that creates threads */
/* SPDX-License-Identifier: MIT */
/*
 * With --start=threads our thread starts right after the first one of the program, so that libc
 * keeps its single-threaded paths until then. std::thread calls this; C11's thrd_create does not.
 */
#include "base/next.h"
#include "base/platform.h"
#include "base/thread.h"
#include "flush/flusher.h"

EXPORT int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
			  void *(*run)(void *), void *restrict argument)
{
	int error;

	if (!thread_any_made()) {
		thread_note_made();
		flusher_share_table();
	}
	error = NEXT(pthread_create)(thread, attributes, run, argument);
	if (!error && flusher_rules.start == CONFIG_START_THREADS && flusher_not_started()) {
		int saved_errno = errno;

		flusher_start_wanted();
		errno = saved_errno;
	}
	return error;
}
