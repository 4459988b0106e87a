/* exec_prefix.h -- programs that set something up and then run the rest of their arguments */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_EXEC_PREFIX_H
#define IDLEFLUSH_EXEC_PREFIX_H

/*
 * The command within the arguments of such a program (env, nohup, timeout, tini ...), known by the
 * name in argv[0], or NULL: it is none, or there is no command. What env would do to the
 * environment is done to this process's. May allocate what the result points to.
 */
char *const *exec_prefix_command(char *const *argv);

#endif
