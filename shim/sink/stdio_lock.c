/* stdio_lock.c -- the locks of C streams: who holds one, and does the program use them? */
/* SPDX-License-Identifier: MIT */
/* Owns: what the constructor learned, constant afterwards. */
#include "sink/stdio_lock.h"

#include "base/futex.h"
#include "base/platform.h"
#include "base/symbols.h"

#include <stdatomic.h>

#define MUSL_WORDS   50         /* of its FILE (1.1 to 1.2.5: 58 on 64 bits) that may be the lock */
#define MUSL_WAITERS 0x40000000 /* MAYBE_WAITERS in src/internal/stdio_impl.h */

#define LOOKS     1000 /* before others are let onto this CPU */
#define LOOK_STEP (NS_PER_MS / 20)

static size_t musl_word; /* which of a FILE's words is the owner's thread number; 0: not learned */

static _Atomic int *musl_lock(const FILE *file)
{
	return (_Atomic int *)(uintptr_t)file + musl_word;
}

static int this_thread(void)
{
	return (int)syscall(SYS_gettid);
}

/* The one word that is our thread number while we hold the lock, and 0 after that. */
static size_t musl_find(FILE *file)
{
	const int *words = (const int *)file;
	bool is_mine[MUSL_WORDS];
	size_t found = 0, count = 0;

	if (ftrylockfile(file))
		return 0;
	for (size_t i = 0; i < MUSL_WORDS; i++)
		is_mine[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED) == this_thread();
	funlockfile(file);
	for (size_t i = 0; i < MUSL_WORDS; i++)
		if (is_mine[i] && !__atomic_load_n(&words[i], __ATOMIC_RELAXED)) {
			found = i;
			count++;
		}
	return count == 1 ? found : 0;
}

/* glibc's lock has looked the same since 2.3.3; we rely on that only if it behaves so. */
static bool glibc_tells(FILE *file)
{
	bool mine;

	if (platform_stdio_is_mine(file) || ftrylockfile(file))
		return false;
	mine = platform_stdio_is_mine(file);
	funlockfile(file);
	return mine && !platform_stdio_is_mine(file);
}

bool stdio_lock_learn(FILE *file)
{
	if (platform_stdio_visible())
		return glibc_tells(file);
	musl_word = musl_find(file);
	return musl_word;
}

/*
 * musl's putc(3) takes a free lock without noting a thread number (src/stdio/putc.h). The holder of
 * such a lock may be the code that a signal handler interrupted.
 */
static bool musl_may_be_mine(const FILE *file)
{
	int owner = musl_word ? atomic_load(musl_lock(file)) & ~MUSL_WAITERS : 0;

	return owner && (owner == this_thread() || owner == MUSL_WAITERS - 1);
}

bool stdio_lock_may_be_mine(const FILE *file)
{
	if (!platform_stdio_visible())
		return musl_may_be_mine(file);
	return platform_stdio_may_be_mine((FILE *)file);
}

/* If it is ours it stays as it is: nobody else can take it, and this thread does nothing more. */
bool stdio_lock_stays_mine(const FILE *file, int64_t bound_ns)
{
	int64_t end = 0;

	if (!stdio_lock_is_used(file)) /* there are no others: a handler interrupted this thread */
		return stdio_lock_may_be_mine(file);
	for (unsigned looks = 0; stdio_lock_may_be_mine(file); looks++) {
		if (platform_stdio_visible() && platform_stdio_is_mine((FILE *)file))
			return true;
		if (looks < LOOKS)
			continue;
		if (!end)
			end = clock_now_ns() + bound_ns;
		if (clock_now_ns() >= end)
			return true;
		futex_sleep(LOOK_STEP);
	}
	return false;
}

bool stdio_lock_is_used(const FILE *file)
{
	return !platform_stdio_visible() || platform_stdio_locks(file);
}

/* --- programs that do not lock ---------------------------------------------------------------- */

/* No pointers to the names, because the loader would relocate those at each start. */
static bool writes_unlocked(const char *name)
{
	static const char calls[][18] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};

	if (*name != '_' && *name != 'f' && *name != 'p') /* most of the thousands of a program */
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (name[1] == calls[i][1] && strcmp(name, calls[i]) == 0)
			return true;
	return false;
}

/* The D runtime starts a program so; its library locks a stream around those calls. */
static bool is_d_runtime(const char *name)
{
	return strcmp(name, "_d_run_main") == 0;
}

/* Many programs are a small main and a library. Libraries that are loaded later are not checked. */
bool stdio_lock_is_bypassed(void)
{
	return symbols_any_imports(writes_unlocked) && !symbols_program_imports(is_d_runtime);
}
