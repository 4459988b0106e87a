/* exit.c -- the exported functions that end the process or exec */
/* SPDX-License-Identifier: MIT */
/*
 * Each flushes first and then makes the real call. If an exec fails, the bytes were merely written
 * early. exit(3) flushes by itself, but without locks: the flusher must not be at work then, even
 * if one thread calls it while another is in our destructor.
 */
#include "exit/hidden_handler.h"
#include "exit/last_words.h"
#include "base/next.h"
#include "base/platform.h"

#include <stdarg.h>
#include <stdlib.h>

EXPORT void exit(int status)
{
	last_words_before_exit();
	NEXT(exit)(status);
	__builtin_unreachable();
}

EXPORT void _exit(int status)
{
	last_words_before_end();
	NEXT(_exit)(status);
	__builtin_unreachable();
}

EXPORT void _Exit(int status)
{
	last_words_before_end();
	NEXT(_Exit)(status);
	__builtin_unreachable();
}

/*
 * If SIGABRT has a hidden handler of ours, that one flushes, because the program may survive a
 * handler of its own. PID 1 of a namespace does not die of the signal but of what abort does next.
 */
EXPORT void abort(void)
{
	if (!hidden_handler_is_set(SIGABRT) || platform_pid() == 1)
		last_words_before_exit();
	NEXT(abort)();
	__builtin_unreachable();
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	last_words_before_exec();
	return NEXT(execve)(path, argv, envp);
}

EXPORT int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	last_words_before_exec();
	return NEXT(execveat)(dir, path, argv, envp, flags);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	last_words_before_exec();
	return NEXT(fexecve)(fd, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	last_words_before_exec();
	return NEXT(execv)(path, argv);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	last_words_before_exec();
	return NEXT(execvp)(file, argv);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	last_words_before_exec();
	return NEXT(execvpe)(file, argv, envp);
}

/* If the main thread calls this, the process ends with the last of the other threads. */
EXPORT void pthread_exit(void *result)
{
	last_words_of_main_thread();
	NEXT(pthread_exit)(result);
	__builtin_unreachable();
}

/* glibc's and musl's do not call the exported pthread_exit. */
EXPORT void thrd_exit(int result)
{
	last_words_of_main_thread();
	NEXT(thrd_exit)(result);
	__builtin_unreachable();
}

/*
 * The variadic functions pass their list on as an array. It is on the stack, not on the heap,
 * because a vfork child may call them. `first` and what follows it up to NULL become `argv`.
 */
#define COLLECT(argv, list, first)                                                                 \
	size_t count = 0;                                                                          \
	va_start(list, first);                                                                     \
	for (const char *at = first; at; at = va_arg(list, const char *))                          \
		count++;                                                                           \
	va_end(list);                                                                              \
	char **argv = __builtin_alloca((count + 1) * sizeof(*argv));                               \
	argv[0] = (char *)(first);                                                                 \
	va_start(list, first);                                                                     \
	for (size_t i = 1; i <= count; i++)                                                        \
		argv[i] = va_arg(list, char *);

EXPORT int execl(const char *path, const char *first, ...)
{
	va_list list;
	COLLECT(argv, list, first)

	va_end(list);
	last_words_before_exec();
	return NEXT(execv)(path, argv);
}

EXPORT int execlp(const char *file, const char *first, ...)
{
	va_list list;
	COLLECT(argv, list, first)

	va_end(list);
	last_words_before_exec();
	return NEXT(execvp)(file, argv);
}

EXPORT int execle(const char *path, const char *first, ...)
{
	va_list list;
	char *const *envp;
	COLLECT(argv, list, first)

	envp = va_arg(list, char *const *);
	va_end(list);
	last_words_before_exec();
	return NEXT(execve)(path, argv, envp);
}
