/* http_in.c -- received bytes: where requests begin, and with which method */
/* SPDX-License-Identifier: MIT */
/*
 * Atomics here are relaxed: each is a fact of its own. What is not atomic has one user (http.h).
 */
#include "http/http.h"
#include "http/http1.h"
#include "http/http1_lines.h"

static bool is_2(const struct http_in *in)
{
	return atomic_load_explicit(&in->framing, memory_order_relaxed) == HTTP_2;
}

static void set_framing(struct http_in *in, enum http_framing framing)
{
	atomic_store_explicit(&in->framing, (uint8_t)framing, memory_order_relaxed);
}

/* --- HTTP/2 */

static void end_frame(struct http_in *in)
{
	uint32_t stream = http2_stream(&in->two);
	uint8_t type = http2_type(&in->two);

	http2_next(&in->two);
	if (stream % 2 == 0) /* the connection's, or pushed by the server */
		return;
	if (type == HTTP2_RST_STREAM) {
		http2_close_stream(&in->streams, stream);
	} else if (type == HTTP2_HEADERS && stream > in->two.last_stream) {
		in->two.last_stream = stream; /* lower ones are trailers */
		http2_open_stream(&in->streams, stream);
	}
}

static void receive_2(struct http_in *in, const unsigned char *p, const unsigned char *end)
{
	while (p < end) {
		p = http2_read(&in->two, p, end);
		if (in->two.state == HTTP2_ENDED) {
			end_frame(in);
		} else if (in->two.state == HTTP2_BAD) {
			http_give_up(in);
			return;
		}
	}
}

/* --- HTTP/1 */

static const unsigned char *receive_method(struct http_in *in, const unsigned char *p,
					   const unsigned char *end)
{
	struct http1 *m = &in->one;
	enum http1_method method;

	if (m->state == HTTP1_START) {
		p = http1_pass_empty_lines(p, end);
		if (p == end)
			return p;
		http_queue_begin(&in->queue);
	}
	p = http1_read_method(m, p, end, &method);
	if (m->state != HTTP1_TARGET)
		return p;
	if (method == HTTP1_IS_PRI) { /* no request, but the preface */
		http_queue_take_back(&in->queue);
		set_framing(in, HTTP_2);
		in->two = (struct http2){.preface_left = HTTP2_PREFACE_SIZE - 4};
	} else if (!http_queue_set_method(&in->queue, method)) {
		m->state = HTTP1_BAD;
	}
	return p;
}

/* Returns where HTTP/2 begins, or `end`. */
static const unsigned char *receive_1(struct http_in *in, const unsigned char *p,
				      const unsigned char *end)
{
	struct http1 *m = &in->one;

	do { /* a whole message, if there is one */
		if (m->state <= HTTP1_WORD) {
			p = receive_method(in, p, end);
			if (is_2(in))
				return p;
		}
		if (m->state > HTTP1_WORD && m->state < HTTP1_HEAD_READ)
			p = http1_read_head(m, p, end);
		if (m->state == HTTP1_HEAD_READ) {
			set_framing(in, HTTP_1);
			http1_begin_body(m, false);
		}
		p = http1_read_body(m, p, end);
		if (m->state == HTTP1_ENDED)
			http1_restart(m);
		if (m->state == HTTP1_BAD) {
			http_give_up(in);
			break;
		}
	} while (p < end);
	return end;
}

/* Bytes that nobody saw must all be of one body or payload. */
__attribute__((noinline)) static void receive_unseen(struct http_in *in, size_t n)
{
	if (is_2(in)) {
		n -= http2_pass(&in->two, n);
		if (in->two.state == HTTP2_ENDED)
			end_frame(in);
	} else {
		n -= http1_pass_body(&in->one, n);
		if (in->one.state == HTTP1_ENDED)
			http1_restart(&in->one);
	}
	if (n)
		http_give_up(in);
}

__attribute__((noinline)) static void receive_any(struct http_in *in, const unsigned char *p,
						  const unsigned char *end)
{
	if (!is_2(in))
		p = receive_1(in, p, end);
	if (p < end)
		receive_2(in, p, end);
}

/* Does this line feed end a line that ends in HTTP/1.0 or HTTP/1.1 and CR? The H is not asked. */
static inline bool ends_in_http1(const unsigned char *feed)
{
	/* The two differ in one bit. */
	return (bytes_word(feed - 8) | bytes_word("\0\0\0\0\0\0\1")) == bytes_word("TTP/1.1\r");
}

/*
 * A shortcut for the usual request: in state START, a GET with usual lines and no body. From 5 to
 * HTTP1_HEAD_MAX bytes, so that no head is too long.
 */
static inline void receive_usual(struct http_in *in, const unsigned char *p,
				 const unsigned char *end)
{
	const unsigned char *target = p + 4;
	struct http1 *m = &in->one;
	uint64_t feeds = http1_lines_feeds(target, end);
	enum http1_state state;

	if (feeds && bytes_first(feeds) >= 8 && ends_in_http1(target + bytes_first(feeds)) &&
	    http_queue_begin_other(&in->queue)) {
		p = http1_pass_lines(m, target, end, feeds, HTTP1_MATTERS, &state);
		if (state == HTTP1_HEAD_READ && !m->flags) {
			set_framing(in, HTTP_1);
			if (p == end)
				return;
		} else {
			m->state = (uint8_t)state;
			http1_count_section(m, (size_t)(p - target));
		}
	}
	receive_any(in, p, end);
}

void http_receive_seen(struct http_in *in, const void *buf, size_t n)
{
	const unsigned char *p = buf;

	if (!is_2(in) && in->one.state == HTTP1_START && n - 5 < HTTP1_HEAD_MAX &&
	    bytes_quad(p) == bytes_quad("GET "))
		receive_usual(in, p, p + n);
	else
		receive_any(in, p, p + n);
}

void http_receive(struct http_in *in, const void *buf, size_t n)
{
	if (http_is_opaque(in))
		return;
	if (buf)
		http_receive_seen(in, buf, n);
	else
		receive_unseen(in, n);
}
