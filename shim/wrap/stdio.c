/* stdio.c -- the exported functions that open, flush, close and (C++) sync C streams */
/* SPDX-License-Identifier: MIT */
/*
 * A stream that is opened is watched if extra_streams.h says so. A stream that is closed is
 * forgotten before the real call, which frees its memory; even if we sleep, and even in a vfork
 * child, which frees a stream of its parent.
 */
#include "wrap/activity.h"
#include "flush/flusher_state.h"
#include "base/next.h"
#include "base/platform.h"
#include "runtime/cxx.h"
#include "runtime/python/python_hooks.h"
#include "flush/all_sinks.h"
#include "sink/extra_streams.h"
#include "sink/program_flush.h"

static FILE *opened(FILE *file, const char *path, const char *mode)
{
	int saved_errno;

	if (!file || !flusher_awake())
		return file;
	saved_errno = errno;
	if (flusher_is_owner())
		extra_streams_opened(file, path, mode);
	errno = saved_errno;
	return file;
}

/* libc closes the descriptor inside, where our close is not called. */
static void closing(FILE *file)
{
	int saved_errno = errno, fd;

	if (extra_streams_any())
		extra_streams_closing(file);
	if (flusher_awake() && (fd = fileno_unlocked(file)) >= 0)
		activity_closing((unsigned int)fd, (unsigned int)fd);
	errno = saved_errno;
}

/* freopen closes and opens inside libc, so stdout may be another file now. */
static FILE *reopened(FILE *file, const char *path, const char *mode)
{
	int fd;

	if (file && flusher_awake() && (fd = fileno_unlocked(file)) >= 0)
		all_sinks_descriptor_replaced(fd);
	return opened(file, path, mode);
}

static bool is_hidden(const char *path)
{
	if (LIKELY(!python_hooks_hide_from(path)))
		return false;
	errno = ENOENT;
	return true;
}

EXPORT FILE *fopen(const char *restrict path, const char *restrict mode)
{
	if (is_hidden(path))
		return NULL;
	return opened(NEXT(fopen)(path, mode), path, mode);
}

EXPORT FILE *fopen64(const char *restrict path, const char *restrict mode)
{
	if (is_hidden(path))
		return NULL;
	return opened(NEXT(fopen64)(path, mode), path, mode);
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	return opened(NEXT(fdopen)(fd, mode), NULL, mode);
}

EXPORT FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	FILE *made;

	closing(file);
	program_flush_begin();
	made = NEXT(freopen)(path, mode, file);
	program_flush_end();
	return reopened(made, path, mode);
}

EXPORT FILE *freopen64(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	FILE *made;

	closing(file);
	program_flush_begin();
	made = NEXT(freopen64)(path, mode, file);
	program_flush_end();
	return reopened(made, path, mode);
}

EXPORT int fclose(FILE *file)
{
	int done;

	closing(file);
	program_flush_begin();
	done = NEXT(fclose)(file);
	program_flush_end();
	return done;
}

EXPORT int fflush(FILE *file)
{
	int done;

	program_flush_begin();
	done = NEXT(fflush)(file);
	program_flush_end();
	return done;
}

EXPORT int fflush_unlocked(FILE *file)
{
	int done;

	program_flush_begin();
	done = NEXT(fflush_unlocked)(file);
	program_flush_end();
	return done;
}

/* If the program passes no buffer, they keep the one that there is: it must be libc's, not ours. */

static void setting(FILE *file)
{
	int saved_errno = errno;

	if (file == stdout)
		std_streams_take_back_buffer();
	errno = saved_errno;
}

EXPORT int setvbuf(FILE *restrict file, char *restrict buf, int mode, size_t size)
{
	setting(file);
	return NEXT(setvbuf)(file, buf, mode, size);
}

EXPORT void setlinebuf(FILE *file)
{
	setting(file);
	NEXT(setlinebuf)(file);
}

/* std::ios_base::sync_with_stdio(bool). Most programs have no such function. */

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the mangled name */
extern bool _ZNSt8ios_base15sync_with_stdioEb(bool sync);

EXPORT bool _ZNSt8ios_base15sync_with_stdioEb(bool sync)
{
	return cxx_sync_with_stdio(sync, __builtin_return_address(0), flusher_awake());
}
