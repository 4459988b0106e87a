/* http1_head.h -- HTTP/1 heads and trailer sections: from line to line */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP1_HEAD_H
#define IDLEFLUSH_HTTP1_HEAD_H

#include "http/http1_pass.h"
#include "http/http1_start.h"

/* Bytes of a head after its method or status code, or of a trailer section, at most. */
#define HTTP1_HEAD_MAX 65536

/* So many bytes more of a section were read; BAD if those are too many. */
static inline void http1_head_count(struct http1 *m, size_t n)
{
	if (n > HTTP1_HEAD_MAX - m->section_bytes)
		m->state = HTTP1_BAD;
	m->section_bytes += (uint32_t)n;
}

/* The slow way for any state from LINE to FOLD, or SKIP, `p` <= `end`. */
const unsigned char *http1_head_read_lines(struct http1 *m, const unsigned char *p,
					   const unsigned char *end);

/*
 * In a state from TARGET to FOLD, `p` <= `end`: reads lines up to the empty one. Then the state is
 * HEAD_READ, after trailers ENDED; or BAD: no request line of HTTP/1, or more than HTTP1_HEAD_MAX
 * bytes.
 */
static inline const unsigned char *http1_head_read(struct http1 *m, const unsigned char *p,
						   const unsigned char *end)
{
	const unsigned char *to = p;

	if (m->state == HTTP1_TARGET)
		to = http1_start_read_target(m, to, end);
	if (m->state == HTTP1_SKIP)
		to = http1_pass_lines(m, to, end);
	if (m->state != HTTP1_HEAD_READ)
		to = http1_head_read_lines(m, to, end);
	if (m->state == HTTP1_HEAD_READ && m->flags & HTTP1_TRAILERS)
		m->state = HTTP1_ENDED;
	http1_head_count(m, (size_t)(to - p));
	return to;
}

#endif
