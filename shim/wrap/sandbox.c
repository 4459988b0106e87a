/* sandbox.c -- a seccomp filter is about to be set: whatever is ours goes first */
/* SPDX-License-Identifier: MIT */
#include "wrap/sandbox.h"

#include "base/decision.h"
#include "base/platform.h"
#include "exit/hidden_handler.h"
#include "exit/last_words.h"
#include "flush/flusher.h"
#include "runtime/python/python.h"

#include <linux/seccomp.h>

#ifndef SECCOMP_SET_MODE_STRICT /* in headers since Linux 3.17 */
#define SECCOMP_SET_MODE_STRICT 0
#define SECCOMP_SET_MODE_FILTER 1
#endif

void sandbox_enter(struct sandbox *sandbox)
{
	int saved_errno = errno;

	*sandbox = (struct sandbox){false, 0};
	if (!flusher_awake())
		return;
	if (flusher_is_owner()) {
		last_words_before_exit();
		decision_set("the program sets a seccomp filter: asleep");
		python_stop();
		if (!flusher_suspend())
			flusher_stop(); /* no thread: falls asleep */
		sandbox->entered = true;
	}
	sandbox->hidden = hidden_handler_take_back();
	errno = saved_errno;
}

void sandbox_leave(const struct sandbox *sandbox)
{
	int saved_errno = errno;

	if (sandbox->entered) {
		flusher_resume();
		decision_set(flusher_awake() ? "awake" : "a flush is stuck: asleep");
	}
	hidden_handler_put_back(sandbox->hidden);
	errno = saved_errno;
}

/* Who only asks whether the kernel knows filters passes none (libseccomp, systemd). */
bool sandbox_is_seccomp(unsigned long operation, const void *filter)
{
	return operation == SECCOMP_SET_MODE_STRICT ||
	       (operation == SECCOMP_SET_MODE_FILTER && filter);
}

bool sandbox_is_prctl(unsigned long option, unsigned long mode, const void *filter)
{
	return option == PR_SET_SECCOMP &&
	       (mode == SECCOMP_MODE_STRICT || (mode == SECCOMP_MODE_FILTER && filter));
}
