/* http_queue.h -- the requests of an HTTP/1 connection that wait for their responses */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP_QUEUE_H
#define IDLEFLUSH_HTTP_QUEUE_H

#include <stdatomic.h>

#include "http/http1.h"

/*
 * Requests are numbered from 0, modulo 2^32. One receiving side adds and one sending side takes,
 * at the same time if need be; every word has one writer, so no locked instruction is needed.
 * All zero: empty.
 *
 * Memory orders: what the sending side must know of a request was ordered by the program, which
 * handed the request from its recv to its send, so relaxed will do. The other way round there is
 * nothing but `answered`: release and acquire keep a bit from being written over before the
 * response to its old request was framed.
 */
struct http_queue {
	_Atomic uint32_t begun;    /* by the receiving side */
	_Atomic uint32_t answered; /* by the sending side */
	_Atomic uint64_t methods;  /* by the receiving side: http_queue_bit() */
};

#define HTTP_QUEUE_SLOTS 32 /* requests of which `methods` tells */

/*
 * Receiving side: a request's first byte came. Until its method is known it is like any other:
 * returns whether that much was noted, else http_queue_set_method() is needed for any method.
 */
bool http_queue_begin(struct http_queue *queue);

/* Receiving side: the request begun last was none. */
void http_queue_take_back(struct http_queue *queue);

/*
 * Receiving side: the method of the request begun last. Returns false if the queue cannot store it,
 * because the request 32 before it still waits and is of another kind (HEAD, CONNECT, neither). As
 * long as the kinds repeat like that, the queue may be longer.
 */
bool http_queue_set_method(struct http_queue *queue, enum http1_method method);

/* Is request N a HEAD, or a CONNECT? That is told by bit N % 32 of `methods`, and that + 32. */
static inline uint64_t http_queue_bit(uint32_t request, enum http1_method method)
{
	uint64_t bit = UINT64_C(1) << request % HTTP_QUEUE_SLOTS;

	return method == HTTP1_IS_HEAD      ? bit
	       : method == HTTP1_IS_CONNECT ? bit << HTTP_QUEUE_SLOTS
					    : 0;
}

/* How many wait. Signed: a request that was taken back may have been answered before. */
static inline int32_t http_queue_waiting(const struct http_queue *queue)
{
	uint32_t begun = atomic_load_explicit(&queue->begun, memory_order_relaxed);
	uint32_t answered = atomic_load_explicit(&queue->answered, memory_order_acquire);

	return (int32_t)(begun - answered);
}

/*
 * Receiving side: begins a request that is neither HEAD nor CONNECT, in a queue that has had none
 * of these lately; then there is always room. False: nothing was done.
 */
static inline bool http_queue_begin_other(struct http_queue *queue)
{
	if (atomic_load_explicit(&queue->methods, memory_order_relaxed))
		return false;
	atomic_store_explicit(&queue->begun,
			      atomic_load_explicit(&queue->begun, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	return true;
}

/* Sending side: the method that the next response answers, HTTP1_OTHER if nothing waits. */
static inline enum http1_method http_queue_method(const struct http_queue *queue)
{
	uint64_t methods = atomic_load_explicit(&queue->methods, memory_order_relaxed);
	uint32_t answered;

	if (!methods || http_queue_waiting(queue) <= 0)
		return HTTP1_OTHER;
	answered = atomic_load_explicit(&queue->answered, memory_order_relaxed);
	if (methods & http_queue_bit(answered, HTTP1_IS_HEAD))
		return HTTP1_IS_HEAD;
	return methods & http_queue_bit(answered, HTTP1_IS_CONNECT) ? HTTP1_IS_CONNECT
								    : HTTP1_OTHER;
}

/* Sending side: that response ended. Nothing waits: no effect (a 408, or it was not seen). */
static inline void http_queue_answer(struct http_queue *queue)
{
	uint32_t answered = atomic_load_explicit(&queue->answered, memory_order_relaxed);
	uint32_t begun = atomic_load_explicit(&queue->begun, memory_order_relaxed);

	if ((int32_t)(begun - answered) > 0)
		atomic_store_explicit(&queue->answered, answered + 1, memory_order_release);
}

#endif
