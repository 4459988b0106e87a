/* extra_streams.c -- C streams other than stdout and stderr that are kept fresh */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the slots. Each has one word that says who uses it, changed by compare-and-swap only. So
 * nobody ever waits, except that a close waits for a flush of the same stream.
 * Called from: host threads (opened, closing, pending), the flusher thread and atfork prepare
 * (flush).
 * Not seen: closes inside libc. That is safe: endmntent(3) and pclose(3) close streams that libc
 * itself opened, which are not watched; fcloseall(3) frees nothing.
 * Never: a read of a stream whose slot is not held, because another thread may be closing it.
 */
#include "sink/extra_streams.h"

#include "base/futex.h"
#include "base/log.h"
#include "sink/wait_checks.h"
#include "shared/config.h"
#include "shared/introspect.h"
#include "sink/stdio_fd.h"

#include <limits.h>

#define SLOTS       STATUS_EXTRA_STREAMS
#define CLOSE_BOUND (100 * NS_PER_MS)

enum use {
	USE_FREE,
	USE_MAKING, /* being filled in */
	USE_IDLE,   /* watched */
	USE_HELD,   /* watched, and being flushed or read */
	USE_CLOSED, /* closed while it was held */
};

struct slot {
	_Atomic uint32_t use; /* enum use; a futex */
	struct sink_stream stream;
};

LARGE static struct slot slots[SLOTS];
static _Atomic uint32_t watched; /* slots that are not free; with WAIT_CHECK_STREAMS */
static _Atomic uint32_t in_use;  /* those behind the first so many were never used */
static _Atomic uint32_t closers; /* threads that wait for a slot */
static const char *globs;        /* written by the constructor only */

void extra_streams_init(const char *files)
{
	globs = files;
}

bool extra_streams_any(void)
{
	return atomic_load_explicit(&watched, memory_order_relaxed) != 0;
}

static size_t slots_in_use(void)
{
	return atomic_load_explicit(&in_use, memory_order_acquire);
}

static bool move(struct slot *slot, enum use from, enum use to)
{
	uint32_t use = from;

	return atomic_compare_exchange_strong(&slot->use, &use, to);
}

/* The same as its stream.file, to be read without holding the slot. */
static void *_Atomic *file_of(const struct slot *slot)
{
	return &library_status.streams[STATUS_STD_STREAMS + (slot - slots)];
}

static void release(struct slot *slot)
{
	atomic_store(file_of(slot), NULL);
	if (atomic_fetch_sub(&watched, 1) == 1) {
		wait_checks_drop(WAIT_CHECK_STREAMS);
		if (extra_streams_any()) /* another one was opened meanwhile */
			wait_checks_add(WAIT_CHECK_STREAMS);
	}
	atomic_store(&slot->use, USE_FREE);
}

/* --- opening ------------------------------------------------------------------------------ */

static bool is_writable(const char *mode)
{
	return *mode == 'w' || *mode == 'a' || strchr(mode, '+');
}

/* Flushing to a terminal or to /dev/null is pointless, so those never match. */
static bool is_standard_output(int fd)
{
	struct stat file;

	return syscall(SYS_fstat, fd, &file) == 0 && !S_ISCHR(file.st_mode) &&
	       stdio_fd_is_file(&file);
}

/* The descriptor gives the absolute path where the program used a relative one, or none. */
static bool is_named(int fd, const char *path)
{
	char link[40] = "/proc/self/fd/", name[PATH_MAX], *at = link + sizeof(link);
	size_t length = 0;
	long n;

	if (!globs)
		return false;
	if (path && config_match(globs, path))
		return true;
	*--at = '\0';
	do
		*--at = (char)('0' + fd % 10);
	while (fd /= 10);
	length = strlen(link);
	memmove(link + length, at, strlen(at) + 1);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, name, sizeof(name) - 1);
	if (n <= 0)
		return false;
	name[n] = '\0';
	return config_match(globs, name);
}

static void use_slots(uint32_t count)
{
	uint32_t before = atomic_load(&in_use);

	while (before < count && !atomic_compare_exchange_weak(&in_use, &before, count))
		;
}

static void watch(FILE *file)
{
	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *slot = &slots[i];

		if (!move(slot, USE_FREE, USE_MAKING))
			continue;
		use_slots((uint32_t)i + 1);
		atomic_fetch_add(&watched, 1);
		wait_checks_add(WAIT_CHECK_STREAMS);
		stream_watch(&slot->stream, file);
		atomic_store(file_of(slot), file);
		atomic_store(&slot->use, USE_IDLE);
		return;
	}
	log_debug("too many log files are open: one more is not kept fresh");
}

void extra_streams_opened(FILE *file, const char *path, const char *mode)
{
	int fd;

	if (file == stdout || file == stderr || !is_writable(mode))
		return;
	fd = fileno_unlocked(file);
	if (fd >= 0 && (is_standard_output(fd) || is_named(fd, path)))
		watch(file);
}

/* --- closing ------------------------------------------------------------------------------ */

/* Takes the slot from whoever holds it. False: the holder will free it. */
static bool take(struct slot *slot)
{
	int64_t deadline = clock_now_ns() + CLOSE_BOUND;

	while (!move(slot, USE_IDLE, USE_MAKING)) {
		if (atomic_load(&slot->use) == USE_CLOSED)
			return false; /* an earlier stream at the same address, closed by now */
		if (!futex_wait_until(&slot->use, USE_HELD, deadline) &&
		    move(slot, USE_HELD, USE_CLOSED))
			return false;
	}
	return true;
}

static void leave(struct slot *slot)
{
	bool taken;

	atomic_fetch_add(&closers, 1);
	taken = take(slot);
	atomic_fetch_sub(&closers, 1);
	if (taken)
		release(slot);
}

void extra_streams_closing(const FILE *file)
{
	for (size_t i = 0; i < slots_in_use(); i++)
		if (atomic_load(file_of(&slots[i])) == file)
			leave(&slots[i]);
}

/* --- pending bytes, flushing -------------------------------------------------------------- */

/* False: the stream was closed meanwhile. */
static bool let_go(struct slot *slot)
{
	if (move(slot, USE_HELD, USE_IDLE)) {
		if (atomic_load(&closers))
			futex_wake(&slot->use);
		return true;
	}
	release(slot);
	return false;
}

static enum sink_result flush(struct slot *slot, struct flush_params *params)
{
	enum sink_result result;

	if (!move(slot, USE_IDLE, USE_HELD))
		return SINK_CLEAN;
	result = stream_flush(&slot->stream, params);
	return let_go(slot) ? result : SINK_CLEAN;
}

/* A slot that another thread holds is most likely being flushed, so it counts as pending. */
static bool is_pending(struct slot *slot, bool (*asks)(const struct sink_stream *))
{
	bool pending;

	if (!move(slot, USE_IDLE, USE_HELD))
		return atomic_load(&slot->use) == USE_HELD;
	pending = asks(&slot->stream);
	let_go(slot);
	return pending;
}

static bool is_any_pending(bool (*asks)(const struct sink_stream *))
{
	for (size_t i = 0; extra_streams_any() && i < slots_in_use(); i++)
		if (is_pending(&slots[i], asks))
			return true;
	return false;
}

bool extra_streams_pending(void)
{
	return is_any_pending(stream_pending);
}

bool extra_streams_pending_here(void)
{
	return is_any_pending(stream_pending_here);
}

enum sink_result extra_streams_flush(struct flush_params *params)
{
	enum sink_result most = SINK_CLEAN;

	for (size_t i = 0; extra_streams_any() && i < slots_in_use(); i++) {
		enum sink_result result = flush(&slots[i], params);

		if (result > most)
			most = result;
	}
	return most;
}

void extra_streams_begin_in_child(bool drop)
{
	for (size_t i = 0; i < slots_in_use(); i++) {
		struct slot *slot = &slots[i];
		bool kept = move(slot, USE_HELD, USE_IDLE) || atomic_load(&slot->use) == USE_IDLE;

		if (kept && drop && __fpending(slot->stream.file))
			__fpurge(slot->stream.file);
		else if (!kept && atomic_load(&slot->use) != USE_FREE)
			release(slot); /* the child has no thread that opens or closes it */
	}
}
