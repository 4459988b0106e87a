/* cxx.c -- the exported function that takes C++'s streams off C stdio */
/* SPDX-License-Identifier: MIT */
/* std::ios_base::sync_with_stdio(bool). Most programs have no such function. */
#include "runtime/cxx.h"
#include "flush/flusher.h"
#include "base/platform.h"

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the mangled name */
extern bool _ZNSt8ios_base15sync_with_stdioEb(bool sync);

EXPORT bool _ZNSt8ios_base15sync_with_stdioEb(bool sync)
{
	return cxx_sync_with_stdio(sync, __builtin_return_address(0), flusher_awake());
}
