/* wait_checks.c -- what a wait looks at: two buffers, and mostly nothing besides */
/* SPDX-License-Identifier: MIT */
#include "sink/wait_checks.h"

#include <stddef.h>

_Static_assert(offsetof(FILE, _IO_write_ptr) - offsetof(FILE, _IO_write_base) ==
		       offsetof(struct wait_fill, end),
	       "the two pointers lie in a FILE as in a struct wait_fill");

static const struct wait_fill empty, differing = {NULL, (char *)&empty};
static const struct wait_fill *of_stdout = &empty; /* written by the constructor only */

_Atomic uint32_t wait_checks = WAIT_CHECK_FLUSHER;
const struct wait_fill *_Atomic wait_fill_stdout = &differing;
const struct wait_fill *wait_fill_stderr = &empty;

/* The pointer follows the bits; asked again in case another thread changes them meanwhile. */
static void point(void)
{
	uint32_t checks;

	do {
		checks = atomic_load(&wait_checks);
		atomic_store(&wait_fill_stdout, checks ? &differing : of_stdout);
	} while (checks != atomic_load(&wait_checks));
}

void wait_checks_add(enum wait_check check)
{
	atomic_fetch_or(&wait_checks, check);
	point();
}

void wait_checks_drop(enum wait_check check)
{
	atomic_fetch_and(&wait_checks, ~(uint32_t)check);
	point();
}

void wait_checks_init(void)
{
	if (!platform_stdio_visible()) {
		wait_checks_add(WAIT_CHECK_HIDDEN);
		return;
	}
	of_stdout = (const void *)&stdout->_IO_write_base;
	wait_fill_stderr = (const void *)&stderr->_IO_write_base;
	point();
}
