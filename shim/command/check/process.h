/* process.h -- another process, as /proc shows it: memory, mappings, threads */
/* SPDX-License-Identifier: MIT */
/*
 * Launcher only. Nothing here stops or changes the process, nor opens its files. Source: proc(5).
 * Who may: names and threads anybody, mappings and memory the same user without special rights (a
 * kernel may ask for more, see kernel.yama.ptrace_scope) or root.
 */
#ifndef IDLEFLUSH_PROCESS_H
#define IDLEFLUSH_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process_region {
	uint64_t start, size;
	uint64_t offset; /* in the file */
	char path[4096]; /* of the file, as the process saw it; empty: none */
};

/* Is there such a process? A zombie is none. */
bool process_exists(pid_t pid);

/* The process of a thread; the id itself where it is that of a process. */
pid_t process_of_thread(pid_t id);

/* /proc/PID/`name` as a text of less than `size` bytes, its end cut. Returns its length or -1. */
ssize_t process_text(pid_t pid, const char *name, char *text, size_t size);

/* Is it stopped by a signal or a debugger? */
bool process_is_stopped(pid_t pid);

/* What the link /proc/PID/`name` says, or "?". Returns 0 or a negative errno. */
int process_link(pid_t pid, const char *name, char *target, size_t size);

/* Do both run the same program? */
bool process_runs_same(pid_t pid, pid_t other);

/* The value of an environment variable as it was at the start. 0, -ENOENT: not set, or -errno. */
int process_variable(pid_t pid, const char *name, char *value, size_t size);

/*
 * Its children and theirs, at any depth, `most` at most, into `found`; those near it first. Returns
 * how many.
 */
size_t process_descendants(pid_t pid, pid_t *found, size_t most);

/* Has the thread a descriptor table of its own? 0 or 1, or a negative errno: not to be known. */
int process_has_own_table(pid_t pid, pid_t thread);

/* Its number in its own pid namespace, as getpid(2) tells it there; 0: not known. */
pid_t process_own_pid(pid_t pid);

/* A thread of that name, or 0. */
pid_t process_find_thread(pid_t pid, const char *name);

/*
 * Calls `each` with every mapping of a file's beginning, until it says true. Returns 0, or a
 * negative errno where the mappings cannot be read.
 */
int process_walk_regions(pid_t pid, bool (*each)(const struct process_region *, void *),
			 void *data);

/* Opens its memory. Returns a descriptor, for close(2), or a negative errno. */
int process_open_memory(pid_t pid);

/* Are there `size` bytes at `address`? Then they are copied. */
bool process_read(int memory, uint64_t address, void *copy, size_t size);

#endif
