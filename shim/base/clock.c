/* clock.c -- is clock_gettime libc's, or does another preload replace it? */
/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/libc_object.h"
#include "base/platform.h"

bool clock_is_taken;

void clock_init(void)
{
	clock_is_taken = !libc_object_has((const void *)&clock_gettime);
}
