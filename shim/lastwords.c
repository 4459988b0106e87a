/* lastwords.c -- what is pending comes out before the process ends */
/* SPDX-License-Identifier: MIT */
/* Called from: host threads and signal handlers about to end the process, vfork children. */
#include "lastwords.h"

#include "death.h"
#include "flusher.h"
#include "futex.h"
#include "sink_python.h"
#include "sinks.h"
#include "stats.h"

#define BOUND (250 * NS_PER_MS)

void lastwords_init(uint64_t signals)
{
	death_init(signals);
	platform_at_quick_exit(lastwords_before_end);
}

void lastwords_before_end(void)
{
	void *let_go;
	int kept;

	/* In the middle of exit(3) there may be a thread still. */
	if (!flusher_awake() && !flusher_has_thread())
		return;
	kept = errno;
	if (flusher_is_owner()) {
		let_go = sink_python_let_go();
		death_await();
		sinks_abandon();
		if (sinks_may_hold())
			flusher_flush_now(true, BOUND);
		sink_python_take_back(let_go);
		stats_print();
	}
	errno = kept;
}

/*
 * The process may go on. Also where the calling thread itself has locked a stream, if it is not
 * inside stdio below us.
 */
static void flush_and_go_on(bool tell)
{
	void *let_go;
	int kept;

	if (!flusher_awake())
		return;
	kept = errno;
	if (flusher_is_owner()) {
		let_go = sink_python_let_go();
		death_await();
		if (sinks_may_hold()) {
			if (sinks_held_by_caller() != SINKS_HELD)
				flusher_flush_now(false, BOUND);
			else if (!platform_is_in_handler())
				sinks_flush_by_caller(false, BOUND);
		}
		sink_python_take_back(let_go);
		if (tell)
			stats_print();
	}
	errno = kept;
}

void lastwords_before_exit(void)
{
	flush_and_go_on(false); /* the destructor tells */
}

void lastwords_before_exec(void)
{
	flush_and_go_on(true);
}
