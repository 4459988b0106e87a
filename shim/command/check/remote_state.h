/* remote_state.h -- the library's own state in a running process, read from outside */
/* SPDX-License-Identifier: MIT */
/* Launcher only. How the library offers it: shared/introspect.h. */
#ifndef IDLEFLUSH_REMOTE_STATE_H
#define IDLEFLUSH_REMOTE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shared/introspect.h"

struct remote_state {
	bool loaded;      /* the library is in the process */
	char path[4096];  /* of its file */
	char version[24]; /* empty: its state could not be read, and nothing below is known */
	int memory_error; /* why not, as a negative errno; 0: it has no state to read */
	char says[128];   /* what it decided; empty: its constructor has not come so far */

	struct status status; /* a copy; what lies behind its addresses is here: */
	enum flusher_mode mode;
	pid_t owner;
	int64_t armed_since_ns, last_activity_ns;
	int64_t responses; /* of this process */
	bool muted;        /* stdout or stderr is given up until its file changes */
	unsigned streams;  /* C streams that are kept fresh */
	int64_t pending;   /* bytes in them; -1: it cannot be told */
	int64_t perl;      /* bytes in Perl's STDOUT; -1: none was seen */
	int64_t ocaml;     /* the same for OCaml's stdout */
	int64_t held;      /* in all of these, as far as it can be told */
};

/* Returns 0, or a negative errno where the process's mappings cannot be read. */
int remote_state_read(struct remote_state *remote, pid_t pid);

/*
 * Why the library does nothing in a process that has the number `own` in its namespace (0: not
 * known), or NULL: it is awake. `thread`: that of the flusher, or 0. A constant string, or one in
 * *remote.
 */
const char *remote_state_asleep(const struct remote_state *remote, pid_t own, pid_t thread);

#endif
