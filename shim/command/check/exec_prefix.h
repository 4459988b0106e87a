/* exec_prefix.h -- commands that set something up and then run the rest of their arguments */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_EXEC_PREFIX_H
#define IDLEFLUSH_EXEC_PREFIX_H

#include <stdbool.h>

/* What such a command does. */
struct exec_prefix {
	char *const *command; /* what it runs; NULL: nothing, or not known */
	const char *user;     /* as whom, by name or number; NULL: as before */
	const char *root;     /* below which folder, or NULL */
	const char *drops;    /* how it removes LD_PRELOAD, or NULL */
	bool preloads;        /* it is idleflush itself */
};

/*
 * Is argv[0] one of them? Then `prefix` is filled in, and what it would change in the environment
 * is changed in this process's own. Runs nothing; what is in `prefix` is never freed.
 */
bool exec_prefix_read(struct exec_prefix *prefix, char *const *argv);

#endif
