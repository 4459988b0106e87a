/* thread.c -- starting and ending a thread of ours in somebody else's program */
/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include "base/futex.h"
#include "base/handlers.h"
#include "base/next.h"
#include "base/platform.h"

#include <sys/stat.h>

#define STACK_LARGE (8 * 1024 * 1024)
#define END_BOUND   (100 * NS_PER_MS)
#define END_STEP    (NS_PER_MS / 20)

static bool began_alone; /* libc knew of no other thread when the last one of ours began */

static bool libc_knows_of_none(void)
{
	return &__libc_single_threaded && __libc_single_threaded;
}

int thread_start(void *(*run)(void *), size_t stack)
{
	pthread_attr_t attributes;
	pthread_t thread = 0;
	sigset_t all, saved_mask;
	int error;

	if (!NEXT(pthread_create))
		return ENOSYS;
	began_alone = libc_knows_of_none();
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved_mask);
	error = NEXT(pthread_create)(&thread, &attributes, run, NULL);
	if (error == EINVAL) { /* the program's static TLS does not fit into that stack */
		pthread_attr_setstacksize(&attributes, STACK_LARGE);
		error = NEXT(pthread_create)(&thread, &attributes, run, NULL);
	}
	pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

static _Atomic bool cancelled;
static _Atomic bool made;    /* the program has created a thread, or is about to */
static _Atomic pid_t maker;  /* the thread that did so in a handler, perhaps inside stdio; or 0 */
static bool inherited_locks; /* stdio's locking flag is that of the parent; set by the child */

bool thread_any_made(void)
{
	return atomic_load_explicit(&made, memory_order_relaxed);
}

bool thread_is_alone(void)
{
	return !thread_any_made() &&
	       (inherited_locks || !platform_stdio_visible() || !platform_stdio_locks(stdout));
}

void thread_begin_in_child(void)
{
	atomic_store_explicit(&made, false, memory_order_relaxed);
	cancelled = false;
	if (maker)
		maker = (pid_t)syscall(SYS_gettid); /* the only thread that is left */
	inherited_locks = platform_stdio_visible() && platform_stdio_locks(stdout);
}

void thread_note_cancelled(void)
{
	atomic_store(&cancelled, true);
}

bool thread_any_cancelled(void)
{
	return atomic_load(&cancelled);
}

void thread_note_made(bool unlocked)
{
	if (unlocked && handlers_may_be_running())
		atomic_store(&maker, (pid_t)syscall(SYS_gettid));
	atomic_store_explicit(&made, true, memory_order_relaxed);
}

bool thread_may_hide_stdio(uint64_t mask)
{
	pid_t tid = atomic_load_explicit(&maker, memory_order_relaxed);

	if (LIKELY(!tid))
		return false;
	if (tid != (pid_t)syscall(SYS_gettid) || handlers_may_run(mask))
		return true;
	atomic_store(&maker, 0);
	return false;
}

bool thread_await_end(pid_t tid)
{
	int64_t end = clock_now_ns() + END_BOUND;

	while (!syscall(SYS_tgkill, platform_pid(), tid, 0)) {
		if (clock_now_ns() >= end)
			return false;
		futex_sleep(END_STEP);
	}
	return true;
}

/* "PID (NAME) STATE ...", where NAME may contain anything, and has 15 bytes at most. */
bool thread_main_sleeps(void)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
	char text[48] = "";
	const char *end;

	if (fd < 0)
		return false;
	syscall(SYS_read, fd, text, sizeof(text) - 1);
	syscall(SYS_close, fd);
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'S';
}

/* The directory has two links and one a thread. */
unsigned thread_count(void)
{
	struct stat tasks;

	if (syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &tasks, 0) < 0 ||
	    tasks.st_nlink < 2)
		return 0;
	return (unsigned)tasks.st_nlink - 2;
}

/* The first look into /proc/self costs more than all else that the constructor does. */
bool thread_is_first(bool ours)
{
	unsigned count = (ours ? began_alone : libc_knows_of_none()) ? 1U + ours : thread_count();

	return count && count <= 1U + ours;
}

/* Then /proc/self/exe refers to no program any more; without /proc it does not exist either. */
bool thread_main_has_ended(void)
{
	char name[1];

	return syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", name, sizeof(name)) < 0 &&
	       errno == ENOENT && thread_count();
}

bool thread_is_left_alone(unsigned ours)
{
	/* A main thread that ended still counts. */
	return thread_main_has_ended() && thread_count() <= ours + 1;
}
