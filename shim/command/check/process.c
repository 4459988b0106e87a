/* process.c -- another process, as /proc shows it: memory, mappings, threads */
/* SPDX-License-Identifier: MIT */
#include "command/check/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_MAX_HERE 80 /* /proc/PID/task/TID/comm and the like */

static void make_name(char name[NAME_MAX_HERE], pid_t pid, const char *file)
{
	snprintf(name, NAME_MAX_HERE, "/proc/%d/%s", (int)pid, file);
}

static FILE *open_text(pid_t pid, const char *file)
{
	char name[NAME_MAX_HERE];

	make_name(name, pid, file);
	return fopen(name, "re");
}

ssize_t process_text(pid_t pid, const char *name, char *text, size_t size)
{
	FILE *file = open_text(pid, name);
	size_t length;
	bool failed;

	*text = '\0';
	if (!file)
		return -1;
	length = fread(text, 1, size - 1, file);
	failed = ferror(file);
	fclose(file);
	if (failed)
		return -1;
	text[length] = '\0';
	return (ssize_t)length;
}

/* The text behind `name` at the start of a line of /proc/PID/status; false: there is no such. */
static bool status_field(pid_t pid, const char *name, char *value, size_t size)
{
	static char text[16384];
	const char *at = text;

	if (process_text(pid, "status", text, sizeof(text)) < 0)
		return false;
	while (at && strncmp(at, name, strlen(name))) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return false;
	at += strlen(name);
	snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

bool process_exists(pid_t pid)
{
	char state[32];

	return status_field(pid, "State:\t", state, sizeof(state)) && *state != 'Z' &&
	       *state != 'X';
}

pid_t process_of_thread(pid_t id)
{
	char process[32];

	return status_field(id, "Tgid:\t", process, sizeof(process))
		       ? (pid_t)strtol(process, NULL, 10)
		       : id;
}

bool process_is_stopped(pid_t pid)
{
	char state[32];

	return status_field(pid, "State:\t", state, sizeof(state)) &&
	       (*state == 'T' || *state == 't');
}

int process_link(pid_t pid, const char *name, char *target, size_t size)
{
	char link[NAME_MAX_HERE];
	ssize_t length;

	make_name(link, pid, name);
	length = readlink(link, target, size - 1);
	if (length < 0) {
		int error = -errno;

		snprintf(target, size, "?");
		return error;
	}
	target[length] = '\0';
	return 0;
}

bool process_runs_same(pid_t pid, pid_t other)
{
	static char theirs[4096], ours[4096];

	return !process_link(pid, "exe", ours, sizeof(ours)) &&
	       !process_link(other, "exe", theirs, sizeof(theirs)) && !strcmp(ours, theirs);
}

int process_variable(pid_t pid, const char *name, char *value, size_t size)
{
	FILE *file = open_text(pid, "environ");
	char *entry = NULL;
	size_t room = 0, length = strlen(name);
	int error = file ? -ENOENT : -errno;

	errno = 0;
	while (file && error && getdelim(&entry, &room, '\0', file) > 0) {
		if (strncmp(entry, name, length) || entry[length] != '=')
			continue;
		snprintf(value, size, "%s", entry + length + 1);
		error = 0;
	}
	if (file && error && errno)
		error = -errno;
	free(entry);
	if (file)
		fclose(file);
	return error;
}

struct family {
	pid_t child, parent;
};

/* Every process and its parent; NULL: none can be seen. */
static struct family *list_all(size_t *count)
{
	DIR *all = opendir("/proc");
	struct family *list = NULL;
	struct dirent *entry;
	char parent[32];

	*count = 0;
	while (all && (entry = readdir(all))) {
		pid_t child = (pid_t)strtol(entry->d_name, NULL, 10);
		struct family *grown;

		if (child <= 0 || !status_field(child, "PPid:\t", parent, sizeof(parent)))
			continue;
		grown = realloc(list, (*count + 1) * sizeof(*list));
		if (!grown)
			break;
		list = grown;
		list[(*count)++] = (struct family){child, (pid_t)strtol(parent, NULL, 10)};
	}
	if (all)
		closedir(all);
	return list;
}

/* By the parents' numbers: /proc/PID/task/TID/children exists only with a kernel option. */
size_t process_descendants(pid_t pid, pid_t *found, size_t most)
{
	size_t all, count = 0;
	struct family *list = list_all(&all);

	for (size_t parents = 0; parents <= count; parents++) {
		pid_t parent = parents ? found[parents - 1] : pid;

		for (size_t i = 0; i < all && count < most; i++)
			if (list[i].parent == parent && list[i].child != pid)
				found[count++] = list[i].child;
	}
	free(list);
	return count;
}

int process_has_own_table(pid_t pid, pid_t thread)
{
	long differs = syscall(SYS_kcmp, pid, thread, KCMP_FILES, 0, 0);

	return differs < 0 ? -errno : differs != 0;
}

pid_t process_own_pid(pid_t pid)
{
	char numbers[256];
	const char *last;

	if (!status_field(pid, "NSpid:", numbers, sizeof(numbers)))
		return 0;
	last = strrchr(numbers, '\t');
	return last ? (pid_t)strtol(last + 1, NULL, 10) : 0;
}

pid_t process_find_thread(pid_t pid, const char *name)
{
	char folder[NAME_MAX_HERE];
	struct dirent *entry;
	pid_t found = 0;
	DIR *tasks;

	make_name(folder, pid, "task");
	tasks = opendir(folder);
	while (tasks && !found && (entry = readdir(tasks))) {
		char file[NAME_MAX_HERE], comm[32];
		pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);

		snprintf(file, sizeof(file), "task/%d/comm", (int)tid);
		if (tid && process_text(pid, file, comm, sizeof(comm)) > 0 &&
		    !strncmp(comm, name, strlen(name)) && comm[strlen(name)] == '\n')
			found = tid;
	}
	if (tasks)
		closedir(tasks);
	return found;
}

int process_walk_regions(pid_t pid, bool (*each)(const struct process_region *, void *), void *data)
{
	FILE *maps = open_text(pid, "maps");
	static struct process_region region;
	char *line = NULL;
	size_t room = 0;
	bool ends = false;

	if (!maps)
		return -errno;
	errno = 0;
	while (!ends && getline(&line, &room, maps) > 0) {
		uint64_t end;
		int path = 0;

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %*s %*s %n",
			   &region.start, &end, &region.offset, &path) != 3)
			continue;
		region.size = end - region.start;
		snprintf(region.path, sizeof(region.path), "%.*s", (int)strcspn(line + path, "\n"),
			 line + path);
		ends = region.offset == 0 && *region.path == '/' && each(&region, data);
	}
	free(line);
	fclose(maps);
	return errno == EACCES || errno == EPERM ? -errno : 0;
}

int process_open_memory(pid_t pid)
{
	char name[NAME_MAX_HERE];
	int fd;

	make_name(name, pid, "mem");
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool process_read(int memory, uint64_t address, void *copy, size_t size)
{
	return pread(memory, copy, size, (off_t)address) == (ssize_t)size;
}
