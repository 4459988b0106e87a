/* thread.c -- the exported functions that create and cancel threads, and fork */
/* SPDX-License-Identifier: MIT */
/*
 * If our thread does not run yet, it starts right after the first one of the program: with
 * --start=threads, so that libc keeps its single-threaded paths until then; and in a forked child,
 * which is not about to exec then. std::thread calls pthread_create; glibc's and musl's thrd_create
 * do not call the exported one.
 */
#include "base/next.h"
#include "base/platform.h"
#include "base/symbols.h"
#include "base/thread.h"
#include "flush/flusher.h"
#include "sink/sink.h"

static void before_thread(void)
{
	int saved_errno;

	if (!flusher_awake() || thread_any_made())
		return;
	saved_errno = errno;
	thread_note_made(!std_streams_lock_tells());
	flusher_share_table();
	errno = saved_errno;
}

static void after_thread(bool made)
{
	if (made)
		flusher_start();
}

EXPORT int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
			  void *(*run)(void *), void *restrict argument)
{
	int error;

	before_thread();
	error = NEXT(pthread_create)(thread, attributes, run, argument);
	after_thread(!error);
	return error;
}

EXPORT int thrd_create(thrd_t *thread, thrd_start_t run, void *argument)
{
	int result;

	before_thread();
	result = NEXT(thrd_create)(thread, run, argument);
	after_thread(result == thrd_success);
	return result;
}

/* The main thread may be cancelled by itself, or by a thread that libc has made (SIGEV_THREAD). */
EXPORT int pthread_cancel(pthread_t thread)
{
	int saved_errno = errno;

	thread_note_cancelled();
	flusher_share_table();
	errno = saved_errno;
	return NEXT(pthread_cancel)(thread);
}

static bool is_exec(const char *name)
{
	static const char calls[][12] = {"exec", "fexec", "posix_spawn", "system", "popen"};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strncmp(name, calls[i], strlen(calls[i])))
			return true;
	return false;
}

/* Asked once, before the first fork. */
static bool may_exec(void)
{
	static _Atomic int answer; /* 0: not yet, 1: yes, -1: no */

	if (!answer) {
		int saved_errno = errno;

		answer = symbols_program_imports(is_exec) ? 1 : -1;
		errno = saved_errno;
	}
	return answer > 0;
}

/*
 * A child flushes at its own waits. A child that only computes has none, so it gets a thread at
 * once if it cannot be about to exec. That is after libc's fork handlers, because making a thread
 * allocates.
 */
EXPORT pid_t fork(void)
{
	bool lives =
		flusher_awake() && flusher_rules.start == CONFIG_START_CONSTRUCTOR && !may_exec();
	pid_t child = NEXT(fork)();

	if (child == 0 && lives)
		flusher_start();
	return child;
}
