/* quiet.c -- the decision: is a flush due, and how long to wait otherwise */
/* SPDX-License-Identifier: MIT */
#include "flush/quiet.h"

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * When the next pass is due if nothing further happens. Parts of a response arm it and are no
 * activity: if the idle time did not begin with that, each part of a stream would have a pass.
 */
static int64_t due_ns(const struct quiet_rules *rules, const struct quiet_state *state)
{
	int64_t due = QUIET_FOREVER;

	if (rules->heartbeat_ns)
		due = state->last_pass_ns + rules->heartbeat_ns;
	if (state->retry_ns)
		due = earlier(due, state->retry_ns);
	if (!state->armed_since_ns)
		return due;
	if (!state->in_flight)
		due = earlier(due, later(state->last_ns, state->armed_since_ns) + rules->idle_ns);
	if (rules->max_age_ns)
		due = earlier(due, state->armed_since_ns + rules->max_age_ns);
	return due;
}

int64_t quiet_wait_ns(const struct quiet_rules *rules, const struct quiet_state *state,
		      int64_t now_ns)
{
	int64_t due = due_ns(rules, state);

	if (due == QUIET_FOREVER)
		return QUIET_FOREVER;
	return due > now_ns ? due - now_ns : 0;
}
