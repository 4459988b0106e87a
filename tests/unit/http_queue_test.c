/* http_queue_test.c -- the queue of methods between two threads, and where it is full */
/* SPDX-License-Identifier: MIT */
#include "http/http_queue.h"

#include <pthread.h>
#include <sched.h>

#include "check.h"

#define REQUESTS 200000

static struct http_queue queue;
static _Atomic uint32_t handed; /* from the receiving thread to the sending one */

static enum http1_method method_of(uint32_t request)
{
	static const enum http1_method methods[] = {HTTP1_OTHER, HTTP1_IS_HEAD, HTTP1_OTHER,
						    HTTP1_IS_CONNECT, HTTP1_IS_HEAD};

	return methods[request % 5];
}

static void *receive(void *arg)
{
	for (uint32_t i = 0; i < REQUESTS; i++) {
		while (http_queue_waiting(&queue) >= HTTP_QUEUE_SLOTS)
			sched_yield();
		if (!http_queue_begin(&queue) || !http_queue_set_method(&queue, method_of(i)))
			return arg;
		handed = i + 1;
	}
	return NULL;
}

static void test_two_threads(void)
{
	pthread_t thread;
	void *failed;

	CHECK(pthread_create(&thread, NULL, receive, &queue) == 0);
	for (uint32_t i = 0; i < REQUESTS; i++) {
		while (handed <= i)
			sched_yield();
		CHECK(http_queue_method(&queue) == method_of(i));
		http_queue_answer(&queue);
	}
	CHECK(pthread_join(thread, &failed) == 0 && !failed);
	CHECK(http_queue_waiting(&queue) == 0);
}

static bool add(struct http_queue *q, enum http1_method method)
{
	http_queue_begin(q);
	return http_queue_set_method(q, method);
}

static void test_full(void)
{
	struct http_queue q = {0};

	for (unsigned i = 0; i < 500; i++)
		CHECK(add(&q, i % 32 == 7 ? HTTP1_IS_HEAD : HTTP1_OTHER));
	for (unsigned i = 0; i < 500; i++) {
		CHECK(http_queue_method(&q) == (i % 32 == 7 ? HTTP1_IS_HEAD : HTTP1_OTHER));
		http_queue_answer(&q);
	}
	for (unsigned i = 0; i < 32; i++)
		CHECK(add(&q, HTTP1_OTHER));
	CHECK(!add(&q, HTTP1_IS_CONNECT));
	CHECK(!add(&q, HTTP1_IS_HEAD));
}

static void test_empty(void)
{
	struct http_queue q = {0};

	CHECK(http_queue_method(&q) == HTTP1_OTHER);
	http_queue_answer(&q);
	CHECK(http_queue_waiting(&q) == 0);
	CHECK(add(&q, HTTP1_IS_HEAD));
	CHECK(http_queue_method(&q) == HTTP1_IS_HEAD);
	http_queue_answer(&q);

	/* The method of an old request says nothing about one that was not seen. */
	for (unsigned i = 0; i < 32; i++) {
		CHECK(add(&q, HTTP1_IS_HEAD));
		http_queue_answer(&q);
	}
	CHECK(http_queue_method(&q) == HTTP1_OTHER);

	/* Something that was no request, but was answered. */
	http_queue_begin(&q);
	http_queue_answer(&q);
	http_queue_take_back(&q);
	CHECK(http_queue_waiting(&q) < 0);
	CHECK(http_queue_method(&q) == HTTP1_OTHER);
	http_queue_answer(&q);
	CHECK(http_queue_waiting(&q) < 0);
}

int main(void)
{
	test_empty();
	test_full();
	test_two_threads();
	return CHECK_DONE("http_queue");
}
