/* stream_buffer.c -- a larger buffer for a C stream, put in while it is used */
/* SPDX-License-Identifier: MIT */
#include "sink/stream_buffer.h"

#include "base/platform.h"

/* glibc's flags (libio.h): they have been these since 2.1. */
#define IO_USER_BUF          0x0001
#define IO_UNBUFFERED        0x0002
#define IO_LINE_BUF          0x0200
#define IO_CURRENTLY_PUTTING 0x0800

#define MUSL_BUFFER 1024            /* of stdout; what has another size was set by the program */
#define OPAQUE_MOST ((size_t)32768) /* a stream that goes out whole must fit into half a pipe */

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

/* An empty stream that writes begins anew with `size` bytes at `start`. */
static void set_glibc(FILE *file, char *start, size_t size)
{
	file->_IO_buf_base = start;
	file->_IO_buf_end = start + size;
	file->_IO_read_base = file->_IO_read_ptr = file->_IO_read_end = start;
	file->_IO_write_base = file->_IO_write_ptr = start;
	file->_IO_write_end = start + size;
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
		if (file->_flags & IO_USER_BUF || buffer->ours || !map(buffer)) {
			buffer->wanted = 0; /* the program has set one, before or since */
			return;
		}
		buffer->freed = file->_IO_buf_base;
		buffer->libcs = size;
		file->_flags |= IO_USER_BUF; /* libc would free it */
	}
	set_glibc(file, buffer->ours, buffer->wanted);
}

static void set_musl(struct stream_buffer *buffer, FILE *file, size_t size)
{
	if (map(buffer))
		setvbuf(file, buffer->ours, _IOFBF,
			size); /* musl's takes effect at the next flush */
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
