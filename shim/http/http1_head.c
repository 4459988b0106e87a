/* http1_head.c -- HTTP/1 heads and trailer sections: the fields that frame a body */
/* SPDX-License-Identifier: MIT */
/*
 * Every state can take one byte at a time, so a head may be cut anywhere. Where more is looked at
 * together, it ends as the slow way would: the outcome never depends on the cuts.
 */
#include "http/http1.h"
#include "http/http1_lines.h"

/* `field`: those that matter. */
enum http1_field {
	HTTP1_NO_FIELD,
	HTTP1_CONTENT_LENGTH,
	HTTP1_TRANSFER_ENCODING,
	HTTP1_UPGRADE, /* with HTTP1_SEEK_UPGRADE only */
};

/* Below this a digit can be appended without overflow. */
#define NUMBER_MAX (UINT64_MAX / 10)

/* `at` within a list: an element not begun, 1 to 7 letters matched, all and a blank, no match. */
enum { LIST_EMPTY = 0, LIST_MATCHED = 254, LIST_OTHER = 255 };

/* `at` within a Content-Length. */
enum { NUMBER_EMPTY, NUMBER_DIGITS, NUMBER_DONE };

/* --- values: read up to the line feed or `end` */

/* One number of a Content-Length is complete; all must be equal (RFC 9112 6.3, rule 5). */
static void end_number(struct http1 *m)
{
	bool again = m->flags & HTTP1_HAS_LENGTH;

	if (m->at == NUMBER_EMPTY || (again && m->number != m->left))
		m->flags |= HTTP1_BAD_LENGTH;
	m->flags |= HTTP1_HAS_LENGTH;
	m->left = m->number;
	m->number = 0;
	m->at = NUMBER_EMPTY;
}

static const unsigned char *read_length(struct http1 *m, const unsigned char *p,
					const unsigned char *end)
{
	for (; p < end && *p != '\n'; p++) {
		if (bytes_is_digit(*p) && m->at != NUMBER_DONE && m->number < NUMBER_MAX) {
			m->number = m->number * 10 + (*p - '0');
			m->at = NUMBER_DIGITS;
		} else if (*p == ',') {
			end_number(m);
		} else if (!bytes_is_blank(*p) && *p != '\r') {
			m->flags |= HTTP1_BAD_LENGTH;
		} else if (m->at == NUMBER_DIGITS) {
			m->at = NUMBER_DONE;
		}
	}
	return p;
}

/* One element of a list is complete; empty ones do not count (RFC 9110 5.6.1). */
static void end_element(struct http1 *m, unsigned word_length)
{
	bool matched = m->at == word_length || m->at == LIST_MATCHED;

	if (m->field == HTTP1_UPGRADE && matched)
		m->flags |= HTTP1_H2C;
	if (m->field == HTTP1_TRANSFER_ENCODING && m->at != LIST_EMPTY) {
		m->flags |= HTTP1_HAS_CODING;
		m->flags =
			(uint8_t)(matched ? m->flags | HTTP1_CHUNKED : m->flags & ~HTTP1_CHUNKED);
	}
	m->at = LIST_EMPTY;
}

static const unsigned char *read_list(struct http1 *m, const unsigned char *p,
				      const unsigned char *end, const char *word, unsigned length)
{
	for (; p < end && *p != '\n'; p++) {
		if (*p == ',') {
			end_element(m, length);
		} else if (bytes_is_blank(*p) || *p == '\r') {
			if (m->at == length)
				m->at = LIST_MATCHED;
			else if (m->at != LIST_EMPTY && m->at != LIST_MATCHED)
				m->at = LIST_OTHER;
		} else if (m->at < length && bytes_folded(*p) == (unsigned char)word[m->at]) {
			m->at++;
		} else {
			m->at = LIST_OTHER;
		}
	}
	return p;
}

static const unsigned char *read_value(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	if (m->field == HTTP1_CONTENT_LENGTH)
		return read_length(m, p, end);
	if (m->field == HTTP1_TRANSFER_ENCODING)
		return read_list(m, p, end, "chunked", 7);
	return read_list(m, p, end, "h2c", 3);
}

/* The line after the value was no continuation of it. */
static void end_value(struct http1 *m)
{
	if (m->field == HTTP1_CONTENT_LENGTH)
		end_number(m);
	else
		end_element(m, m->field == HTTP1_UPGRADE ? 3 : 7);
	m->field = HTTP1_NO_FIELD;
}

/* --- lines */

/* The rest of a name, from `at` on. Then the state is VALUE, or SKIP if the name is another. */
static const unsigned char *read_name(struct http1 *m, const unsigned char *p,
				      const unsigned char *end)
{
	static const char names[][20] = {
		[HTTP1_CONTENT_LENGTH] = "content-length:",
		[HTTP1_TRANSFER_ENCODING] = "transfer-encoding:",
		[HTTP1_UPGRADE] = "upgrade:",
	};
	const char *name = names[m->field] + m->at;

	for (; p < end && *name; p++) {
		if (bytes_folded(*p) == (unsigned char)*name)
			name++;
		else if (*name != ':' || !bytes_is_blank(*p))
			break;
	}
	m->at = (uint8_t)(name - names[m->field]);
	if (!*name) {
		m->state = HTTP1_VALUE;
		m->number = 0;
		m->at = 0;
	} else if (p < end) {
		m->state = HTTP1_SKIP;
	}
	return p;
}

static bool field_begins(struct http1 *m, unsigned char first)
{
	switch (bytes_folded(first)) {
	case 'c':
		m->field = HTTP1_CONTENT_LENGTH;
		return true;
	case 't':
		m->field = HTTP1_TRANSFER_ENCODING;
		return true;
	case 'u':
		m->field = HTTP1_UPGRADE;
		return m->flags & HTTP1_SEEK_UPGRADE;
	default:
		return false;
	}
}

static const unsigned char *read_field(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	if (m->state == HTTP1_NAME)
		return read_name(m, p, end);
	if (m->state == HTTP1_FOLD && !bytes_is_blank(*p)) {
		end_value(m);
		m->state = HTTP1_LINE;
		return p;
	}
	p = read_value(m, p, end);
	m->state = p < end ? HTTP1_FOLD : HTTP1_VALUE;
	return p < end ? p + 1 : p;
}

/* --- heads */

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
	m->state = field_begins(m, *p) ? HTTP1_NAME : HTTP1_SKIP;
	m->at = 0;
	return p;
}

static const unsigned char *pass_lines(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	unsigned matters = m->flags & HTTP1_SEEK_UPGRADE ? HTTP1_MATTERS_IN_101 : HTTP1_MATTERS;
	enum http1_state state;

	p = http1_pass_lines(m, p, end, http1_lines_feeds(p, end), matters, &state);
	m->state = (uint8_t)state;
	return p;
}

static const unsigned char *read_lines(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	while (p < end) {
		switch (m->state) {
		case HTTP1_SKIP:
			p = pass_lines(m, p, end);
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
			p = read_field(m, p, end);
			break;
		default:
			return p;
		}
	}
	return p;
}

const unsigned char *http1_read_head(struct http1 *m, const unsigned char *p,
				     const unsigned char *end)
{
	const unsigned char *to = p;

	if (m->state == HTTP1_TARGET)
		to = http1_read_target(m, to, end);
	to = read_lines(m, to, end);
	if (m->state == HTTP1_HEAD_READ && m->flags & HTTP1_TRAILERS)
		m->state = HTTP1_ENDED;
	http1_count_section(m, (size_t)(to - p));
	return to;
}
