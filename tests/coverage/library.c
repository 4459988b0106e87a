/* library.c -- linked into the coverage build of the library: no count is lost when it dies */
/* SPDX-License-Identifier: MIT */
/*
 * gcov writes its counts at exit(3). This writes them, and starts again from zero, before every
 * other end of a process: _exit, exec and, by the linker's --wrap=system_call, the signal that
 * the last words send themselves.
 */
#include "base/next.h"
#include "base/platform.h"

#include <stdarg.h>
#include <sys/syscall.h>

extern void __gcov_dump(void);
extern void __gcov_reset(void);

long __real_system_call(long number, ...);
long __wrap_system_call(long number, ...);

static void dump(void)
{
	__gcov_dump();
	__gcov_reset();
}

long __wrap_system_call(long number, ...)
{
	va_list list;
	long words[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		words[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_rt_tgsigqueueinfo || number == SYS_tgkill || number == SYS_kill)
		dump();
	return __real_system_call(number, words[0], words[1], words[2], words[3], words[4],
				  words[5]);
}

static struct next before;

static void dump_and__exit(int status)
{
	dump();
	before._exit(status);
}

static void dump_and__Exit(int status)
{
	dump();
	before._Exit(status);
}

static int dump_and_execve(const char *path, char *const argv[], char *const envp[])
{
	dump();
	return before.execve(path, argv, envp);
}

static int dump_and_execv(const char *path, char *const argv[])
{
	dump();
	return before.execv(path, argv);
}

static int dump_and_execvp(const char *file, char *const argv[])
{
	dump();
	return before.execvp(file, argv);
}

/* After the library's own constructor, which fills in the table. */
__attribute__((constructor)) static void take_over(void)
{
	next_resolve();
	before = next;
	next._exit = dump_and__exit;
	next._Exit = dump_and__Exit;
	next.execve = dump_and_execve;
	next.execv = dump_and_execv;
	next.execvp = dump_and_execvp;
}
