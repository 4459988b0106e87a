/* http_queue.c -- the requests of an HTTP/1 connection that wait for their responses */
/* SPDX-License-Identifier: MIT */
#include "http/http_queue.h"

/* Only for a word with one writer. */
static void set_bit(_Atomic uint32_t *word, uint32_t bit, bool on)
{
	uint32_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint32_t new = on ? old | bit : old & ~bit;

	if (new != old)
		atomic_store_explicit(word, new, memory_order_relaxed);
}

static bool has_bit(const _Atomic uint32_t *word, uint32_t bit)
{
	return atomic_load_explicit(word, memory_order_relaxed) & bit;
}

bool http_queue_begin(struct http_queue *queue)
{
	uint32_t request = atomic_load_explicit(&queue->begun, memory_order_relaxed);
	bool room = http_queue_waiting(queue) < HTTP_QUEUE_SLOTS;

	if (room) {
		set_bit(&queue->heads, http_queue_bit(request), false);
		set_bit(&queue->connects, http_queue_bit(request), false);
	}
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
	uint32_t bit =
		http_queue_bit(atomic_load_explicit(&queue->begun, memory_order_relaxed) - 1);
	bool head = method == HTTP1_IS_HEAD, connect = method == HTTP1_IS_CONNECT;

	if (http_queue_waiting(queue) > HTTP_QUEUE_SLOTS)
		return head == has_bit(&queue->heads, bit) &&
		       connect == has_bit(&queue->connects, bit);
	set_bit(&queue->heads, bit, head);
	set_bit(&queue->connects, bit, connect);
	return true;
}
