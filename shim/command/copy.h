/* copy.h -- `idleflush --copy-to=DIR`: copies the command and its library, where there is no cp */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_COPY_H
#define IDLEFLUSH_COPY_H

/*
 * Puts `library` and this executable into `directory`, which must exist, under their usual names.
 * Returns 0 or a negative errno. Then either may be missing, but neither is incomplete.
 */
int copy_to(const char *directory, const char *library);

#endif
