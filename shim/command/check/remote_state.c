/* remote_state.c -- the library's own state in a running process, read from outside */
/* SPDX-License-Identifier: MIT */
/*
 * The process runs on meanwhile, so each number is of its own moment. All that is read may be
 * nonsense, as in a process that is just starting: then something is not known, no more.
 */
#include "command/check/remote_state.h"
#include "command/elf_file.h"
#include "command/preload.h"
#include "command/check/process.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD         65536         /* a library's ELF headers and notes are in it */
#define BLOCK_MOST   (1024 * 1024) /* of one read */
#define RUNS_MOST    (1 << 20)
#define PENDING_MOST (1 << 30)
#define READS_MOST   (INT64_C(256) << 20) /* in all, of a process that would keep us busy */
#define READ_COSTS   64                   /* of one, beside its bytes */

/* Where a FILE of 64 bit has what it holds back, in glibc since 2.1 and in musl since 0.5. */
static const struct layout {
	size_t start, end;
	size_t unless; /* nothing is pending where the pointer there is NULL */
} glibc_file = {32, 40, 32}, musl_file = {56, 40, 32};

struct search {
	struct remote_state *remote;
	int memory;
	const struct layout *layout;
	int64_t reads_left; /* in bytes */
};

static bool read_memory(struct search *search, uint64_t address, void *copy, size_t size)
{
	search->reads_left -= (int64_t)size + READ_COSTS;
	return search->reads_left > 0 && process_read(search->memory, address, copy, size);
}

/* --- the library in the process's memory --------------------------------------------------- */

/* Takes the state, if there is a note about it in the mapping's first bytes. */
static bool read_status(struct search *search, const struct process_region *region)
{
	static unsigned char head[HEAD];
	size_t size = region->size < HEAD ? region->size : HEAD;
	struct status_note content;
	struct elf_file_note note;
	struct elf_file elf;
	uint64_t status;

	if (!read_memory(search, region->start, head, size) || !elf_file_open(&elf, head, size) ||
	    !elf_file_find_note(&elf, STATUS_NOTE, STATUS_NOTE_TYPE, &note) ||
	    note.content_size < sizeof(content))
		return false;
	memcpy(&content, note.content, sizeof(content));
	status = region->start + (uint64_t)(note.content - head) + (uint64_t)content.status;
	if (!read_memory(search, status, &search->remote->status, sizeof(struct status)))
		return false;
	snprintf(search->remote->version, sizeof(search->remote->version), "%.*s",
		 (int)sizeof(content.version), content.version);
	return true;
}

static bool read_region(const struct process_region *region, void *data)
{
	const char *name = strrchr(region->path, '/') + 1;
	struct search *search = data;
	struct remote_state *remote = search->remote;

	if (!strncmp(name, "libc.so.6", 9) || !strncmp(name, "libc-2.", 7))
		search->layout = &glibc_file;
	if (!strncmp(name, "ld-musl-", 8) || !strncmp(name, "libc.musl-", 10) ||
	    !strcmp(name, "libc.so"))
		search->layout = &musl_file;
	/* The file may have been replaced or deleted since: what counts is in memory. */
	if (*remote->version ||
	    !(read_status(search, region) ||
	      (!remote->loaded && !strncmp(name, PRELOAD_LIBRARY, strlen(PRELOAD_LIBRARY)))))
		return false;
	remote->loaded = true;
	snprintf(remote->path, sizeof(remote->path), "%s", region->path);
	return false;
}

/* --- what it points to ------------------------------------------------------------------------ */

static uint64_t number(const volatile void *address)
{
	return (uintptr_t)address;
}

static void read_flusher(struct search *search)
{
	struct remote_state *remote = search->remote;
	const struct status *status = &remote->status;
	uint32_t mode = 0;
	uint64_t page;

	if (!read_memory(search, number(status->flusher), &page, sizeof(page)))
		return;
	read_memory(search, page + status->mode, &mode, sizeof(mode));
	remote->mode = (enum flusher_mode)mode;
	read_memory(search, page + status->owner, &remote->owner, sizeof(pid_t));
	read_memory(search, page + status->armed_since, &remote->armed_since_ns, sizeof(int64_t));
	read_memory(search, page + status->last_activity, &remote->last_activity_ns,
		    sizeof(int64_t));
}

static void read_responses(struct search *search)
{
	struct remote_state *remote = search->remote;
	const struct status *status = &remote->status;
	size_t size = (size_t)status->conn_size * status->conn_run_length;
	unsigned char *entries = status->conn_size >= sizeof(uint32_t) && size && size < BLOCK_MOST
					 ? malloc(size)
					 : NULL;
	uint32_t count;
	uint64_t run;

	remote->responses = (int64_t)(status->closed_responses - status->inherited_responses);
	for (uint32_t i = 0; entries && i < status->conn_run_count && i < RUNS_MOST; i++) {
		if (!read_memory(search, number(status->conn_runs) + i * sizeof(run), &run,
				 sizeof(run)))
			break;
		if (!run || !read_memory(search, run, entries, size))
			continue;
		for (size_t at = status->conn_responses; at + sizeof(count) <= size;
		     at += status->conn_size) {
			memcpy(&count, entries + at, sizeof(count));
			remote->responses += count;
		}
	}
	free(entries);
}

/* What C stdio holds back in a stream; -1: that is not known of this libc. */
static int64_t pending_in(struct search *search, uint64_t file)
{
	uint64_t fields[8];
	const struct layout *layout = search->layout;
	uint64_t size;

	if (!layout || !read_memory(search, file, fields, sizeof(fields)))
		return -1;
	if (!fields[layout->unless / 8])
		return 0;
	size = fields[layout->end / 8] - fields[layout->start / 8];
	return size < PENDING_MOST ? (int64_t)size : -1;
}

static void read_streams(struct search *search)
{
	struct remote_state *remote = search->remote;
	const struct status *status = &remote->status;

	for (size_t i = 0; i < sizeof(status->streams) / sizeof(status->streams[0]); i++) {
		int64_t size;

		if (!status->streams[i])
			continue;
		size = pending_in(search, number(status->streams[i]));
		remote->streams++;
		remote->pending = size < 0 || remote->pending < 0 ? -1 : remote->pending + size;
	}
	for (size_t i = 0; i < STATUS_STD_STREAMS; i++) {
		uint32_t muted;

		if (read_memory(search, number(status->muted[i]), &muted, sizeof(muted)))
			remote->muted = remote->muted || muted;
	}
}

/* A handle that was closed since may have left anything there. */
static int64_t read_buffer(struct search *search, const struct status_buffer *buffer)
{
	uint64_t to, size;

	if (!buffer->from || !read_memory(search, number(buffer->to), &to, sizeof(to)))
		return -1;
	size = to - number(buffer->from);
	return size < BLOCK_MOST ? (int64_t)size : -1;
}

static void read_says(struct search *search)
{
	struct remote_state *remote = search->remote;
	uint64_t at = number(remote->status.says);

	for (size_t i = 0; at && i < sizeof(remote->says) - 1; i++)
		if (!read_memory(search, at + i, &remote->says[i], 1) || !remote->says[i])
			break;
}

int remote_state_read(struct remote_state *remote, pid_t pid)
{
	struct search search = {
		.remote = remote, .memory = process_open_memory(pid), .reads_left = READS_MOST};
	int error;

	*remote = (struct remote_state){.memory_error = search.memory < 0 ? search.memory : 0};
	error = process_walk_regions(pid, read_region, &search);
	if (search.memory < 0)
		return error;
	if (*remote->version) {
		read_flusher(&search);
		read_responses(&search);
		read_streams(&search);
		remote->perl = read_buffer(&search, &remote->status.perl);
		remote->ocaml = read_buffer(&search, &remote->status.ocaml);
		remote->held = (remote->pending > 0 ? remote->pending : 0) +
			       (remote->perl > 0 ? remote->perl : 0) +
			       (remote->ocaml > 0 ? remote->ocaml : 0);
		read_says(&search);
	}
	close(search.memory);
	return error;
}

static bool is_asleep_by_choice(const struct remote_state *remote)
{
	const char *word = "asleep";
	size_t length = strlen(remote->says);

	return length >= strlen(word) && !strcmp(remote->says + length - strlen(word), word);
}

const char *remote_state_asleep(const struct remote_state *remote, pid_t own, pid_t thread)
{
	pid_t owner = remote->owner;

	if (!*remote->says)
		return "its constructor has not run yet";
	if (is_asleep_by_choice(remote))
		return remote->says;
	if (!owner)
		return "forked past fork(3), by clone(2): asleep";
	if (own && owner != own)
		return "in its parent's memory until it executes a program";
	if (remote->mode == FLUSHER_ASLEEP)
		return "it ends: asleep";
	if (remote->mode == FLUSHER_RUNNING && !thread)
		return "awake, but its thread is gone";
	return NULL;
}
