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

/*
 * "Content-Length: 123" with nothing unusual, where the line begins with "content-length: ": 1 to
 * 18 digits, and no line that begins with a blank follows.
 */
HTTP1_INLINE bool http1_lines_take_length(struct http1 *m, const unsigned char *line,
					  const unsigned char *last)
{
	const unsigned char *p = line + 16;
	unsigned digit = *p - (unsigned)'0';
	uint64_t number = digit;

	if (digit > 9 || m->flags & HTTP1_HAS_LENGTH)
		return false;
	while (++p < last && (digit = *p - (unsigned)'0') <= 9)
		number = number * 10 + digit;
	if (p > last - 2 || bytes_pair(p) != bytes_pair("\r\n") || p > line + 34 ||
	    (p[2] <= ' ' && p[2] != '\r'))
		return false;
	m->left = number;
	m->flags |= HTTP1_HAS_LENGTH;
	return true;
}

/* The same for "Transfer-Encoding: chunked", where the line begins with "transfer". */
static inline bool http1_lines_take_coding(struct http1 *m, const unsigned char *line,
					   const unsigned char *last)
{
	if (last - line < 28 || bytes_folded_word(line + 8) != bytes_word("-encodin") ||
	    bytes_word(line + 16) != bytes_word("g: chunk") ||
	    bytes_word(line + 20) != bytes_word("hunked\r\n") || bytes_is_blank(line[28]))
		return false;
	m->flags |= HTTP1_HAS_CODING | HTTP1_CHUNKED;
	return true;
}

/* The first bytes of lines that matter: C and T, those of empty lines, and U in a 101. */
enum {
	HTTP1_LINE_C = 1,
	HTTP1_LINE_T = 2,
	HTTP1_LINE_EMPTY = 4,
	HTTP1_LINE_U = 8,
	HTTP1_MATTERS = HTTP1_LINE_C | HTTP1_LINE_T | HTTP1_LINE_EMPTY,
	HTTP1_MATTERS_IN_101 = HTTP1_MATTERS | HTTP1_LINE_U,
};

static const uint8_t http1_lines_matter[256] = {
	['C'] = HTTP1_LINE_C, ['c'] = HTTP1_LINE_C, ['\r'] = HTTP1_LINE_EMPTY,
	['T'] = HTTP1_LINE_T, ['t'] = HTTP1_LINE_T, ['\n'] = HTTP1_LINE_EMPTY,
	['U'] = HTTP1_LINE_U, ['u'] = HTTP1_LINE_U,
};

/* Can a line that begins with C be passed over or taken in? False: it takes a closer look. */
HTTP1_INLINE bool http1_lines_take_c(struct http1 *m, const unsigned char *line,
				     const unsigned char *last)
{
	if (line > last - 19)
		return false;
	if (bytes_folded(line[8]) != 'l' || bytes_folded_word(line) != bytes_word("content-"))
		return true;
	return (bytes_word(line + 8) | bytes_word("      \0")) == bytes_word("length: ") &&
	       http1_lines_take_length(m, line, last);
}

/* The same for one that begins with T. */
static inline bool http1_lines_take_t(struct http1 *m, const unsigned char *line,
				      const unsigned char *last)
{
	return line <= last - 19 && (bytes_folded_word(line) != bytes_word("transfer") ||
				     http1_lines_take_coding(m, line, last));
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
	uint8_t kind;
	ptrdiff_t left;

	for (;;) {
		if (feeds) {
			do {
				line = p + bytes_first(feeds) + 1;
				feeds &= feeds - 1;
				kind = http1_lines_matter[*line];
				if (!(kind & matters))
					continue;
				if (kind == HTTP1_LINE_C) {
					if (http1_lines_take_c(m, line, last))
						continue;
				} else if (kind == HTTP1_LINE_T) {
					if (http1_lines_take_t(m, line, last))
						continue;
				} else if (line < last && bytes_pair(line) == bytes_pair("\r\n")) {
					*state = HTTP1_HEAD_READ;
					return line + 2;
				}
				*state = HTTP1_LINE;
				return line;
			} while (feeds);
		}
		p += BYTES_BLOCK;
		left = last - p;
		if (left <= 0) {
			*state = *last == '\n' ? HTTP1_LINE : HTTP1_SKIP;
			return end;
		}
		feeds = left >= BYTES_BLOCK ? bytes_feeds_of_block(p)
					    : bytes_feeds_of_tail(last, (size_t)left);
	}
}

#endif
