/* unlocked.c -- does the program write to stdio without taking the streams' locks? */
/* SPDX-License-Identifier: MIT */
/*
 * Reads in memory what the main program imports. Libraries do not matter: they are written to be
 * used with threads.
 */
#include "sink/unlocked.h"

#include "base/platform.h"
#include "base/symbols.h"

static bool writes_unlocked(const char *name)
{
	static const char *const calls[] = {
#define UNLOCKED(name) #name,
#include "shared/unlocked_calls.def"
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (strcmp(name, calls[i]) == 0)
			return true;
	return false;
}

/* The D runtime starts a program so; its library locks a stream around those calls. */
static bool is_d_runtime(const char *name)
{
	return strcmp(name, "_d_run_main") == 0;
}

bool unlocked_is_used(void)
{
	return symbols_program_imports(writes_unlocked) && !symbols_program_imports(is_d_runtime);
}
