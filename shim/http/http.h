/* http.h -- response framing: bytes in, "a response ended" out */
/* SPDX-License-Identifier: MIT */
/*
 * Two structs a connection: `struct http_in` follows the requests that a server receives,
 * `struct http_out` the responses that it sends. All zero, they are ready for a new connection.
 * Pure: no allocation, no clock, no system call, no libc; nothing is read past the given bytes;
 * the work is linear in them. Async-signal-safe.
 *
 * Threads. The receiving side and the sending side may run at the same time in two threads. Each
 * of them must be exclusive: two http_receive() at once on one connection, or two http_send() or
 * http_shut(), are the caller's to exclude. Everything else is an atomic load or store and may be
 * called at any time. Requests and responses are matched right if the program itself hands what it
 * received to the thread that answers (it has to).
 *
 * Any bytes at all are harmless: what is not understood makes the connection opaque, both sides
 * at once and for good. The caller then takes turns instead: it asks http_is_opaque() first.
 * Opaque are: everything but HTTP (TLS, Redis, a server that speaks first), HTTP/0.9, a tunnel
 * after CONNECT, a protocol after 101, heads of more than 64 KiB, methods of more than 32 letters,
 * a broken chunk, unseen bytes outside a body, and more requests in the pipeline than can be told
 * apart (see http_receive()).
 */
#ifndef IDLEFLUSH_HTTP_H
#define IDLEFLUSH_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/http1.h"
#include "http/http2.h"
#include "http/http_queue.h"

/* What one direction of a connection speaks. */
enum http_framing {
	HTTP_UNDECIDED, /* too few bytes so far */
	HTTP_1,
	HTTP_2, /* in clear */
	HTTP_OPAQUE,
};

/* The requests of one connection. Written by the receiving side, except where marked. */
struct http_in {
	struct http2_streams streams; /* by both sides */
	struct http_queue queue;      /* one word of it by the sending side */
	union {
		struct http1 one;
		struct http2 two;
	};
	_Atomic uint8_t framing;
	_Atomic bool opaque; /* written by anyone, never cleared */
};

/* The responses of one connection. Written by the sending side. */
struct http_out {
	union {
		struct http1 one;
		struct http2 two;
	};
	uint16_t status; /* HTTP/1: of the response that is being sent */
	_Atomic uint8_t framing;
	_Atomic bool sending; /* HTTP/1: in a response, interim ones before it included */
	_Atomic bool shut;    /* nothing more can be sent */
};

_Static_assert(sizeof(struct http_in) <= 64, "a direction's state is at most 64 bytes");
_Static_assert(sizeof(struct http_out) <= 64, "a direction's state is at most 64 bytes");

/*
 * `n` bytes were received (what recv returned, not what was asked for; not with MSG_PEEK).
 * `buf` NULL: nobody saw them (splice); they are counted off the body that is being received.
 *
 * Finds where requests begin, by the framing of the one before (RFC 9112 6.3; one that cannot be
 * framed lasts until close) and which are HEAD or CONNECT. Methods are remembered for 32 requests
 * that wait for their responses; beyond, as long as request N + 32 has the method class (HEAD,
 * CONNECT, any other) of request N, else the connection becomes opaque, for it could not be told
 * which response has no body. HTTP/2 is known by its preface, at the start (RFC 9113 3.3) or after
 * HTTP/1 requests (the h2c upgrade of RFC 7540 3.2); there the HEADERS frames that open a stream
 * are the requests, and RST_STREAM takes one back.
 */
void http_receive(struct http_in *in, const void *buf, size_t n);

/* The common case: `buf` is not NULL, and the caller has just asked http_is_opaque(). */
void http_receive_seen(struct http_in *in, const void *buf, size_t n);

/*
 * `n` bytes were sent (the returned count of a partial write). `buf` NULL: nobody saw them
 * (sendfile, splice); they are counted by length.
 *
 * Returns how many responses ended within these bytes. 0 once opaque.
 *
 * HTTP/1 (RFC 9112 6.3, in its order): HEAD, 204 and 304 end with their head; 1xx is interim and
 * does not count; 101 counts and makes the connection opaque, except that after 101 with
 * "Upgrade: h2c" HTTP/2 follows, and then it does not count, for the response comes on stream 1;
 * a 2xx to CONNECT counts at its head's end and makes it opaque; a last coding of chunked goes
 * before Content-Length; any other last coding means until close; so does a Content-Length that
 * is no number, or two different ones ("5, 5" is 5), or 2^64 and more; and so does having neither.
 * Methods of requests that were not seen count as other than HEAD and CONNECT. Empty lines after
 * a response are passed over.
 *
 * HTTP/2: a response ends with END_STREAM on DATA or HEADERS (whose CONTINUATION frames are
 * waited for), pushed ones too, and with RST_STREAM if its stream was still open. The server's
 * frames are known by the first one, SETTINGS, even before the preface came.
 */
unsigned http_send(struct http_out *out, struct http_in *in, const void *buf, size_t n);

/* The common case, as with http_receive_seen(). */
unsigned http_send_seen(struct http_out *out, struct http_in *in, const void *buf, size_t n);

/* Is a response of HTTP/1 under way? Any thread; false is a hint where another thread sends. */
static inline bool http_is_sending(const struct http_out *out)
{
	return atomic_load_explicit(&out->sending, memory_order_relaxed);
}

/*
 * The common case of it while http_is_sending(), for bytes seen or not. True: they all lie within a
 * body whose length is known, which goes on; so much was counted off. False: nothing was done,
 * http_send() must do it.
 */
static inline bool http_send_within_body(struct http_out *out, size_t n)
{
	if ((out->one.state != HTTP1_LENGTH && out->one.state != HTTP1_DATA) || n >= out->one.left)
		return false;
	out->one.left -= n;
	return true;
}

/*
 * The connection is about to be closed, or shut down for sending. Returns 1 if that ends a
 * response that lasts until close, else 0: one cut short never ended. Nothing is in flight then.
 */
unsigned http_shut(struct http_out *out, struct http_in *in);

/* Does a response end when the connection does? The sending side. */
static inline bool http_lasts_until_close(const struct http_out *out, const struct http_in *in)
{
	return out->one.state == HTTP1_CLOSE &&
	       atomic_load_explicit(&out->framing, memory_order_relaxed) == HTTP_1 &&
	       !atomic_load_explicit(&in->opaque, memory_order_relaxed);
}

/*
 * Was a request received, if only its first byte, whose response has not ended? Or is a response
 * being sent? False once opaque. Any thread; the answer may be old by then.
 * HTTP/2: two streams whose numbers are a multiple of 256 apart, open at once, count as one that
 * the first to end ends. The first three bytes of the preface look like a request's.
 */
bool http_in_flight(const struct http_in *in, const struct http_out *out);

/* Makes both sides opaque, for good. Any thread, any time. */
static inline void http_give_up(struct http_in *in)
{
	/* Relaxed: nothing is published with it, and the other side may learn it a call later. */
	atomic_store_explicit(&in->opaque, true, memory_order_relaxed);
}

/* Must the caller take turns? Any thread, any time. */
static inline bool http_is_opaque(const struct http_in *in)
{
	return atomic_load_explicit(&in->opaque, memory_order_relaxed);
}

/* What each side speaks. Any thread, any time. */
enum http_framing http_framing_in(const struct http_in *in);
enum http_framing http_framing_out(const struct http_out *out, const struct http_in *in);

/* "undecided", "http/1", "http/2", "opaque". */
const char *http_framing_name(enum http_framing framing);

#endif
