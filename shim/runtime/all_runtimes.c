/* all_runtimes.c -- all language runtimes of this process, treated as one */
/* SPDX-License-Identifier: MIT */
#include "runtime/all_runtimes.h"

#include "base/symbols.h"
#include "runtime/own_buffer.h"
#include "runtime/runtime.h"

static const struct runtime *const known[] = {&cxx_runtime, &ocaml_runtime, &perl_runtime,
					      &python_runtime};

enum { KNOWN = 4 };
_Static_assert(sizeof(known) == KNOWN * sizeof(struct runtime *), "each is counted");

/* Those that are here, ended by NULL; written by the constructor only. */
static const struct runtime *here[KNOWN + 1];

/* The process ends once the owner of a buffer has lent it. Written by a signal handler. */
static _Atomic bool awaited;

void all_runtimes_find(uint64_t on)
{
	struct symbols_wanted wanted[KNOWN];
	const struct runtime **end = here;

	for (size_t i = 0; i < KNOWN; i++)
		symbols_want(&wanted[i], known[i]->symbol);
	symbols_find(wanted, KNOWN);
	for (size_t i = 0; i < KNOWN; i++) {
		if (!(on & known[i]->setting) || !known[i]->find(wanted[i].symbol))
			continue;
		if (known[i]->pending)
			wait_checks_add(WAIT_CHECK_RUNTIME);
		*end++ = known[i];
	}
}

bool all_runtimes_pending(void)
{
	for (size_t i = 0; here[i]; i++)
		if (here[i]->pending && here[i]->pending())
			return true;
	return false;
}

bool all_runtimes_can_lend(void)
{
	for (size_t i = 0; here[i]; i++)
		if (here[i]->pending && !here[i]->lends && here[i]->pending())
			return false;
	return true;
}

bool all_runtimes_await_lending(void)
{
	for (size_t i = 0; here[i]; i++)
		if (here[i]->lends && here[i]->pending() && !own_buffer_is_lent()) {
			atomic_store(&awaited, true);
			return true;
		}
	return false;
}

bool all_runtimes_are_awaited(void)
{
	return atomic_load_explicit(&awaited, memory_order_relaxed);
}

enum sink_result all_runtimes_flush_at_wait(struct flush_params *params)
{
	enum sink_result most = SINK_CLEAN;

	for (size_t i = 0; here[i]; i++)
		if (here[i]->pending && here[i]->pending())
			most = sink_result_greater(most, here[i]->flush_at_wait(params));
	return most;
}

bool all_runtimes_may_hold(void)
{
	for (size_t i = 0; here[i]; i++)
		if (here[i]->may_hold && here[i]->may_hold())
			return true;
	return false;
}

bool all_runtimes_want_pass(void)
{
	for (size_t i = 0; here[i]; i++)
		if (here[i]->wants_pass && here[i]->wants_pass())
			return true;
	return false;
}

/* Before the end of the process, the owner does not get its buffer back, and so prints no more. */
static enum sink_result flush_lent(const struct runtime *runtime, struct flush_params *params)
{
	bool ends = all_runtimes_are_awaited();
	enum sink_result result;

	if (!own_buffer_borrow())
		return ends && runtime->holds() ? SINK_BUSY : SINK_CLEAN;
	result = runtime->flush_at_wait(params);
	if (!ends || result >= SINK_BUSY)
		own_buffer_give_back();
	return result;
}

enum sink_result all_runtimes_flush(struct flush_params *params)
{
	enum sink_result most = SINK_CLEAN;

	for (size_t i = 0; here[i]; i++)
		if (here[i]->flush)
			most = sink_result_greater(most, here[i]->flush(params));
		else if (here[i]->lends)
			most = sink_result_greater(most, flush_lent(here[i], params));
	return most;
}

bool all_runtimes_flush_soon(void)
{
	bool any = false;

	for (size_t i = 0; here[i]; i++)
		if (here[i]->flush_soon && here[i]->flush_soon())
			any = true;
	return any;
}

void all_runtimes_stdout_closed(void)
{
	own_buffer_file_closed(all_runtimes_pending());
}

void all_runtimes_begin_in_child(void)
{
	atomic_store(&awaited, false);
	for (size_t i = 0; here[i]; i++)
		if (here[i]->begin_in_child)
			here[i]->begin_in_child();
}
