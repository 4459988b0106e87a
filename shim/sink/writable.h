/* writable.h -- how many bytes a descriptor takes without blocking */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_WRITABLE_H
#define IDLEFLUSH_WRITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Nothing to gain by flushing: closed, no reader, or a terminal or other character device. */
#define WRITABLE_NEVER SIZE_MAX

/*
 * Bytes that a write to `fd` takes without blocking, as far as one can know without taking part:
 * 0 while it is full, SIZE_MAX - 1 for a regular file (poll(2): always writable), WRITABLE_NEVER.
 * For a pipe some is kept in reserve, so that processes that share it and ask at the same moment
 * (prefork workers) do not fill it against each other; `last` gives that reserve away.
 * Any thread; a handful of system calls, none of which blocks; errno may change.
 */
size_t writable_bytes(int fd, bool last);

/*
 * The same for a writer that holds an unknown amount, mostly less than `ample`: that much, or all
 * that a smaller pipe holds, or else 0; or WRITABLE_NEVER.
 */
size_t writable_for_unknown(int fd, size_t ample, bool last);

#endif
