/* http1_start.c -- HTTP/1 start lines: request methods, status codes */
/* SPDX-License-Identifier: MIT */
#include "http/http1.h"

/* By the last 8 letters; shorter names have zeros before them. */
static enum http1_method method_named(uint64_t letters)
{
	if (letters == UINT64_C(0x48454144)) /* HEAD */
		return HTTP1_IS_HEAD;
	if (letters == UINT64_C(0x434f4e4e454354)) /* CONNECT */
		return HTTP1_IS_CONNECT;
	if (letters == UINT64_C(0x505249)) /* PRI */
		return HTTP1_IS_PRI;
	return HTTP1_OTHER;
}

static bool is_method_letter(unsigned char c)
{
	return (unsigned)(bytes_folded(c) - 'a') < 26 || c == '-' || c == '_';
}

const unsigned char *http1_read_method(struct http1 *m, const unsigned char *p,
				       const unsigned char *end, enum http1_method *method)
{
	uint64_t letters = m->number;
	unsigned n = m->at;

	for (; p < end && n < HTTP1_METHOD_MAX && is_method_letter(*p); p++, n++)
		letters = letters << 8 | *p;
	m->number = letters;
	m->at = (uint8_t)n;
	m->state = HTTP1_WORD;
	if (p == end)
		return p;
	if (!n || *p != ' ') {
		m->state = HTTP1_BAD;
		return p;
	}
	*method = method_named(letters);
	m->number = 0;
	m->at = 0;
	m->state = HTTP1_TARGET;
	return p + 1;
}

const unsigned char *http1_read_status(struct http1 *m, const unsigned char *p,
				       const unsigned char *end, uint16_t *status)
{
	static const char pattern[] = "HTTP/1.0 000"; /* 0: any digit */
	unsigned n = m->at;

	if (!n && end - p >= 8 && bytes_word(p) == bytes_word("HTTP/1.1")) {
		p += 8;
		n = 8;
	}
	for (; p < end && pattern[n]; p++, n++) {
		if (pattern[n] == '0' ? !bytes_is_digit(*p) : *p != (unsigned char)pattern[n]) {
			m->state = HTTP1_BAD;
			return p;
		}
		if (n >= 9)
			*status = (uint16_t)(*status * 10 + (*p - '0'));
	}
	m->at = (uint8_t)n;
	m->state = pattern[n] ? HTTP1_WORD : HTTP1_SKIP;
	return p;
}

/* Do these last 8 bytes end in HTTP/1.x? Without the H, to have room for a CR. */
static bool is_http1(uint64_t last)
{
	if ((last & 0xff) == '\r')
		last >>= 8;
	return (last >> 8 & 0xffffffffffff) == UINT64_C(0x5454502f312e) && /* TTP/1. */
	       bytes_is_digit(last & 0xff);
}

const unsigned char *http1_read_target(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	const unsigned char *lf = bytes_find_feed(p, end);

	if (lf - p > 8)
		p = lf - 8;
	for (; p < lf; p++)
		m->number = m->number << 8 | *p;
	if (lf < end)
		m->state = is_http1(m->number) ? HTTP1_SKIP : HTTP1_BAD;
	return lf;
}
