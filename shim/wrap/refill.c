/* refill.c -- the exported functions of stdio that read, and may have to wait for more */
/* SPDX-License-Identifier: MIT */
/*
 * A filter waits inside libc, where nobody sees it: libc binds its own calls of read(2). What the
 * program calls is seen, and whether a stream's buffer has what is asked for. Only then the call
 * may wait, so that it costs a bulk reader a look at two pointers a line, and getc(3) one a byte.
 * Not here: scanf(3), and wide streams. Owns: `lines`, while there is one thread.
 */
#include "base/next.h"
#include "base/platform.h"
#include "base/thread.h"
#include "flush/read_flush.h"
#include "wrap/waiting.h"
#include "flush/all_sinks.h"

#undef fread_unlocked /* a macro in some headers */

#define IN_BACKUP 0x100 /* _IO_IN_BACKUP: the fields describe what ungetc(3) put back */

/* Up to where a stream's buffer has whole lines. */
static struct {
	const FILE *file;
	const char *at, *end; /* what was left in it at the last call */
	const char *last;     /* the last delimiter in that; NULL: there is none */
	int delimiter;
} lines;

static size_t left_in(const FILE *file)
{
	return (size_t)(file->_IO_read_end - file->_IO_read_ptr);
}

static const char *find_last(const char *from, const char *end, int byte)
{
	while (end > from)
		if (*--end == (char)byte)
			return end;
	return NULL;
}

/*
 * Is there a whole line? Looked for once a buffer: a call that finds one does not fill it anew, and
 * one that finds none does. With several threads the buffer may change under our eyes; then only
 * an empty one counts.
 */
static bool has_line(const FILE *file, int delimiter)
{
	const char *at = file->_IO_read_ptr, *end = file->_IO_read_end;

	if (!thread_is_alone())
		return at < end;
	if (lines.file != file || lines.end != end || at < lines.at ||
	    lines.delimiter != delimiter || !lines.last) {
		lines.file = file;
		lines.end = end;
		lines.delimiter = delimiter;
		lines.last = find_last(at, end, delimiter);
	}
	lines.at = at;
	if (lines.last && at <= lines.last)
		return true;
	lines.last = NULL;
	return false;
}

/* The call may wait for more in that stream. */
static void refilling(FILE *file)
{
	int saved_errno = errno;

	if (!all_sinks_pending_here())
		return;
	read_flush_refill(fileno_unlocked(file));
	errno = saved_errno;
}

/* Is there nothing to be done before a read of that stream? */
static inline bool is_plain(const FILE *file)
{
	return waiting_has_nothing_to_flush() || !flusher_awake() || !platform_stdio_visible() ||
	       file->_mode > 0 || file->_flags & IN_BACKUP;
}

static inline void reading_line(FILE *file, int delimiter, size_t most)
{
	if (!is_plain(file) && left_in(file) < most && !has_line(file, delimiter))
		refilling(file);
}

static inline void reading_bytes(FILE *file, size_t size, size_t count)
{
	if (!is_plain(file) && left_in(file) < size * count)
		refilling(file);
}

EXPORT ssize_t getline(char **restrict line, size_t *restrict n, FILE *restrict file)
{
	reading_line(file, '\n', SIZE_MAX);
	return NEXT(getline)(line, n, file);
}

EXPORT ssize_t getdelim(char **restrict line, size_t *restrict n, int delimiter,
			FILE *restrict file)
{
	reading_line(file, delimiter, SIZE_MAX);
	return NEXT(getdelim)(line, n, delimiter, file);
}

EXPORT ssize_t __getdelim(char **restrict line, size_t *restrict n, int delimiter,
			  FILE *restrict file)
{
	reading_line(file, delimiter, SIZE_MAX);
	return NEXT(__getdelim)(line, n, delimiter, file);
}

static inline void reading_text(FILE *file, int n)
{
	reading_line(file, '\n', n > 0 ? (size_t)n - 1 : 0);
}

EXPORT char *fgets(char *restrict text, int n, FILE *restrict file)
{
	reading_text(file, n);
	return NEXT(fgets)(text, n, file);
}

EXPORT char *fgets_unlocked(char *restrict text, int n, FILE *restrict file)
{
	reading_text(file, n);
	return NEXT(fgets_unlocked)(text, n, file);
}

EXPORT size_t fread(void *restrict to, size_t size, size_t count, FILE *restrict file)
{
	reading_bytes(file, size, count);
	return NEXT(fread)(to, size, count, file);
}

EXPORT size_t fread_unlocked(void *restrict to, size_t size, size_t count, FILE *restrict file)
{
	reading_bytes(file, size, count);
	return NEXT(fread_unlocked)(to, size, count, file);
}

/* What _FORTIFY_SOURCE makes of those. */

EXPORT char *__fgets_chk(char *restrict text, size_t room, int n, FILE *restrict file)
{
	reading_text(file, n);
	return NEXT(__fgets_chk)(text, room, n, file);
}

EXPORT char *__fgets_unlocked_chk(char *restrict text, size_t room, int n, FILE *restrict file)
{
	reading_text(file, n);
	return NEXT(__fgets_unlocked_chk)(text, room, n, file);
}

EXPORT size_t __fread_chk(void *restrict to, size_t room, size_t size, size_t count,
			  FILE *restrict file)
{
	reading_bytes(file, size, count);
	return NEXT(__fread_chk)(to, room, size, count, file);
}

EXPORT size_t __fread_unlocked_chk(void *restrict to, size_t room, size_t size, size_t count,
				   FILE *restrict file)
{
	reading_bytes(file, size, count);
	return NEXT(__fread_unlocked_chk)(to, room, size, count, file);
}

/* With musl, too, these two fields tell whether anything is left. */

EXPORT int getc(FILE *file)
{
	if (UNLIKELY(file->_IO_read_ptr >= file->_IO_read_end))
		reading_bytes(file, 1, 1);
	return NEXT(getc)(file);
}

EXPORT int fgetc(FILE *file)
{
	if (UNLIKELY(file->_IO_read_ptr >= file->_IO_read_end))
		reading_bytes(file, 1, 1);
	return NEXT(fgetc)(file);
}

/* What inlined getc_unlocked(3) calls where the buffer is empty. */

EXPORT int __uflow(FILE *file)
{
	reading_bytes(file, 1, 1);
	return NEXT(__uflow)(file);
}

EXPORT int __underflow(FILE *file)
{
	reading_bytes(file, 1, 1);
	return NEXT(__underflow)(file);
}
