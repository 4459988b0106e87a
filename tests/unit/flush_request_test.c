/* flush_request_test.c -- nobody waits in vain for the flusher thread's answer or end */
/* SPDX-License-Identifier: MIT */
#include "flush/flush_request.h"

#include "base/clock.h"

#include "check.h"

#define BOUND (20 * NS_PER_S)

bool clock_is_taken;

/* Did the wait that began at `since` return long before its bound? */
static bool was_short(int64_t since)
{
	return clock_now_ns() - since < BOUND / 2;
}

static void an_end_since_the_question_is_not_waited_for(void)
{
	int64_t since = clock_now_ns();
	uint32_t seen;

	flush_request_reset();
	seen = flush_request_ends();
	flush_request_end();
	flush_request_make(FLUSH_REQUEST_STOP);
	flush_request_await_end(seen, BOUND);
	CHECK(was_short(since));
	flush_request_begin_again(); /* another thread is started before the waiting one runs */
	flush_request_await_end(seen, BOUND);
	CHECK(was_short(since));
}

static void a_thread_that_has_ended_is_not_waited_for(void)
{
	int64_t since = clock_now_ns();

	flush_request_reset();
	flush_request_end();
	CHECK(flush_request_has_ended());
	flush_request_await_end(flush_request_ends(), BOUND);
	CHECK(flush_request_await(flush_request_make(FLUSH_REQUEST_FLUSH), BOUND));
	CHECK(was_short(since));
}

static void a_thread_that_begins_again_knows_no_old_request(void)
{
	uint32_t ticket;

	flush_request_reset();
	flush_request_make(FLUSH_REQUEST_STOP);
	flush_request_end();
	flush_request_begin_again();
	CHECK(!flush_request_has_ended());
	CHECK(!flush_request_is_made());
	flush_request_make(FLUSH_REQUEST_FLUSH);
	CHECK(flush_request_take(&ticket) == FLUSH_REQUEST_FLUSH);
}

static void an_end_ends_each_wait_only_once(void)
{
	uint32_t seen;

	flush_request_reset();
	flush_request_end();
	flush_request_begin_again();
	seen = flush_request_ends();
	CHECK(!flush_request_await(flush_request_make(FLUSH_REQUEST_FLUSH), NS_PER_MS));
	flush_request_end();
	CHECK(flush_request_ends() != seen);
}

int main(void)
{
	an_end_since_the_question_is_not_waited_for();
	a_thread_that_has_ended_is_not_waited_for();
	a_thread_that_begins_again_knows_no_old_request();
	an_end_ends_each_wait_only_once();
	return CHECK_DONE("flush_request");
}
