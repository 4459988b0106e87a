/* http2.h -- HTTP/2 framing: frames of one direction, and the streams that are open */
/* SPDX-License-Identifier: MIT */
/*
 * Pure, like http.h, whose users need nothing from here. Nothing is decompressed: types, flags and
 * stream numbers tell all we want to know (RFC 9113 4.1).
 */
#ifndef IDLEFLUSH_HTTP2_H
#define IDLEFLUSH_HTTP2_H

#include <stdatomic.h>

#include "http/bytes.h"

#define HTTP2_PREFACE_SIZE 24
#define HTTP2_HEADER_SIZE  9

/* Frame types and flags that matter (RFC 9113 6). */
enum {
	HTTP2_DATA = 0,
	HTTP2_HEADERS = 1,
	HTTP2_RST_STREAM = 3,
	HTTP2_SETTINGS = 4,
	HTTP2_CONTINUATION = 9,
	HTTP2_END_STREAM = 0x1,
	HTTP2_END_HEADERS = 0x4,
};

enum http2_state {
	HTTP2_HEADER,  /* in a frame's header; zero: ready for the connection's first frame */
	HTTP2_PAYLOAD, /* `left` bytes to come, perhaps none */
	HTTP2_ENDED,   /* the frame is complete: http2_next() */
	HTTP2_BAD,     /* not HTTP/2 */
};

/* One direction; one user at a time. */
struct http2 {
	uint32_t left;        /* of the payload */
	uint32_t last_stream; /* in: the highest that was opened; out: the pushed one last ended */
	uint8_t header[HTTP2_HEADER_SIZE];
	uint8_t have;         /* bytes of the header */
	uint8_t preface_left; /* bytes of the client's preface that come first */
	uint8_t state;        /* enum http2_state */
	bool settled;         /* the first frame was SETTINGS, as it must be (RFC 9113 3.4) */
	bool ends_stream;     /* END_STREAM was on a HEADERS that CONTINUATION frames complete */
};

/* In state HEADER or PAYLOAD: reads up to the end of the frame or to `end`, and returns where. */
const unsigned char *http2_read(struct http2 *h, const unsigned char *p, const unsigned char *end);

/* Counts off up to `n` bytes of a payload, which need not be seen; returns how many. */
size_t http2_pass(struct http2 *h, size_t n);

/* In state ENDED, sending: did the server's half of the stream end with this frame? Once only. */
bool http2_stream_ended(struct http2 *h);

/* In state ENDED: on to the next frame. */
static inline void http2_next(struct http2 *h)
{
	h->have = 0;
	h->state = HTTP2_HEADER;
}

static inline uint8_t http2_type(const struct http2 *h)
{
	return h->header[3];
}

static inline uint32_t http2_stream(const struct http2 *h)
{
	return (uint32_t)(h->header[5] & 0x7f) << 24 | (uint32_t)h->header[6] << 16 |
	       (uint32_t)h->header[7] << 8 | h->header[8];
}

/*
 * Which of the client's streams are open: 2 N + 1 in bit N % 128, so that two of them 256 apart
 * share one, and the first to end hides the other. Both sides write. All zero: none.
 */
struct http2_streams {
	_Atomic uint64_t open[2];
};

/* `stream` is odd. Closing returns whether it was open. Any thread; may run at once. */
void http2_open_stream(struct http2_streams *streams, uint32_t stream);
bool http2_close_stream(struct http2_streams *streams, uint32_t stream);
bool http2_any_open(const struct http2_streams *streams);

#endif
