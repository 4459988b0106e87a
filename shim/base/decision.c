/* decision.c -- awake or asleep, and why: for --debug and --check */
/* SPDX-License-Identifier: MIT */
#include "base/decision.h"

#include "base/log.h"
#include "shared/introspect.h"

void decision_set(const char *says)
{
	atomic_store_explicit(&library_status.says, says, memory_order_release);
	log_debug(says);
}
