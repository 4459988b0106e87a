/* quiet_test.c -- when a flush is due */
/* SPDX-License-Identifier: MIT */
#include "flush/quiet.h"

#include "check.h"

#define MS INT64_C(1000000)

static const struct quiet_rules defaults = {5 * MS, 10 * MS, 1000 * MS};

static int64_t wait_ns(const struct quiet_rules *rules, struct quiet_state state, int64_t now)
{
	return quiet_wait_ns(rules, &state, now);
}

/* The same with the defaults. */
static int64_t by_default(struct quiet_state state, int64_t now)
{
	return wait_ns(&defaults, state, now);
}

static void nothing_armed_waits_for_the_heartbeat(void)
{
	struct quiet_rules none = {5 * MS, 10 * MS, 0};

	CHECK(by_default((struct quiet_state){.last_pass_ns = 100 * MS}, 100 * MS) == 1000 * MS);
	CHECK(by_default((struct quiet_state){.last_pass_ns = 100 * MS}, 600 * MS) == 500 * MS);
	CHECK(by_default((struct quiet_state){.last_pass_ns = 100 * MS}, 1100 * MS) == 0);
	CHECK(by_default((struct quiet_state){.last_pass_ns = 100 * MS}, 9999 * MS) == 0);
	CHECK(wait_ns(&none, (struct quiet_state){.last_pass_ns = 1}, 9999 * MS) == QUIET_FOREVER);
	/* a last activity that was flushed already arms nothing */
	CHECK(wait_ns(&none, (struct quiet_state){.last_ns = 5}, 9999 * MS) == QUIET_FOREVER);
}

static void armed_is_due_when_quiet(void)
{
	struct quiet_state once = {
		.armed_since_ns = 100 * MS, .last_ns = 100 * MS, .last_pass_ns = MS};
	struct quiet_state twice = {
		.armed_since_ns = 100 * MS, .last_ns = 103 * MS, .last_pass_ns = MS};

	CHECK(by_default(once, 100 * MS) == 5 * MS);
	CHECK(by_default(once, 105 * MS - 1) == 1);
	CHECK(by_default(once, 105 * MS) == 0);
	CHECK(by_default(twice, 105 * MS) == 3 * MS);
	CHECK(by_default(twice, 108 * MS) == 0);
}

static void steady_traffic_is_bounded_by_max_age(void)
{
	struct quiet_state steady = {
		.armed_since_ns = 100 * MS, .last_ns = 109 * MS, .last_pass_ns = MS};
	struct quiet_rules unbounded = {5 * MS, 0, 0};

	CHECK(by_default(steady, 109 * MS) == MS);
	CHECK(by_default(steady, 110 * MS) == 0);
	CHECK(wait_ns(&unbounded, steady, 110 * MS) == 4 * MS);
	CHECK(wait_ns(&unbounded, steady, 114 * MS) == 0);
}

/* A server that only streams has no activity; parts of the stream arm. */
static void armed_without_activity_is_due_an_idle_time_later(void)
{
	struct quiet_state part = {.armed_since_ns = 900 * MS, .last_pass_ns = 899 * MS};
	struct quiet_rules unbounded = {5 * MS, 0, 0};

	CHECK(by_default(part, 900 * MS) == 5 * MS);
	CHECK(by_default(part, 905 * MS) == 0);
	part.last_ns = 100 * MS; /* long ago */
	CHECK(wait_ns(&unbounded, part, 901 * MS) == 4 * MS);
}

static void a_response_in_flight_is_not_quiet(void)
{
	struct quiet_state streaming = {.armed_since_ns = 100 * MS,
					.last_ns = 100 * MS,
					.last_pass_ns = 50 * MS,
					.in_flight = true};
	struct quiet_rules unbounded = {5 * MS, 0, 1000 * MS};

	CHECK(by_default(streaming, 105 * MS) == 5 * MS);
	CHECK(by_default(streaming, 110 * MS) == 0);
	CHECK(wait_ns(&unbounded, streaming, 105 * MS) == 945 * MS);
}

static void what_was_put_off_comes_again(void)
{
	struct quiet_state deferred = {.last_pass_ns = 100 * MS, .retry_ns = 102 * MS};
	struct quiet_rules none = {5 * MS, 10 * MS, 0};

	CHECK(by_default(deferred, 100 * MS) == 2 * MS);
	CHECK(by_default(deferred, 102 * MS) == 0);
	CHECK(wait_ns(&none, deferred, 101 * MS) == MS);
	deferred.armed_since_ns = deferred.last_ns = 96 * MS; /* a new activity may be due before */
	CHECK(by_default(deferred, 101 * MS) == 0);
}

static void the_heartbeat_also_bounds_what_is_armed(void)
{
	struct quiet_rules slow = {3000 * MS, 0, 1000 * MS};
	struct quiet_state armed = {
		.armed_since_ns = 100 * MS, .last_ns = 100 * MS, .last_pass_ns = 50 * MS};

	CHECK(wait_ns(&slow, armed, 100 * MS) == 950 * MS);
}

static void never_negative_and_never_past_the_due_time(void)
{
	for (int64_t now = 0; now < 40 * MS; now += MS / 4) {
		struct quiet_state state = {
			.armed_since_ns = 10 * MS, .last_ns = 12 * MS, .last_pass_ns = 9 * MS};
		int64_t wait = by_default(state, now);

		CHECK(wait >= 0);
		CHECK(now >= 17 * MS ? wait == 0 : wait == 17 * MS - now);
	}
}

int main(void)
{
	nothing_armed_waits_for_the_heartbeat();
	armed_is_due_when_quiet();
	steady_traffic_is_bounded_by_max_age();
	armed_without_activity_is_due_an_idle_time_later();
	a_response_in_flight_is_not_quiet();
	what_was_put_off_comes_again();
	the_heartbeat_also_bounds_what_is_armed();
	never_negative_and_never_past_the_due_time();
	return CHECK_DONE("quiet");
}
