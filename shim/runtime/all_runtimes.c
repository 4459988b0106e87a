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

enum sink_result all_runtimes_flush(struct flush_params *params)
{
	enum sink_result most = SINK_CLEAN;

	for (size_t i = 0; here[i]; i++)
		if (here[i]->flush)
			most = sink_result_greater(most, here[i]->flush(params));
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
	for (size_t i = 0; here[i]; i++)
		if (here[i]->begin_in_child)
			here[i]->begin_in_child();
}
