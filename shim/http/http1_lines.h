/* http1_lines.h -- HTTP/1 heads the fast way: only the lines that matter are looked at */
/* SPDX-License-Identifier: MIT */
/*
 * Only a shortcut: anything unusual is left to http1_head.c, so that the outcome does not depend on
 * where the bytes were cut. Most of the work for a request and its response is done here:
 * hence the masks, no state that is kept from line to line, and everything inline.
 */
#ifndef IDLEFLUSH_HTTP1_LINES_H
#define IDLEFLUSH_HTTP1_LINES_H

#include "http/http1.h"

#define HTTP1_INLINE static inline __attribute__((always_inline))

/* "Content-Length: 123" with nothing unusual, where the line begins with "content-length: ". */
HTTP1_INLINE bool http1_lines_take_length(struct http1 *m, const unsigned char *line,
					  const unsigned char *last)
{
	const unsigned char *p = line + 16;
	uint64_t number = 0;

	for (; p < last && bytes_is_digit(*p); p++)
		number = number * 10 + *p - '0';
	if (p >= last - 1 || bytes_pair(p) != bytes_pair("\r\n") || bytes_is_blank(p[2]) ||
	    (size_t)(p - line - 17) > 17 || m->flags & HTTP1_HAS_LENGTH) /* 1 to 18 digits */
		return false;
	m->left = number;
	m->flags |= HTTP1_HAS_LENGTH;
	return true;
}

/* "Transfer-Encoding: chunked", likewise, where the line begins with "transfer". */
HTTP1_INLINE bool http1_lines_take_coding(struct http1 *m, const unsigned char *line,
					  const unsigned char *last)
{
	if (last - line < 28 || bytes_folded_word(line + 8) != bytes_word("-encodin") ||
	    bytes_word(line + 16) != bytes_word("g: chunk") ||
	    bytes_word(line + 20) != bytes_word("hunked\r\n") || bytes_is_blank(line[28]))
		return false;
	m->flags |= HTTP1_HAS_CODING | HTTP1_CHUNKED;
	return true;
}

/* The first bytes of lines that matter: in every message, or in some. */
enum { HTTP1_MATTERS = 1, HTTP1_MATTERS_IN_101 = 2 };

static const uint8_t http1_lines_matter[256] = {
	['\r'] = HTTP1_MATTERS,       ['\n'] = HTTP1_MATTERS,       ['C'] = HTTP1_MATTERS,
	['c'] = HTTP1_MATTERS,        ['T'] = HTTP1_MATTERS,        ['t'] = HTTP1_MATTERS,
	['U'] = HTTP1_MATTERS_IN_101, ['u'] = HTTP1_MATTERS_IN_101,
};

/* Can such a line, no empty one, be passed over or taken in? False: it takes a closer look. */
HTTP1_INLINE bool http1_lines_take(struct http1 *m, const unsigned char *line,
				   const unsigned char *last)
{
	unsigned char first = bytes_folded(*line);

	if (line > last - 19 || (first != 'c' && first != 't'))
		return false;
	if (first == 't')
		return bytes_folded_word(line) != bytes_word("transfer") ||
		       http1_lines_take_coding(m, line, last);
	if (bytes_folded(line[8]) != 'l' || bytes_folded_word(line) != bytes_word("content-"))
		return true;
	return (bytes_word(line + 8) | bytes_word("      \0")) == bytes_word("length: ") &&
	       http1_lines_take_length(m, line, last);
}

/* The line feeds of the first bytes from `p` on, for http1_pass_lines(). `p` < `end`. */
HTTP1_INLINE uint64_t http1_lines_feeds(const unsigned char *p, const unsigned char *end)
{
	return bytes_feeds(p, end - 1); /* so that there is a first byte of each line */
}

/*
 * In state SKIP: passes over the rest of the line and over further lines, and takes in
 * Content-Length and "Transfer-Encoding: chunked" where they have their usual form. Returns up to
 * where, and sets `*state`: LINE at a line that needs a closer look, or at `end`; SKIP at `end`
 * within a line; HEAD_READ after the empty line. `matters`: the bits that say which lines matter.
 */
HTTP1_INLINE const unsigned char *http1_pass_lines(struct http1 *m, const unsigned char *p,
						   const unsigned char *end, uint64_t feeds,
						   unsigned matters, enum http1_state *state)
{
	const unsigned char *last = end - 1, *line;
	ptrdiff_t left;

	for (;;) {
		if (feeds) {
			do {
				line = p + bytes_first(feeds) + 1;
				feeds &= feeds - 1;
				if (!(http1_lines_matter[*line] & matters))
					continue;
				if (line < last && bytes_pair(line) == bytes_pair("\r\n")) {
					*state = HTTP1_HEAD_READ;
					return line + 2;
				}
				if (!http1_lines_take(m, line, last)) {
					*state = HTTP1_LINE;
					return line;
				}
			} while (feeds);
		}
		left = last - p - BYTES_BLOCK;
		if (left <= 0) {
			*state = *last == '\n' ? HTTP1_LINE : HTTP1_SKIP;
			return end;
		}
		p += BYTES_BLOCK;
		if (left >= BYTES_BLOCK) /* else the next overlaps this one */
			feeds = bytes_feeds_of_block(p);
		else
			feeds = bytes_feeds_of_block(last - BYTES_BLOCK) >>
				(-left & (BYTES_BLOCK - 1));
	}
}

#endif
