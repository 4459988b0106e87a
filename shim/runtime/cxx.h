/* cxx.h -- C++'s cout stays on C stdio where the program turns the synchronization off */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_CXX_H
#define IDLEFLUSH_CXX_H

#include <stdbool.h>

/*
 * std::ios_base::sync_with_stdio(sync), called from code at `caller`; `keep`: where that is safe,
 * cout then writes to the C stream stdout as before. Any thread; like the function itself, not in a
 * signal handler.
 */
bool cxx_sync_with_stdio(bool sync, const void *caller, bool keep);

#endif
