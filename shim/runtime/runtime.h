/* runtime.h -- what we ask of a language runtime that has buffers of its own */
/* SPDX-License-Identifier: MIT */
/*
 * fflush(3) does not reach these buffers. There are two ways to flush one, and a runtime has one of
 * them or both: the thread that owns the buffer does it, at a wait of its own; or a thread of ours
 * does it, under the runtime's lock.
 */
#ifndef IDLEFLUSH_RUNTIME_H
#define IDLEFLUSH_RUNTIME_H

#include <stdbool.h>

#include "shared/config.h"
#include "base/platform.h"
#include "sink/sink.h"

struct runtime {
	enum config_runtime setting; /* by which it is turned on or off */

	const char *symbol; /* one that it exports */

	/*
	 * Is it in this process, or may it be loaded later, and is it of a kind that we know?
	 * `exported`: some object has the symbol. False: it is not asked again. Constructor only.
	 */
	bool (*find)(bool exported);

	/* --- by the thread that owns the buffer; NULL where that cannot be */

	/* Does the calling thread own pending bytes? No lock, no system call; at a wait. */
	bool (*pending)(void);

	/*
	 * Writes those, as far as that cannot block. At a wait, outside of signal handlers, with
	 * all signals blocked, in the process whose buffer it is.
	 */
	enum sink_result (*flush_at_wait)(struct flush_params *params);

	/* May the flusher thread call that, too, while the buffer is lent to it? See own_buffer.h.
	 */
	bool lends;

	/* For those: may bytes be pending? Any thread, while the owner may print. */
	bool (*holds)(void);

	/* --- by a thread of ours; NULL where that cannot be */

	/* May it hold bytes? A few loads and calls; any context. */
	bool (*may_hold)(void);

	/* Is that so likely that a wait should ask for a pass? Any context. */
	bool (*wants_pass)(void);

	/* Flushes, or has it done soon. Never waits. The flusher thread, with forks kept out. */
	enum sink_result (*flush)(struct flush_params *params);

	/*
	 * Has a thread of its own flush at once, for the caller is about to wait. False: it cannot
	 * now. May be NULL. Any context.
	 */
	bool (*flush_soon)(void);

	/* --- */

	/* A forked child begins. Atfork child handler only. NULL: nothing to do. */
	void (*begin_in_child)(void);
};

/* std::cout: after `find`, its bytes stay in the C stream stdout. Nothing to flush here. */
HIDDEN extern const struct runtime cxx_runtime;

/* OCaml 4's Stdlib.stdout, at waits of the main thread, where the program uses no threads. */
HIDDEN extern const struct runtime ocaml_runtime;

/* The handle that perl itself opened as STDOUT, at waits of the thread that runs Perl. */
HIDDEN extern const struct runtime perl_runtime;

/* sys.stdout and sys.stderr, by a thread of ours only: a thread that waits has released the GIL. */
HIDDEN extern const struct runtime python_runtime;

#endif
