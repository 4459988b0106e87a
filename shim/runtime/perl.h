/* perl.h -- Perl's STDOUT */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_PERL_H
#define IDLEFLUSH_PERL_H

#include "base/platform.h"
#include "runtime/runtime.h"

/* The handle that perl itself opened as STDOUT, at waits of the thread that runs Perl. */
HIDDEN extern const struct runtime perl_runtime;

#endif
