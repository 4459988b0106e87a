/* http1_head.c -- HTTP/1 heads and trailer sections: from line to line */
/* SPDX-License-Identifier: MIT */
#include "http/http1_head.h"
#include "http/http1_field.h"

static const unsigned char *begin_line(struct http1 *m, const unsigned char *p)
{
	if (*p == '\r') {
		m->state = HTTP1_BLANK;
		return p + 1;
	}
	if (*p == '\n') {
		m->state = HTTP1_HEAD_READ;
		return p + 1;
	}
	m->state = http1_field_begins(m, *p) ? HTTP1_NAME : HTTP1_SKIP;
	m->at = 0;
	return p;
}

const unsigned char *http1_head_read_lines(struct http1 *m, const unsigned char *p,
					   const unsigned char *end)
{
	while (p < end) {
		switch (m->state) {
		case HTTP1_SKIP:
			p = http1_pass_lines(m, p, end);
			break;
		case HTTP1_LINE:
			p = begin_line(m, p);
			break;
		case HTTP1_BLANK:
			m->state = HTTP1_SKIP;
			if (*p != '\n')
				break;
			m->state = HTTP1_HEAD_READ;
			return p + 1;
		case HTTP1_NAME:
		case HTTP1_VALUE:
		case HTTP1_FOLD:
			p = http1_field_read(m, p, end);
			break;
		default:
			return p;
		}
	}
	return p;
}
