/* copy.h -- `idleflush --copy-to=DIR`: the command and its library, for where there is no cp */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_COPY_H
#define IDLEFLUSH_COPY_H

/*
 * Puts `library` and this executable into `directory`, which is there, under their usual names.
 * Returns 0 or a negative errno: then the one or the other may be missing, but neither is in part.
 */
int copy_to(const char *directory, const char *library);

#endif
