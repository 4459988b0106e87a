/* lending.c -- when a waiting thread lends the buffer of a runtime to the flusher thread */
/* SPDX-License-Identifier: MIT */
/*
 * A buffer that only its owner may touch would have to be written at each wait of it, however close
 * to the one before. So near a pass the owner lends it instead. That is safe while nothing of the
 * program can run on its thread: no other thread, no signal handler, which could also leave the
 * wait without its return, no vfork child.
 */
#include "flush/lending.h"

#include "base/handlers.h"
#include "base/thread.h"
#include "conn/conn.h"
#include "flush/flusher_state.h"
#include "runtime/all_runtimes.h"
#include "runtime/own_buffer.h"

bool lending_can_begin(void)
{
	return flusher_is_running() && !thread_any_made() && !handlers_restarting() &&
	       !handlers_interrupting() && all_runtimes_can_lend();
}

void lending_begin(void)
{
	if (!lending_can_begin() || !flusher_is_owner())
		return;
	if (!(atomic_load_explicit(&flusher_returns, memory_order_relaxed) & RETURN_TAKES_BACK))
		atomic_fetch_or(&flusher_returns, RETURN_TAKES_BACK); /* for good */
	own_buffer_lend();
}

/* Who answers requests, or has waited with bytes pending, will most likely soon wait again. */
static bool waits_again(void)
{
	return atomic_load_explicit(&flusher->first_activity_ns, memory_order_relaxed) ||
	       atomic_load_explicit(&library_status.at_waits, memory_order_relaxed) ||
	       conn_any_in_flight();
}

bool lending_will_follow(void)
{
	return waits_again() && lending_can_begin() && all_runtimes_await_lending();
}
