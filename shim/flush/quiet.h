/* quiet.h -- the decision: is a flush due, and how long to wait otherwise */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_QUIET_H
#define IDLEFLUSH_QUIET_H

#include <stdbool.h>
#include <stdint.h>

/* Nothing is armed, and there is no heartbeat: wait until something happens. */
#define QUIET_FOREVER INT64_MAX

/* The rules of one process, in nanoseconds. Constant after the constructor. */
struct quiet_rules {
	int64_t idle_ns;      /* > 0 */
	int64_t max_age_ns;   /* 0: no bound */
	int64_t heartbeat_ns; /* 0: none */
};

/* What is known now; all times are CLOCK_MONOTONIC nanoseconds, 0 means never. */
struct quiet_state {
	int64_t armed_since_ns; /* first activity since the last pass; 0: nothing is armed */
	int64_t last_ns;        /* last activity */
	int64_t last_pass_ns;   /* last pass, be it a flush or a heartbeat */
	int64_t retry_ns;       /* when to retry a flush that was deferred; 0: none was */
	bool in_flight;         /* a request was received and its response has not ended */
};

/*
 * Returns 0 when a flush is due at `now_ns`, else the nanoseconds until it will be if nothing
 * further happens, or QUIET_FOREVER. Pure; any context.
 *
 * If armed, it is due `idle` after the last activity or, if that is later, after it was armed,
 * unless a response is in flight; and at the latest `max_age` after it was armed. If deferred, at
 * retry_ns. In any case `heartbeat` after the last pass.
 */
int64_t quiet_wait_ns(const struct quiet_rules *rules, const struct quiet_state *state,
		      int64_t now_ns);

#endif
