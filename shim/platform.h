/* platform.h -- the only place where libcs and architectures are told apart */
/* SPDX-License-Identifier: MIT */
/*
 * One file serves every libc: the library has no DT_NEEDED, so each libc symbol it uses must be
 * weak -- a dynamic program need not have a libc at all, and a strong undefined symbol would kill
 * it at load. init.c checks that the symbols are there and stays asleep where one is not.
 * tests/artifact.bats holds this list against the object: every undefined symbol is weak.
 */
#ifndef IDLEFLUSH_PLATFORM_H
#define IDLEFLUSH_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#define EXPORT       __attribute__((visibility("default")))
#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

#endif
