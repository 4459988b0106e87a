/* flush_request.h -- requests to the flusher thread, and its answers */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_FLUSH_REQUEST_H
#define IDLEFLUSH_FLUSH_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

/* Bits; several may be set at once. */
enum flush_request {
	FLUSH_REQUEST_FLUSH = 1, /* flush all now */
	FLUSH_REQUEST_END = 2,   /* the same; then the process ends */
	FLUSH_REQUEST_STOP = 4,  /* the same; then the thread ends, and libc's own flush follows */
	FLUSH_REQUEST_THEN = 8,  /* the same; then call the function of flush_request_set_then */
};

/* --- making a request: any thread or signal handler; errno may change --- */

/* Makes a request and returns its ticket. The caller must wake the thread. */
uint32_t flush_request_make(enum flush_request what);

/* Waits for the answer or the end of the thread, `bound_ns` at most. True if either came. */
bool flush_request_await(uint32_t ticket, int64_t bound_ns);

/*
 * Sets the function that the thread calls after it has answered the next FLUSH_REQUEST_THEN or
 * _END. To be called before that request is made.
 */
void flush_request_set_then(void (*then)(void));

/*
 * Has the thread ended, and not begun again? The third waits, `bound_ns` at most, until it has
 * ended since the second returned `seen`; that is to be asked before the request that ends it.
 */
bool flush_request_has_ended(void);
uint32_t flush_request_ends(void);
void flush_request_await_end(uint32_t seen, int64_t bound_ns);

/* --- the flusher thread --- */

/* Is there a request to serve? */
bool flush_request_is_made(void);

/* Takes all requests made so far. Pass the returned bits and *ticket to flush_request_answer. */
uint32_t flush_request_take(uint32_t *ticket);
void flush_request_answer(uint32_t requests, uint32_t ticket);

/* The thread is about to end: nobody waits for an answer any more. */
void flush_request_end(void);

/* --- before the thread is started again; in a forked child --- */
void flush_request_begin_again(void);
void flush_request_reset(void);

#endif
