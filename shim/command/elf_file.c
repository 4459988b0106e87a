/* elf_file.c -- an ELF file as bytes: headers, segments, sections and notes, whoever wrote it */
/* SPDX-License-Identifier: MIT */
#include "command/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STRING_MAX 1000
#define NOTES_MAX  16 /* segments may overlap */

/* Where the ELF header has what, in a 32-bit and in a 64-bit file. */
#define HEADER(elf, field) ((elf)->wide ? offsetof(Elf64_Ehdr, field) : offsetof(Elf32_Ehdr, field))

bool elf_file_open(struct elf_file *elf, const unsigned char *bytes, size_t length)
{
	*elf = (struct elf_file){.bytes = bytes, .length = length};
	if (length < EI_NIDENT || memcmp(bytes, ELFMAG, SELFMAG))
		return false;
	elf->wide = bytes[EI_CLASS] == ELFCLASS64;
	elf->big = bytes[EI_DATA] == ELFDATA2MSB;
	return (elf->wide || bytes[EI_CLASS] == ELFCLASS32) &&
	       (elf->big || bytes[EI_DATA] == ELFDATA2LSB);
}

bool elf_file_has(const struct elf_file *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->length && size <= elf->length - offset;
}

uint64_t elf_file_number(const struct elf_file *elf, uint64_t offset, unsigned size)
{
	uint64_t number = 0;

	if (!elf_file_has(elf, offset, size))
		return 0;
	for (unsigned i = 0; i < size; i++)
		number = number << 8 | elf->bytes[offset + (elf->big ? i : size - 1 - i)];
	return number;
}

unsigned elf_file_word(const struct elf_file *elf)
{
	return elf->wide ? 8 : 4;
}

/* Where the program headers are, and of which size each is. */
static uint64_t segment_table(const struct elf_file *elf)
{
	return elf_file_number(elf, HEADER(elf, e_phoff), elf_file_word(elf));
}

static uint64_t segment_size(const struct elf_file *elf)
{
	return elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

size_t elf_file_segment_count(const struct elf_file *elf)
{
	uint64_t size = elf_file_number(elf, HEADER(elf, e_phentsize), 2);
	uint64_t count = elf_file_number(elf, HEADER(elf, e_phnum), 2);

	if (size != segment_size(elf) || !elf_file_has(elf, segment_table(elf), count * size))
		return 0;
	return (size_t)count;
}

struct elf_file_segment elf_file_segment(const struct elf_file *elf, size_t index)
{
	uint64_t offset = segment_table(elf) + index * segment_size(elf);
	unsigned word = elf_file_word(elf);

	/* p_flags comes after p_type in a 64-bit header, and near the end in a 32-bit one. */
	return (struct elf_file_segment){
		.type = elf_file_number(elf, offset, 4),
		.offset = elf_file_number(elf, offset + word, word),
		.address = elf_file_number(elf, offset + 2 * word, word),
		.size = elf_file_number(elf, offset + 4 * word, word),
	};
}

struct elf_file_segment elf_file_find_segment(const struct elf_file *elf, uint64_t type)
{
	for (size_t i = 0; i < elf_file_segment_count(elf); i++) {
		struct elf_file_segment segment = elf_file_segment(elf, i);

		if (segment.type == type)
			return segment;
	}
	return (struct elf_file_segment){0};
}

uint64_t elf_file_place(const struct elf_file *elf, uint64_t address)
{
	for (size_t i = 0; i < elf_file_segment_count(elf); i++) {
		struct elf_file_segment segment = elf_file_segment(elf, i);

		if (segment.type == PT_LOAD && address >= segment.address &&
		    address - segment.address < segment.size)
			return segment.offset + (address - segment.address);
	}
	return UINT64_MAX;
}

const char *elf_file_string(const struct elf_file *elf, uint64_t offset)
{
	const char *text;
	size_t room;

	if (!elf_file_has(elf, offset, 1))
		return NULL;
	text = (const char *)elf->bytes + offset;
	room = elf->length - offset;
	return memchr(text, '\0', room < STRING_MAX ? room : STRING_MAX) ? text : NULL;
}

/* Notes are padded to 4 bytes; those in segments that ask for 8 come with names that fit both. */
static uint64_t padded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

static bool find_note_in(const struct elf_file *elf, const struct elf_file_segment *segment,
			 const char *name, uint64_t type, struct elf_file_note *note)
{
	uint64_t at = segment->offset, left = segment->size;

	if (!elf_file_has(elf, at, left))
		return false;
	while (left >= 12) {
		uint64_t name_size = elf_file_number(elf, at, 4);
		uint64_t content_size = elf_file_number(elf, at + 4, 4);
		uint64_t size = 12 + padded(name_size) + padded(content_size);

		if (size > left)
			return false;
		*note = (struct elf_file_note){
			.type = elf_file_number(elf, at + 8, 4),
			.name_size = name_size,
			.name = elf->bytes + at + 12,
			.content_size = content_size,
			.content = elf->bytes + at + 12 + padded(name_size),
		};
		/* Go's own names are padded with more than one NUL. */
		if (note->type == type && name_size > strlen(name) &&
		    !memcmp(note->name, name, strlen(name) + 1))
			return true;
		at += size;
		left -= size;
	}
	return false;
}

bool elf_file_find_note(const struct elf_file *elf, const char *name, uint64_t type,
			struct elf_file_note *note)
{
	int left = NOTES_MAX;

	for (size_t i = 0; i < elf_file_segment_count(elf) && left; i++) {
		struct elf_file_segment segment = elf_file_segment(elf, i);

		if (segment.type != PT_NOTE)
			continue;
		if (find_note_in(elf, &segment, name, type, note))
			return true;
		left--;
	}
	return false;
}

bool elf_file_has_section(const struct elf_file *elf, const char *name)
{
	unsigned word = elf_file_word(elf);
	uint64_t table = elf_file_number(elf, HEADER(elf, e_shoff), word);
	uint64_t size = elf_file_number(elf, HEADER(elf, e_shentsize), 2);
	uint64_t count = elf_file_number(elf, HEADER(elf, e_shnum), 2);
	uint64_t names = elf_file_number(elf, HEADER(elf, e_shstrndx), 2);
	uint64_t offset_at =
		elf->wide ? offsetof(Elf64_Shdr, sh_offset) : offsetof(Elf32_Shdr, sh_offset);

	if (!size || names >= count || !elf_file_has(elf, table, count * size))
		return false;
	names = elf_file_number(elf, table + names * size + offset_at, word);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = names + elf_file_number(elf, table + i * size, 4);
		const char *found = at >= names ? elf_file_string(elf, at) : NULL;

		if (found && !strcmp(found, name))
			return true;
	}
	return false;
}

static struct sigaction before; /* the disposition of SIGBUS at start */
static bool is_handled;

/* A page of a mapping is past the end of its file by now. */
static void put_zeros(int sig, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	void *at = (void *)((uintptr_t)info->si_addr & ~(page - 1));

	(void)context;
	if (info->si_code != BUS_ADRERR ||
	    mmap(at, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		signal(sig, SIG_DFL); /* the access is repeated, and ends the process */
}

static void handle(void)
{
	struct sigaction action = {.sa_sigaction = put_zeros, .sa_flags = SA_SIGINFO};

	if (!is_handled)
		is_handled = !sigaction(SIGBUS, &action, &before);
}

void mapping_end(void)
{
	if (is_handled)
		sigaction(SIGBUS, &before, NULL);
	is_handled = false;
}

int mapping_open(struct mapping *mapping, const char *path)
{
	struct stat file;
	void *bytes;
	int fd, error;

	/* Opening a device may have effects, and opening a FIFO waits. */
	if (stat(path, &file))
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EACCES;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &file) || !S_ISREG(file.st_mode)) {
		close(fd);
		return -EACCES;
	}
	mapping->length = (size_t)file.st_size;
	bytes = mmap(NULL, mapping->length + !mapping->length, PROT_READ, MAP_PRIVATE, fd, 0);
	error = bytes == MAP_FAILED ? -errno : 0;
	mapping->bytes = bytes;
	close(fd);
	handle();
	return error;
}

void mapping_close(struct mapping *mapping)
{
	munmap((void *)(uintptr_t)mapping->bytes, mapping->length + !mapping->length);
}
