/* http_out.c -- sent bytes: where responses end */
/* SPDX-License-Identifier: MIT */
/*
 * Atomics here are relaxed: each is a fact of its own. What is not atomic has one user (http.h).
 */
#include "http/http.h"
#include "http/http1.h"
#include "http/http1_lines.h"

static uint8_t framing_of(const struct http_out *out)
{
	return atomic_load_explicit(&out->framing, memory_order_relaxed);
}

static void set_framing(struct http_out *out, enum http_framing framing)
{
	atomic_store_explicit(&out->framing, (uint8_t)framing, memory_order_relaxed);
}

/* --- HTTP/2 */

static void begin_2(struct http_out *out)
{
	out->two = (struct http2){0};
	set_framing(out, HTTP_2);
}

/* A frame was sent whole: does it end a response? */
static bool end_frame(struct http_out *out, struct http_in *in)
{
	uint32_t stream = http2_stream(&out->two);
	bool reset = http2_type(&out->two) == HTTP2_RST_STREAM, open;

	http2_next(&out->two);
	if (!stream || !http2_stream_ended(&out->two))
		return false;
	if (stream % 2) {
		open = http2_close_stream(&in->streams, stream);
	} else { /* pushed: only the last one that ended is known */
		open = stream != out->two.last_stream;
		out->two.last_stream = stream;
	}
	return open || !reset; /* a server may end a stream and then reset it */
}

static unsigned send_2(struct http_out *out, struct http_in *in, const unsigned char *p,
		       const unsigned char *end)
{
	unsigned ended = 0;

	while (p < end) {
		p = http2_read(&out->two, p, end);
		if (out->two.state == HTTP2_ENDED) {
			ended += end_frame(out, in);
		} else if (out->two.state == HTTP2_BAD) {
			http_give_up(in);
			break;
		}
	}
	return ended;
}

/* --- HTTP/1 */

static inline void end_response(struct http_out *out, struct http_in *in)
{
	http_queue_answer(&in->queue);
	atomic_store_explicit(&out->sending, false, memory_order_relaxed);
	http1_restart(&out->one);
	out->status = 0;
}

static const unsigned char *send_status(struct http_out *out, const unsigned char *p,
					const unsigned char *end)
{
	if (out->one.state == HTTP1_START && framing_of(out) == HTTP_1)
		p = http1_pass_empty_lines(p, end);
	if (p == end)
		return p;
	atomic_store_explicit(&out->sending, true, memory_order_relaxed);
	p = http1_read_status(&out->one, p, end, &out->status);
	if (out->one.state == HTTP1_SKIP) {
		set_framing(out, HTTP_1);
		out->one.flags = out->status == 101 ? HTTP1_SEEK_UPGRADE : 0;
	}
	return p;
}

/* A head with 1xx was sent. */
static void end_informational(struct http_out *out, struct http_in *in)
{
	if (out->status != 101) { /* `sending` stays */
		http1_restart(&out->one);
		out->status = 0;
	} else if (out->one.flags & HTTP1_H2C) {
		end_response(out, in); /* in the queue: it comes on stream 1 */
		http2_open_stream(&in->streams, 1);
		begin_2(out);
	} else {
		out->one.state = HTTP1_ENDED;
		http_give_up(in);
	}
}

/* A head was sent: what follows? (RFC 9112 6.3, here rules 1 and 2) */
static void end_head(struct http_out *out, struct http_in *in)
{
	enum http1_method method = http_queue_method(&in->queue);
	unsigned status = out->status;

	if (status >= 100 && status < 200) {
		end_informational(out, in);
	} else if (method == HTTP1_IS_CONNECT && status >= 200 && status < 300) {
		out->one.state = HTTP1_ENDED;
		http_give_up(in);
	} else if (method == HTTP1_IS_HEAD || status == 204 || status == 304) {
		out->one.state = HTTP1_ENDED;
	} else {
		http1_begin_body(&out->one, true);
	}
}

static unsigned send_1(struct http_out *out, struct http_in *in, const unsigned char *p,
		       const unsigned char *end)
{
	struct http1 *m = &out->one;
	unsigned ended = 0;

	do { /* a whole message, if there is one */
		if (m->state <= HTTP1_WORD)
			p = send_status(out, p, end);
		if (m->state > HTTP1_WORD && m->state < HTTP1_HEAD_READ)
			p = http1_read_head(m, p, end);
		if (m->state == HTTP1_HEAD_READ) {
			end_head(out, in);
			if (framing_of(out) == HTTP_2)
				return ended + send_2(out, in, p, end);
		}
		p = http1_read_body(m, p, end);
		if (m->state == HTTP1_ENDED) {
			end_response(out, in);
			ended++;
			if (http_is_opaque(in))
				break;
		}
		if (m->state == HTTP1_BAD) {
			http_give_up(in);
			break;
		}
	} while (p < end);
	return ended;
}

/* --- both */

/* Bytes that nobody saw must all be of one body or payload. */
__attribute__((noinline)) static unsigned send_unseen(struct http_out *out, struct http_in *in,
						      size_t n)
{
	unsigned ended = 0;

	if (framing_of(out) == HTTP_2) {
		n -= http2_pass(&out->two, n);
		if (out->two.state == HTTP2_ENDED)
			ended = end_frame(out, in);
	} else {
		n -= http1_pass_body(&out->one, n);
		if (out->one.state == HTTP1_ENDED) {
			end_response(out, in);
			ended = 1;
		}
	}
	if (n)
		http_give_up(in);
	return ended;
}

/* Not inline: it would take registers from the usual case. */
__attribute__((noinline)) static unsigned send_any(struct http_out *out, struct http_in *in,
						   const unsigned char *p, const unsigned char *end,
						   unsigned ended)
{
	if (framing_of(out) == HTTP_UNDECIDED && out->one.state == HTTP1_START && !*p)
		begin_2(out); /* a zero byte begins the length of a SETTINGS frame */
	if (framing_of(out) == HTTP_2)
		return ended + send_2(out, in, p, end);
	return ended + send_1(out, in, p, end);
}

/* Are these 12 bytes "HTTP/1.1 200"? */
static inline bool is_ok(const unsigned char *p)
{
	return bytes_word(p) == bytes_word("HTTP/1.1") && bytes_quad(p + 8) == bytes_quad(" 200");
}

/*
 * A shortcut for the usual response, in state START: HTTP/1.1 200, usual lines with a
 * Content-Length, the body to its end. From 13 to HTTP1_HEAD_MAX bytes, so that no head is too
 * long.
 */
static inline unsigned send_usual(struct http_out *out, struct http_in *in, const unsigned char *p,
				  const unsigned char *end)
{
	const unsigned char *line = p + 12;
	struct http1 *m = &out->one;
	enum http1_state state;

	set_framing(out, HTTP_1);
	p = http1_pass_lines(m, line, end, http1_lines_feeds(line, end), HTTP1_MATTERS, &state);
	if (state == HTTP1_HEAD_READ && m->flags == HTTP1_HAS_LENGTH &&
	    m->left <= (size_t)(end - p) && http_queue_method(&in->queue) == HTTP1_OTHER) {
		p += m->left;
		m->left = 0;
		m->flags = 0;
		atomic_store_explicit(&out->sending, false, memory_order_relaxed);
		http_queue_answer(&in->queue);
		return p == end ? 1 : send_any(out, in, p, end, 1);
	}
	m->state = (uint8_t)state;
	http1_count_section(m, (size_t)(p - line));
	out->status = 200;
	atomic_store_explicit(&out->sending, true, memory_order_relaxed);
	return send_any(out, in, p, end, 0);
}

unsigned http_send_seen(struct http_out *out, struct http_in *in, const void *buf, size_t n)
{
	const unsigned char *p = buf;

	if (framing_of(out) != HTTP_2 && out->one.state == HTTP1_START && n - 13 < HTTP1_HEAD_MAX &&
	    is_ok(p))
		return send_usual(out, in, p, p + n);
	return n ? send_any(out, in, p, p + n, 0) : 0;
}

unsigned http_send(struct http_out *out, struct http_in *in, const void *buf, size_t n)
{
	if (http_is_opaque(in))
		return 0;
	return buf ? http_send_seen(out, in, buf, n) : send_unseen(out, in, n);
}

unsigned http_shut(struct http_out *out, struct http_in *in)
{
	bool ends = http_lasts_until_close(out, in);

	if (ends)
		end_response(out, in);
	atomic_store_explicit(&out->shut, true, memory_order_relaxed);
	return ends;
}
