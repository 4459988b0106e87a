/* http1_pass.c -- HTTP/1 heads the fast way: whole lines of the usual form */
/* SPDX-License-Identifier: MIT */
/*
 * A shortcut, no more: whatever is not as usual is left to http1_head.c and http1_field.c, so that
 * the outcome does not depend on where the bytes were cut. Nearly all time of a head goes by here:
 * a block of bytes at once, and no state kept from line to line.
 */
#include "http/http1_pass.h"

/*
 * The lines that can be passed over by their first byte: one of the 64 from A on, letters mostly,
 * but not one that begins a field that matters.
 */
#define BIT(letter) (UINT64_C(1) << ((letter) - 'A'))
#define MATTER      (BIT('C') | BIT('c') | BIT('T') | BIT('t') | BIT('U') | BIT('u'))

/* Bytes of a line that may be looked at without asking. */
#define IN_SIGHT 20

/* A line that begins with "content-l". */
static inline bool pass_length(struct http1 *m, const unsigned char *line, const unsigned char *end)
{
	const unsigned char *p = line + 16;
	uint64_t number = 0;

	if (bytes_folded_word(line + 8) != bytes_word("length: ") || line[15] != ' ')
		return false;
	for (; p < end && bytes_is_digit(*p); p++)
		number = number * 10 + (*p - '0');
	if (p > end - 3 || p[0] != '\r' || p[1] != '\n' || bytes_is_blank(p[2]))
		return false;
	if ((size_t)(p - line - 17) > 17 || m->flags & HTTP1_HAS_LENGTH) /* 1 to 18 digits */
		return false;
	m->left = number;
	m->flags |= HTTP1_HAS_LENGTH;
	return true;
}

/* A line that begins with "transfer-". */
static inline bool pass_coding(struct http1 *m, const unsigned char *line, const unsigned char *end)
{
	if (end - line < 29 || bytes_folded_word(line + 8) != bytes_word("-encodin") ||
	    bytes_word(line + 16) != bytes_word("g: chunk") ||
	    bytes_word(line + 20) != bytes_word("hunked\r\n") || bytes_is_blank(line[28]))
		return false;
	m->flags |= HTTP1_HAS_CODING | HTTP1_CHUNKED;
	return true;
}

static inline bool pass_field(struct http1 *m, const unsigned char *line, const unsigned char *end)
{
	unsigned char first = bytes_folded(*line);

	if (line > end - IN_SIGHT)
		return false;
	if (first == 'c')
		return bytes_folded_word(line + 1) != bytes_word("ontent-l") ||
		       pass_length(m, line, end);
	if (first == 't')
		return bytes_folded_word(line + 1) != bytes_word("ransfer-") ||
		       pass_coding(m, line, end);
	return !(m->flags & HTTP1_SEEK_UPGRADE);
}

/* Can this line, which begins before `end`, be passed over? */
static inline bool pass_line(struct http1 *m, const unsigned char *line, const unsigned char *end)
{
	unsigned first = *line - 'A';

	if (first > 63) /* a line end, a blank, or no field */
		return false;
	return !(MATTER >> first & 1) || pass_field(m, line, end);
}

/* At a line that cannot be passed over. The empty line ends the section at once. */
static inline const unsigned char *stop(struct http1 *m, const unsigned char *line,
					const unsigned char *end)
{
	if (end - line < 2 || line[0] != '\r' || line[1] != '\n') {
		m->state = HTTP1_LINE;
		return line;
	}
	m->state = HTTP1_HEAD_READ;
	return line + 2;
}

/* The same for few bytes: to the next line at most. */
static const unsigned char *pass_short(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	while (p < end) {
		if (*p++ == '\n')
			return stop(m, p, end);
	}
	return p;
}

const unsigned char *http1_pass_lines(struct http1 *m, const unsigned char *p,
				      const unsigned char *end)
{
	const unsigned char *line, *last;
	bytes_hits hits;

	if (end - p <= BYTES_BLOCK)
		return pass_short(m, p, end);
	last = end - BYTES_BLOCK - 1; /* so that `line` < `end` */
	hits = bytes_find_lfs(p);
	for (;;) {
		for (; hits; hits &= hits - 1) {
			line = p + bytes_first_hit(hits) + 1;
			if (!pass_line(m, line, end))
				return stop(m, line, end);
		}
		p += BYTES_BLOCK;
		if (p <= last) {
			hits = bytes_find_lfs(p);
		} else if (p < last + BYTES_BLOCK) { /* one more, which overlaps this one */
			hits = bytes_hits_from(bytes_find_lfs(last), (unsigned)(p - last));
			p = last;
		} else {
			return pass_short(m, end - 1, end);
		}
	}
}
