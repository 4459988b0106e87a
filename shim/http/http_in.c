/* http_in.c -- received bytes: where requests begin, and with which method */
/* SPDX-License-Identifier: MIT */
/*
 * Atomics here are relaxed: each is a fact of its own. What is not atomic has one user (http.h).
 */
#include "http/http.h"
#include "http/http1_body.h"
#include "http/http1_head.h"
#include "http/http1_start.h"

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
		p = http1_start_pass_empty_lines(p, end);
		if (p == end)
			return p;
		http_queue_begin(&in->queue);
	}
	p = http1_start_read_method(m, p, end, &method);
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

/*
 * A shortcut for the usual request, in state START: a GET without a body. Returns true if all of it
 * was read, else perhaps nothing, or some of it.
 */
static inline bool receive_usual(struct http_in *in, const unsigned char **begin,
				 const unsigned char *end)
{
	struct http1 *m = &in->one;

	if (end - *begin < 4 || !http1_start_is_get(*begin))
		return false;
	if (!http_queue_begin(&in->queue)) { /* its method has to be noted */
		m->state = HTTP1_WORD;
		return false;
	}
	m->state = HTTP1_TARGET;
	*begin = http1_head_read(m, *begin + 4, end);
	if (m->state != HTTP1_HEAD_READ || m->flags)
		return false;
	set_framing(in, HTTP_1);
	http1_restart(m);
	return true;
}

/* Returns where HTTP/2 begins, or `end`. */
static const unsigned char *receive_1(struct http_in *in, const unsigned char *p,
				      const unsigned char *end)
{
	struct http1 *m = &in->one;

	while (m->state == HTTP1_START && receive_usual(in, &p, end))
		if (p == end)
			return end;
	do { /* a whole message, if there is one */
		if (m->state <= HTTP1_WORD) {
			p = receive_method(in, p, end);
			if (is_2(in))
				return p;
		}
		if (m->state > HTTP1_WORD && m->state < HTTP1_HEAD_READ)
			p = http1_head_read(m, p, end);
		if (m->state == HTTP1_HEAD_READ) {
			set_framing(in, HTTP_1);
			http1_body_begin(m, false);
		}
		p = http1_body_read(m, p, end);
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
static void receive_unseen(struct http_in *in, size_t n)
{
	if (is_2(in)) {
		n -= http2_pass(&in->two, n);
		if (in->two.state == HTTP2_ENDED)
			end_frame(in);
	} else {
		n -= http1_body_pass(&in->one, n);
		if (in->one.state == HTTP1_ENDED)
			http1_restart(&in->one);
	}
	if (n)
		http_give_up(in);
}

void http_receive(struct http_in *in, const void *buf, size_t n)
{
	const unsigned char *p = buf, *end;

	if (http_is_opaque(in))
		return;
	if (!p) {
		receive_unseen(in, n);
		return;
	}
	end = p + n;
	if (!is_2(in))
		p = receive_1(in, p, end);
	if (p < end)
		receive_2(in, p, end);
}
