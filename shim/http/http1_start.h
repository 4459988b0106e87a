/* http1_start.h -- HTTP/1 start lines: request methods, status codes */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_HTTP1_START_H
#define IDLEFLUSH_HTTP1_START_H

#include "http/http1.h"

/* The longest method; the longest registered one has 17 letters. */
#define HTTP1_START_METHOD_MAX 32

/* In state START: passes over empty lines before a message (RFC 9112 2.2). */
static inline const unsigned char *http1_start_pass_empty_lines(const unsigned char *p,
								const unsigned char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Are these 4 bytes "GET "? */
static inline bool http1_start_is_get(const unsigned char *p)
{
	return p[0] == 'G' && p[1] == 'E' && p[2] == 'T' && p[3] == ' ';
}

/*
 * In state START or WORD: reads a method and the space after it (RFC 9112 3; letters, - and _).
 * Then the state is TARGET and `*method` is known, or BAD.
 */
const unsigned char *http1_start_read_method(struct http1 *m, const unsigned char *p,
					     const unsigned char *end, enum http1_method *method);

/* Are these 12 bytes "HTTP/1.1 200"? */
static inline bool http1_start_is_ok(const unsigned char *p)
{
	return bytes_word(p) == bytes_word("HTTP/1.1") &&
	       bytes_word(p + 4) == bytes_word("/1.1 200");
}

/*
 * In state START or WORD: reads "HTTP/1.x NNN" (RFC 9112 4). Then the state is SKIP and `*status`,
 * which was 0 at the start, is complete, or BAD.
 */
const unsigned char *http1_start_read_status(struct http1 *m, const unsigned char *p,
					     const unsigned char *end, uint16_t *status);

/* In state TARGET: reads the rest of a request line, which must end in HTTP/1.x: SKIP, or BAD. */
const unsigned char *http1_start_read_target(struct http1 *m, const unsigned char *p,
					     const unsigned char *end);

#endif
