/* http1_body.h -- HTTP/1 bodies: by length, in chunks, until close */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP1_BODY_H
#define IDLEFLUSH_HTTP1_BODY_H

#include "http/http1.h"

/*
 * In state HEAD_READ: chooses the body's framing (RFC 9112 6.3, rules 4 to 8). The state is SIZE,
 * LENGTH or CLOSE, or ENDED where there is no body.
 */
static inline void http1_body_begin(struct http1 *m, bool response)
{
	m->at = 0;
	if (m->flags & HTTP1_HAS_CODING) {
		m->left = 0;
		m->state = m->flags & HTTP1_CHUNKED ? HTTP1_SIZE : HTTP1_CLOSE;
	} else if (m->flags & HTTP1_BAD_LENGTH) {
		m->state = HTTP1_CLOSE;
	} else if (m->flags & HTTP1_HAS_LENGTH) {
		m->state = m->left ? HTTP1_LENGTH : HTTP1_ENDED;
	} else {
		m->state = response ? HTTP1_CLOSE : HTTP1_ENDED;
	}
}

/*
 * In state DATA, LENGTH or CLOSE: counts off up to `n` bytes, which need not be seen, and returns
 * how many. The state is ENDED or DATA_CR after the last that was to come. In other states: 0.
 */
static inline size_t http1_body_pass(struct http1 *m, size_t n)
{
	if (m->state == HTTP1_CLOSE)
		return n;
	if (m->state != HTTP1_LENGTH && m->state != HTTP1_DATA)
		return 0;
	if (n < m->left) {
		m->left -= n;
		return n;
	}
	n = (size_t)m->left;
	m->left = 0;
	m->state = m->state == HTTP1_LENGTH ? HTTP1_ENDED : HTTP1_DATA_CR;
	return n;
}

/* In a state from SIZE to DATA_LF: reads chunks. The trailers are left to http1_head_read(). */
const unsigned char *http1_body_read_chunks(struct http1 *m, const unsigned char *p,
					    const unsigned char *end);

/* In any state, `p` <= `end`: reads what can be read of a body. */
static inline const unsigned char *http1_body_read(struct http1 *m, const unsigned char *p,
						   const unsigned char *end)
{
	if (m->state >= HTTP1_SIZE && m->state <= HTTP1_DATA)
		return http1_body_read_chunks(m, p, end);
	return p + http1_body_pass(m, (size_t)(end - p));
}

#endif
