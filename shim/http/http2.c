/* http2.c -- HTTP/2 framing: frames and their ends, for one direction of a connection */
/* SPDX-License-Identifier: MIT */
#include "http/http2.h"

static uint32_t payload_length(const struct http2 *h)
{
	return (uint32_t)h->header[0] << 16 | (uint32_t)h->header[1] << 8 | h->header[2];
}

/* A connection's first frame is SETTINGS on stream 0, no acknowledgement, whole settings of 6. */
static bool may_be_first(const struct http2 *h)
{
	return http2_type(h) == HTTP2_SETTINGS && !h->header[4] && !http2_stream(h) &&
	       payload_length(h) % 6 == 0;
}

/* The rest of the client's preface (RFC 9113 3.4). */
static const unsigned char *read_preface(struct http2 *h, const unsigned char *p,
					 const unsigned char *end)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	for (; p < end && h->preface_left; p++, h->preface_left--) {
		if (*p != (unsigned char)preface[HTTP2_PREFACE_SIZE - h->preface_left]) {
			h->state = HTTP2_BAD;
			break;
		}
	}
	return p;
}

static const unsigned char *read_header(struct http2 *h, const unsigned char *p,
					const unsigned char *end)
{
	while (p < end && h->have < HTTP2_HEADER_SIZE)
		h->header[h->have++] = *p++;
	if (h->have < HTTP2_HEADER_SIZE)
		return p;
	h->left = payload_length(h);
	h->state = HTTP2_PAYLOAD;
	if (!h->settled && !may_be_first(h))
		h->state = HTTP2_BAD;
	h->settled = true;
	return p;
}

size_t http2_pass(struct http2 *h, size_t n)
{
	if (h->state != HTTP2_PAYLOAD)
		return 0;
	if (n >= h->left) {
		n = h->left;
		h->state = HTTP2_ENDED;
	}
	h->left -= (uint32_t)n;
	return n;
}

const unsigned char *http2_read(struct http2 *h, const unsigned char *p, const unsigned char *end)
{
	if (h->preface_left)
		p = read_preface(h, p, end);
	if (h->state == HTTP2_HEADER)
		p = read_header(h, p, end);
	return p + http2_pass(h, (size_t)(end - p));
}

bool http2_stream_ended(struct http2 *h)
{
	bool end_stream = h->header[4] & HTTP2_END_STREAM;
	bool end_headers = h->header[4] & HTTP2_END_HEADERS;

	switch (http2_type(h)) {
	case HTTP2_DATA:
		return end_stream;
	case HTTP2_HEADERS:
		h->ends_stream = end_stream && !end_headers;
		return end_stream && end_headers;
	case HTTP2_CONTINUATION: /* follows its HEADERS at once, or a PUSH_PROMISE */
		if (!h->ends_stream || !end_headers)
			return false;
		h->ends_stream = false;
		return true;
	case HTTP2_RST_STREAM:
		return true;
	default:
		return false;
	}
}

/* --- streams: relaxed, for each bit is a fact of its own */

static uint64_t stream_bit(uint32_t stream)
{
	return UINT64_C(1) << stream / 2 % 64;
}

void http2_open_stream(struct http2_streams *streams, uint32_t stream)
{
	atomic_fetch_or_explicit(&streams->open[stream / 128 % 2], stream_bit(stream),
				 memory_order_relaxed);
}

bool http2_close_stream(struct http2_streams *streams, uint32_t stream)
{
	uint64_t bit = stream_bit(stream);

	return atomic_fetch_and_explicit(&streams->open[stream / 128 % 2], ~bit,
					 memory_order_relaxed) &
	       bit;
}

bool http2_any_open(const struct http2_streams *streams)
{
	return atomic_load_explicit(&streams->open[0], memory_order_relaxed) ||
	       atomic_load_explicit(&streams->open[1], memory_order_relaxed);
}
