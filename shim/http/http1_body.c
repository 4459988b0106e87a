/* http1_body.c -- HTTP/1 bodies: by length, in chunks, until close */
/* SPDX-License-Identifier: MIT */
#include "http/http1.h"

void http1_begin_body(struct http1 *m, bool response)
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

size_t http1_pass_body(struct http1 *m, size_t n)
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

static int hex_value(unsigned char c)
{
	if (bytes_is_digit(c))
		return c - '0';
	c = bytes_folded(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool may_follow_size(unsigned char c)
{
	return c == ';' || c == '\r' || c == '\n' || bytes_is_blank(c);
}

/* The digits of a chunk's size (RFC 9112 7.1); `at` tells whether there was one. */
static const unsigned char *read_size(struct http1 *m, const unsigned char *p,
				      const unsigned char *end)
{
	for (; p < end; p++) {
		int digit = hex_value(*p);

		if (digit < 0) {
			m->state = m->at && may_follow_size(*p) ? HTTP1_EXTENSION : HTTP1_BAD;
			break;
		}
		if (m->left >> 60) {
			m->state = HTTP1_BAD;
			break;
		}
		m->left = m->left << 4 | (unsigned)digit;
		m->at = 1;
	}
	return p;
}

/* The rest of a size's line. */
static const unsigned char *read_extension(struct http1 *m, const unsigned char *p,
					   const unsigned char *end)
{
	p = bytes_find_feed(p, end);
	if (p == end)
		return p;
	if (m->left) {
		m->state = HTTP1_DATA;
	} else { /* the last chunk */
		m->state = HTTP1_LINE;
		m->flags |= HTTP1_TRAILERS;
		m->section_bytes = 0;
	}
	return p + 1;
}

/* The line end after a chunk's data. */
static const unsigned char *read_data_end(struct http1 *m, const unsigned char *p)
{
	if (*p == '\r' && m->state == HTTP1_DATA_CR) {
		m->state = HTTP1_DATA_LF;
	} else if (*p == '\n') {
		m->state = HTTP1_SIZE;
		m->at = 0;
	} else {
		m->state = HTTP1_BAD;
	}
	return p + 1;
}

const unsigned char *http1_read_body(struct http1 *m, const unsigned char *p,
				     const unsigned char *end)
{
	while (p < end) {
		switch (m->state) {
		case HTTP1_SIZE:
			p = read_size(m, p, end);
			break;
		case HTTP1_EXTENSION:
			p = read_extension(m, p, end);
			break;
		case HTTP1_DATA:
		case HTTP1_LENGTH:
		case HTTP1_CLOSE:
			p += http1_pass_body(m, (size_t)(end - p));
			break;
		case HTTP1_DATA_CR:
		case HTTP1_DATA_LF:
			p = read_data_end(m, p);
			break;
		default:
			return p;
		}
	}
	return p;
}
