/* status_fuzz.c -- any bytes at all as the memory of a process that --check --pid reads */
/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>

#include "command/check/process.h"
#include "command/check/remote_state.h"
#include "must.h"

#include <string.h>
#include <unistd.h>

#define BASE UINT64_C(0x10000)
#define BYTES_MOST                                                                                 \
	(INT64_C(1) << 29) /* read in all; the bound that remote_state.c has is half of it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *memory;
static size_t memory_size;
static int64_t bytes_read;

int process_open_memory(pid_t pid)
{
	(void)pid;
	return dup(STDERR_FILENO);
}

bool process_read(int fd, uint64_t address, void *copy, size_t size)
{
	(void)fd;
	bytes_read += (int64_t)size;
	if (address < BASE || address - BASE > memory_size || memory_size - (address - BASE) < size)
		return false;
	memcpy(copy, memory + (address - BASE), size);
	return true;
}

int process_walk_regions(pid_t pid, bool (*each)(const struct process_region *, void *), void *data)
{
	static struct process_region region = {.start = BASE, .path = "/lib/libidleflush.so"};
	static const struct process_region libc = {.start = 1, .path = "/lib/libc.so.6"};

	(void)pid;
	region.size = memory_size;
	each(&libc, data);
	each(&region, data);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct remote_state remote;

	memory = data;
	memory_size = size;
	bytes_read = 0;
	MUST(remote_state_read(&remote, 1) == 0);
	MUST(bytes_read < BYTES_MOST);
	MUST(memchr(remote.version, '\0', sizeof(remote.version)));
	MUST(memchr(remote.says, '\0', sizeof(remote.says)));
	MUST(remote.pending >= -1 && remote.streams <= STATUS_STD_STREAMS + STATUS_EXTRA_STREAMS);
	return 0;
}
