/* http.c -- a connection's framing: what can be asked about both sides */
/* SPDX-License-Identifier: MIT */
/*
 * The sides themselves are http_in.c and http_out.c, the syntax is in http1_*.c and http2.c.
 * Atomics here are relaxed: each answer is about one moment, and old at once.
 */
#include "http/http.h"

bool http_in_flight(const struct http_in *in, const struct http_out *out)
{
	if (http_is_opaque(in) || atomic_load_explicit(&out->shut, memory_order_relaxed))
		return false;
	return http_queue_waiting(&in->queue) > 0 ||
	       atomic_load_explicit(&out->sending, memory_order_relaxed) ||
	       http2_any_open(&in->streams);
}

enum http_framing http_framing_in(const struct http_in *in)
{
	if (http_is_opaque(in))
		return HTTP_OPAQUE;
	return (enum http_framing)atomic_load_explicit(&in->framing, memory_order_relaxed);
}

enum http_framing http_framing_out(const struct http_out *out, const struct http_in *in)
{
	if (http_is_opaque(in))
		return HTTP_OPAQUE;
	return (enum http_framing)atomic_load_explicit(&out->framing, memory_order_relaxed);
}

const char *http_framing_name(enum http_framing framing)
{
	switch (framing) {
	case HTTP_UNDECIDED:
		return "undecided";
	case HTTP_1:
		return "http/1";
	case HTTP_2:
		return "http/2";
	case HTTP_OPAQUE:
		return "opaque";
	}
	return "?";
}
