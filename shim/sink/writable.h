/* writable.h -- how many bytes a descriptor takes without blocking */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_WRITABLE_H
#define IDLEFLUSH_WRITABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Flushing is pointless: closed, without a reader, or a terminal or other character device. */
#define WRITABLE_NEVER SIZE_MAX

/*
 * How many bytes a write to `fd` takes without blocking, as far as that can be known beforehand: 0
 * while it is full, SIZE_MAX - 1 for a regular file (poll(2): always writable), or WRITABLE_NEVER.
 * In a pipe some room is kept in reserve, so that processes that share it and ask at the same
 * moment (prefork workers) do not fill it together; `last` gives that reserve away.
 * Any thread; a few system calls, none of which blocks; errno may change.
 */
size_t writable_bytes(int fd, bool last);

/*
 * The same for a writer of an unknown number of bytes, mostly fewer than `ample`: returns the room
 * if it is at least `ample` or the pipe is empty, else 0; or WRITABLE_NEVER.
 */
size_t writable_for_unknown(int fd, size_t ample, bool last);

#endif
