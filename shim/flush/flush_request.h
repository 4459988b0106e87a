/* flush_request.h -- what others ask of the flusher thread, and its answers */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSH_REQUEST_H
#define IDLEFLUSH_FLUSH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

/* Bits; several may be asked at once. */
enum flush_request {
	FLUSH_REQUEST_FLUSH = 1, /* flush all now */
	FLUSH_REQUEST_END = 2,   /* the same, and the process ends with it */
	FLUSH_REQUEST_STOP = 4,  /* the same, and the thread ends with it; libc flushes then */
	FLUSH_REQUEST_THEN = 8,  /* the same, then call what flush_request_set_then said */
};

/* --- who asks: any thread or signal handler; errno may change --- */

/* Makes a request and returns its ticket. The caller wakes the thread. */
uint32_t flush_request_make(enum flush_request what);

/* Waits for the answer, or the thread's end; `bound_ns` at most. True when it is there. */
bool flush_request_await(uint32_t ticket, int64_t bound_ns);

/* `then` is called on the thread after its next answer to a FLUSH_REQUEST_THEN or _END. Before
 * that. */
void flush_request_set_then(void (*then)(void));

/* Has the thread ended? And the wait for that, `bound_ns` at most. */
bool flush_request_has_ended(void);
void flush_request_await_end(int64_t bound_ns);

/* --- the flusher thread --- */

/* Is there one to serve? */
bool flush_request_is_made(void);

/* Takes all that were made. Returns their bits; these and *ticket are for flush_request_answer. */
uint32_t flush_request_take(uint32_t *ticket);
void flush_request_answer(uint32_t requests, uint32_t ticket);

/* The last word of the thread; whoever asks afterwards does not wait. */
void flush_request_end(void);

/* --- before the thread starts once more; in a forked child --- */
void flush_request_begin_again(void);
void flush_request_reset(void);

#endif
