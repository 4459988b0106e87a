/* libc_object.h -- is a function libc's, or does another preload replace it? */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_LIBC_OBJECT_H
#define IDLEFLUSH_LIBC_OBJECT_H

#include <stdbool.h>

/* Does libc define what lies at `address`? Constructor only. */
bool libc_object_has(const void *address);

#endif
