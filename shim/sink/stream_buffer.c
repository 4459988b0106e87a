/* stream_buffer.c -- gives a C stream a larger buffer while it is in use */
/* SPDX-License-Identifier: MIT */
#include "sink/stream_buffer.h"

#include "base/next.h"
#include "base/platform.h"

/* glibc's flags (libio.h), unchanged since 2.1. */
#define IO_USER_BUF          0x0001
#define IO_UNBUFFERED        0x0002
#define IO_LINE_BUF          0x0200
#define IO_CURRENTLY_PUTTING 0x0800

#define GLIBC_BUFFER 4096            /* st_blksize of a pipe or a socket */
#define MUSL_BUFFER  1024            /* stdout's; any other size was set by the program */
#define OPAQUE_MOST  ((size_t)32768) /* musl's streams are flushed whole: half a pipe at most */

static char *map(struct stream_buffer *buffer)
{
	void *made;

	if (buffer->ours)
		return buffer->ours;
	made = mmap(NULL, buffer->wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	if (made != MAP_FAILED)
		buffer->ours = made;
	return buffer->ours;
}

/* Gives an empty output stream the buffer of `size` bytes at `start`. */
static void set_glibc(FILE *file, char *start, size_t size)
{
	file->_IO_buf_base = start;
	file->_IO_buf_end = start + size;
	file->_IO_read_base = file->_IO_read_ptr = file->_IO_read_end = start;
	file->_IO_write_base = file->_IO_write_ptr = start;
	file->_IO_write_end = start + size;
}

/* Was it neither used nor set, apart from its buffer? */
static bool is_unused(const FILE *file)
{
	return !(file->_flags & (IO_UNBUFFERED | IO_LINE_BUF | IO_CURRENTLY_PUTTING)) &&
	       !file->_IO_write_base && !file->_IO_read_base;
}

bool stream_buffer_begin(struct stream_buffer *buffer, FILE *file)
{
	if (!platform_stdio_visible() || buffer->wanted < GLIBC_BUFFER || !is_unused(file) ||
	    file->_IO_buf_base || file->_flags & IO_USER_BUF || !map(buffer))
		return false;
	file->_IO_buf_base = buffer->ours;
	file->_IO_buf_end = buffer->ours + buffer->wanted;
	file->_flags |= IO_USER_BUF; /* or libc would free it */
	buffer->libcs = GLIBC_BUFFER;
	return true;
}

bool stream_buffer_is_unused(const struct stream_buffer *buffer, const FILE *file)
{
	return buffer->libcs && platform_stdio_visible() && file->_IO_buf_base == buffer->ours &&
	       is_unused(file);
}

void stream_buffer_take_back(struct stream_buffer *buffer, FILE *file)
{
	if (!stream_buffer_is_unused(buffer, file))
		return;
	file->_IO_buf_base = file->_IO_buf_end = NULL;
	file->_flags &= ~IO_USER_BUF;
	buffer->libcs = 0;
}

static bool is_ready(const FILE *file)
{
	return file->_mode <= 0 && file->_IO_buf_base &&
	       (file->_flags & (IO_UNBUFFERED | IO_LINE_BUF | IO_CURRENTLY_PUTTING)) ==
		       IO_CURRENTLY_PUTTING &&
	       file->_IO_write_ptr == file->_IO_write_base &&
	       file->_IO_read_end == file->_IO_write_base;
}

static void enlarge_glibc(struct stream_buffer *buffer, FILE *file)
{
	size_t size = (size_t)(file->_IO_buf_end - file->_IO_buf_base);

	if (!is_ready(file) || size == buffer->wanted)
		return;
	if (file->_IO_buf_base != buffer->ours) {
		if (file->_flags & IO_USER_BUF || buffer->libcs || !map(buffer)) {
			buffer->wanted = 0; /* the program has set a buffer of its own */
			return;
		}
		buffer->freed = file->_IO_buf_base;
		buffer->libcs = size;
		file->_flags |= IO_USER_BUF; /* or libc would free ours */
	}
	set_glibc(file, buffer->ours, buffer->wanted);
}

static void set_musl(struct stream_buffer *buffer, FILE *file, size_t size)
{
	if (!map(buffer))
		return;
	NEXT(setvbuf)(file, buffer->ours, _IOFBF, size); /* takes effect at the next flush */
}

void stream_buffer_enlarge(struct stream_buffer *buffer, FILE *file)
{
	if (!buffer->wanted)
		return;
	if (platform_stdio_visible()) {
		enlarge_glibc(buffer, file);
		return;
	}
	if (!buffer->libcs && __fbufsize && __flbf &&
	    (__fbufsize(file) != MUSL_BUFFER || __flbf(file)))
		buffer->wanted = 0;
	if (!buffer->wanted || (buffer->libcs && __fbufsize(file) > MUSL_BUFFER))
		return;
	if (buffer->wanted > OPAQUE_MOST)
		buffer->wanted = OPAQUE_MOST;
	buffer->libcs = MUSL_BUFFER;
	set_musl(buffer, file, buffer->wanted);
}

void stream_buffer_shrink(struct stream_buffer *buffer, FILE *file)
{
	if (!buffer->libcs)
		return;
	if (!platform_stdio_visible())
		set_musl(buffer, file, MUSL_BUFFER);
	else if (file->_IO_buf_base == buffer->ours && is_ready(file))
		set_glibc(file, buffer->ours, buffer->libcs);
}
