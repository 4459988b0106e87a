/* http2_traffic.h -- random valid HTTP/2 traffic of one connection, and what must be found in it */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP2_TRAFFIC_H
#define HTTP2_TRAFFIC_H

#include "http_traffic.h"

static void put_frame(struct bytes_sent *to, unsigned type, unsigned flags, size_t stream, size_t n)
{
	unsigned char header[] = {(unsigned char)(n >> 16),
				  (unsigned char)(n >> 8),
				  (unsigned char)n,
				  (unsigned char)type,
				  (unsigned char)flags,
				  (unsigned char)(stream >> 24),
				  (unsigned char)(stream >> 16),
				  (unsigned char)(stream >> 8),
				  (unsigned char)stream};

	put(to, header, sizeof header, false);
	put_body(to, n);
}

/* HEADERS, and perhaps CONTINUATION. */
static void put_headers(struct bytes_sent *to, unsigned end_stream, size_t stream)
{
	unsigned more = roll(6) ? 0 : 1 + roll(2);

	put_frame(to, 1, end_stream | (more ? 0 : 4) | (roll(2) ? 0x20 : 0), stream, roll(60));
	for (; more; more--)
		put_frame(to, 9, more > 1 ? 0 : 4, stream, roll(30));
}

static void put_other_frame(struct bytes_sent *to)
{
	static const unsigned char types[] = {2, 4, 6, 8, 0x10, 0xfa};

	put_frame(to, types[roll(sizeof types)], roll(2), 0, roll(20));
}

/* The next frame of a stream, which `left` of them end. */
static void put_answer(struct traffic *t, size_t stream, unsigned left)
{
	if (left > 1) {
		if (roll(2))
			put_headers(&t->out, 0, stream);
		else
			put_frame(&t->out, 0, roll(2) ? 8 : 0, stream, roll(200));
		return;
	}
	switch (roll(4)) {
	case 0:
		put_headers(&t->out, 1, stream);
		break;
	case 1:
		put_frame(&t->out, 3, 0, stream, 4);
		break;
	default:
		put_frame(&t->out, 0, 1, stream, roll(2) ? 0 : roll(100));
	}
	put_end(t, stream % 2 == 0);
	if (stream % 2 && !roll(5))
		put_frame(&t->out, 3, 0, stream, 4); /* a reset of what has ended */
}

static void make_http2(struct traffic *t)
{
	unsigned left[2 * EXCHANGES + 1] = {0}; /* by stream */
	size_t opened = 0, open = 0;

	t->in.n = t->out.n = t->ends = 0;
	t->until_close = false;
	t->exchanges = 1 + roll(EXCHANGES);
	print(&t->in, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	put_frame(&t->in, 4, 0, 0, 6 * roll(4));
	for (size_t i = 0; i < t->exchanges; i++) {
		bool body = roll(2);

		if (!roll(3))
			put_other_frame(&t->in);
		put_frame(&t->in, 1, body ? 4 : 5, 2 * i + 1, roll(60));
		t->begin[i] = t->in.n - 1;
		t->received[i] = t->in.n;
		for (unsigned n = roll(3); body && n; n--)
			put_frame(&t->in, 0, n == 1, 2 * i + 1, roll(100));
	}
	put_frame(&t->out, 4, 0, 0, 6 * roll(4));
	while (opened < t->exchanges || open) {
		size_t stream = roll(2 * EXCHANGES + 1);

		if (!roll(8))
			put_other_frame(&t->out);
		if (opened < t->exchanges && !roll(3)) {
			stream = 2 * opened + 1;
			t->answer[opened++] = t->out.n;
			left[stream] = 1 + roll(4);
			open++;
			if (!roll(4)) { /* a promise, and its stream */
				put_frame(&t->out, 5, 4, stream, 20);
				left[stream + 1] = 1 + roll(3);
				open++;
			}
		}
		if (!left[stream])
			continue;
		put_answer(t, stream, left[stream]);
		open -= !--left[stream];
	}
}

#endif
