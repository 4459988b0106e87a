/* absence.h -- why the library is not in a running process */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ABSENCE_H
#define IDLEFLUSH_ABSENCE_H

#include <sys/types.h>

/* Reports the reason, as far as program, environment and files show it. */
void absence_explain(pid_t pid);

#endif
