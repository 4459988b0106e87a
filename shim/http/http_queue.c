/* http_queue.c -- the requests of an HTTP/1 connection that wait for their responses */
/* SPDX-License-Identifier: MIT */
#include "http/http_queue.h"

static uint64_t both_bits(uint32_t request)
{
	return http_queue_bit(request, HTTP1_IS_HEAD) | http_queue_bit(request, HTTP1_IS_CONNECT);
}

/* No other thread writes that word. */
static void set_method(struct http_queue *queue, uint32_t request, enum http1_method method)
{
	uint64_t old = atomic_load_explicit(&queue->methods, memory_order_relaxed);
	uint64_t new = (old & ~both_bits(request)) | http_queue_bit(request, method);

	if (new != old)
		atomic_store_explicit(&queue->methods, new, memory_order_relaxed);
}

bool http_queue_begin(struct http_queue *queue)
{
	uint32_t request = atomic_load_explicit(&queue->begun, memory_order_relaxed);
	bool room = http_queue_waiting(queue) < HTTP_QUEUE_SLOTS;

	if (room)
		set_method(queue, request, HTTP1_OTHER);
	atomic_store_explicit(&queue->begun, request + 1, memory_order_relaxed);
	return room;
}

void http_queue_take_back(struct http_queue *queue)
{
	uint32_t begun = atomic_load_explicit(&queue->begun, memory_order_relaxed);

	atomic_store_explicit(&queue->begun, begun - 1, memory_order_relaxed);
}

bool http_queue_set_method(struct http_queue *queue, enum http1_method method)
{
	uint32_t request = atomic_load_explicit(&queue->begun, memory_order_relaxed) - 1;

	if (http_queue_waiting(queue) > HTTP_QUEUE_SLOTS)
		return (atomic_load_explicit(&queue->methods, memory_order_relaxed) &
			both_bits(request)) == http_queue_bit(request, method);
	set_method(queue, request, method);
	return true;
}
