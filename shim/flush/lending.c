/* lending.c -- when a waiting thread lends the buffer of a runtime to the flusher thread */
/* SPDX-License-Identifier: MIT */
/*
 * A buffer that only its owner may touch would have to be written at each wait of it, however close
 * to the one before. So near a pass the owner lends it instead. That is safe while nothing of the
 * program can run on its thread: no other thread, no signal handler, which could also leave the
 * wait without its return, no vfork child.
 */
#include "flush/lending.h"

#include "base/futex.h"
#include "base/handlers.h"
#include "base/thread.h"
#include "flush/flusher_state.h"
#include "runtime/all_runtimes.h"
#include "runtime/own_buffer.h"

#define RECENT (100 * NS_PER_MS) /* who waited so recently will wait again soon */

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

bool lending_will_follow(void)
{
	int64_t last = atomic_load_explicit(&flusher->last_wait_ns, memory_order_relaxed);

	return clock_now_ns() - last < RECENT && lending_can_begin() &&
	       all_runtimes_await_lending();
}
