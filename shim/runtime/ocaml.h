/* ocaml.h -- the output channels of OCaml 4 */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_OCAML_H
#define IDLEFLUSH_OCAML_H

#include "base/platform.h"
#include "runtime/runtime.h"

/* Stdlib.stdout, at waits of the main thread, where the program uses no threads. */
HIDDEN extern const struct runtime ocaml_runtime;

#endif
