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
#define ENTRIES_MOST 1000
#define PENDING_MOST (1 << 30)

/* Where a FILE of 64 bit has what it holds back, in glibc since 2.1 and in musl since 0.5. */
static const struct layout {
	size_t start, end;
	size_t unless; /* nothing is pending where the pointer there is NULL */
} glibc_file = {32, 40, 32}, musl_file = {56, 40, 32};

struct search {
	struct remote_state *remote;
	int memory;
	uint64_t entry, entry_size; /* in the process's memory */
	const struct layout *layout;
};

/* --- the library in the process's memory --------------------------------------------------- */

/* Takes the note, if there is one in the mapping's first bytes. */
static bool read_note(struct search *search, const struct process_region *region)
{
	static unsigned char head[HEAD];
	size_t size = region->size < HEAD ? region->size : HEAD;
	struct status_note content;
	struct elf_file_note note;
	struct elf_file elf;

	if (!process_read(search->memory, region->start, head, size) ||
	    !elf_file_open(&elf, head, size) ||
	    !elf_file_find_note(&elf, STATUS_NOTE, STATUS_NOTE_TYPE, &note) ||
	    note.content_size < sizeof(content))
		return false;
	memcpy(&content, note.content, sizeof(content));
	if (content.entry_size < sizeof(struct status_entry) || content.entry_size % 8)
		return false;
	search->entry = region->start + (uint64_t)(note.content - head) + (uint64_t)content.entry;
	search->entry_size = content.entry_size;
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
	    !(read_note(search, region) ||
	      (!remote->loaded && !strncmp(name, PRELOAD_LIBRARY, strlen(PRELOAD_LIBRARY)))))
		return false;
	remote->loaded = true;
	snprintf(remote->path, sizeof(remote->path), "%s", region->path);
	return false;
}

/* --- its entries ------------------------------------------------------------------------------ */

/* What C stdio holds back in a stream; -1: that is not known of this libc. */
static int64_t pending_in(const struct search *search, uint64_t file)
{
	uint64_t fields[8];
	const struct layout *layout = search->layout;
	uint64_t size;

	if (!layout || !process_read(search->memory, file, fields, sizeof(fields)))
		return -1;
	if (!fields[layout->unless / 8])
		return 0;
	size = fields[layout->end / 8] - fields[layout->start / 8];
	return size < PENDING_MOST ? (int64_t)size : -1;
}

static bool is_sum(uint32_t what)
{
	return what >= STATUS_RESPONSES && what <= STATUS_HEARTBEATS;
}

static void take_value(struct search *search, const struct status_entry *entry,
		       const unsigned char *bytes)
{
	struct remote_state *remote = search->remote;
	int64_t value = 0;

	memcpy(&value, bytes, entry->size); /* least significant byte first: x86-64, aarch64 */
	if (entry->what == STATUS_STREAM && value) {
		int64_t size = pending_in(search, (uint64_t)value);

		remote->streams++;
		remote->pending = size < 0 || remote->pending < 0 ? -1 : remote->pending + size;
	}
	if (is_sum(entry->what))
		remote->value[entry->what] += value;
	else if (!remote->known[entry->what] || value > remote->value[entry->what])
		remote->value[entry->what] = value;
	remote->known[entry->what] = true;
}

static void read_records(struct search *search, const struct status_entry *entry, uint64_t address)
{
	size_t size = (size_t)(entry->records - 1) * entry->stride + entry->offset + entry->size;
	unsigned char *block;

	if (!entry->records || size > BLOCK_MOST || !(block = malloc(size)))
		return;
	if (process_read(search->memory, address, block, size))
		for (uint32_t i = 0; i < entry->records; i++)
			take_value(search, entry,
				   block + (size_t)i * entry->stride + entry->offset);
	free(block);
}

static void read_entry(struct search *search, const struct status_entry *entry)
{
	uint64_t address = (uintptr_t)entry->address, pointer;
	size_t size = (size_t)entry->pointers * entry->step;
	unsigned char *pointers;

	if (entry->what >= STATUS_WHATS || entry->size > sizeof(int64_t))
		return;
	if (!entry->pointers) {
		read_records(search, entry, address);
		return;
	}
	if (entry->pointers == 1)
		size = sizeof(pointer);
	if (size < sizeof(pointer) || size > BLOCK_MOST || !(pointers = malloc(size)))
		return;
	if (process_read(search->memory, address, pointers, size))
		for (size_t at = 0; at + sizeof(pointer) <= size; at += entry->step) {
			memcpy(&pointer, pointers + at, sizeof(pointer));
			if (pointer)
				read_records(search, entry, pointer);
			if (!entry->step)
				break;
		}
	free(pointers);
}

static bool get_entry(const struct search *search, uint64_t address, struct status_entry *entry)
{
	return process_read(search->memory, address, entry, sizeof(*entry)) &&
	       entry->magic == STATUS_MAGIC;
}

static void read_entries(struct search *search)
{
	struct status_entry entry;
	uint64_t at = search->entry;

	for (int i = 0; i < ENTRIES_MOST && get_entry(search, at - search->entry_size, &entry); i++)
		at -= search->entry_size;
	for (int i = 0; i < ENTRIES_MOST && get_entry(search, at, &entry); i++) {
		read_entry(search, &entry);
		at += search->entry_size;
	}
}

static void read_says(struct search *search)
{
	struct remote_state *remote = search->remote;
	uint64_t at = (uint64_t)remote->value[STATUS_SAYS];

	for (size_t i = 0; at && i < sizeof(remote->says) - 1; i++)
		if (!process_read(search->memory, at + i, &remote->says[i], 1) || !remote->says[i])
			break;
}

int remote_state_read(struct remote_state *remote, pid_t pid)
{
	struct search search = {.remote = remote, .memory = process_open_memory(pid)};
	int error;

	*remote = (struct remote_state){.memory_error = search.memory < 0 ? search.memory : 0};
	error = process_walk_regions(pid, read_region, &search);
	if (search.memory < 0)
		return error;
	if (*remote->version) {
		read_entries(&search);
		read_says(&search);
	}
	close(search.memory);
	return error;
}
