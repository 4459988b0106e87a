/* only.h -- is this program one that IDLEFLUSH_ONLY names? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_ONLY_H
#define IDLEFLUSH_ONLY_H

#include <stdbool.h>

/*
 * By the program's file, the file that was executed, argv[0], or the script that it runs; or by
 * those of its parent if that runs the same program and started it as a worker. Under --debug it
 * says what was compared. Constructor only.
 */
bool only_names_us(const char *list);

#endif
