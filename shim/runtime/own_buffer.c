/* own_buffer.c -- a runtime's buffer for stdout, written by the thread that owns it */
/* SPDX-License-Identifier: MIT */
/*
 * Owns: the file behind stdout. Written by the thread that may flush, `state` by any. To whom the
 * buffer is lent: a lock that the flusher thread only tries, and that its owner waits for as printf
 * waits for a stream's.
 */
#include "runtime/own_buffer.h"

#include "base/futex.h"
#include "base/platform.h"
#include "sink/writable.h"

enum file_state {
	FILE_UNKNOWN, /* it is identified at the next flush */
	FILE_KNOWN,
	FILE_LOST, /* the pending bytes are for a file that is gone */
};

enum lending {
	LENDING_NOT, /* the owner uses it */
	LENDING,     /* the owner waits; the flusher thread may flush */
	LENDING_USED,
	LENDING_AWAITED, /* used, and the owner's wait has returned */
};

static struct writable file;
static _Atomic uint32_t state;   /* enum file_state */
static _Atomic uint32_t lending; /* enum lending; a futex */
static pthread_t lender;         /* the last one; written and compared by it */

static void set_state(enum file_state now)
{
	atomic_store_explicit(&state, now, memory_order_relaxed);
}

bool own_buffer_may_write(void)
{
	switch (atomic_load_explicit(&state, memory_order_relaxed)) {
	case FILE_UNKNOWN:
		return true;
	case FILE_KNOWN:
		return file.kind == WRITABLE_PIPE || file.kind == WRITABLE_SOCKET;
	}
	return false;
}

void own_buffer_file_replaced(void)
{
	set_state(FILE_UNKNOWN);
}

void own_buffer_file_closed(bool lost)
{
	if (lost)
		set_state(FILE_LOST);
	else if (atomic_load_explicit(&state, memory_order_relaxed) == FILE_KNOWN)
		set_state(FILE_UNKNOWN);
}

static void know_file(void)
{
	if (atomic_load_explicit(&state, memory_order_relaxed) == FILE_UNKNOWN) {
		writable_identify(&file, STDOUT_FILENO);
		set_state(FILE_KNOWN);
	} else if (!writable_is_behind(&file, STDOUT_FILENO)) {
		set_state(FILE_LOST); /* it was closed in a way that we do not see */
	}
}

size_t own_buffer_write(char *text, size_t n, struct flush_params *params, enum sink_result *result)
{
	ssize_t written;

	know_file();
	*result = SINK_CLEAN;
	if (!own_buffer_may_write())
		return 0;
	written = writable_write(&file, STDOUT_FILENO, text, n, params->margin);
	if (written < 0) /* the program will meet the error itself */
		return 0;
	memmove(text, text + written, n - (size_t)written);
	params->bytes += (size_t)written;
	*result = (size_t)written == n ? SINK_FLUSHED : SINK_NO_ROOM;
	return (size_t)written;
}

void own_buffer_lend(void)
{
	uint32_t not = LENDING_NOT;

	lender = pthread_self();
	atomic_compare_exchange_strong(&lending, &not, LENDING);
	/* The caller looks next whether the flusher thread will come; that disarms, and borrows. */
	atomic_thread_fence(memory_order_seq_cst);
}

bool own_buffer_is_lent(void)
{
	return atomic_load(&lending) != LENDING_NOT;
}

void own_buffer_take_back(void)
{
	uint32_t seen = LENDING;

	if (!own_buffer_is_lent() || lender != pthread_self())
		return;
	while (!atomic_compare_exchange_strong(&lending, &seen, LENDING_NOT)) {
		if (seen == LENDING_NOT)
			break;
		if (seen == LENDING_AWAITED ||
		    atomic_compare_exchange_strong(&lending, &seen, LENDING_AWAITED))
			futex_wait(&lending, LENDING_AWAITED, INT64_MAX);
		seen = LENDING;
	}
}

bool own_buffer_borrow(void)
{
	uint32_t lent = LENDING;

	return atomic_compare_exchange_strong(&lending, &lent, LENDING_USED);
}

void own_buffer_give_back(void)
{
	if (atomic_exchange(&lending, LENDING) == LENDING_AWAITED)
		futex_wake(&lending);
}
