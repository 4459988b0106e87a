/* http_traffic.h -- random valid HTTP/1 traffic of one connection, and what must be found in it */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_TRAFFIC_H
#define HTTP_TRAFFIC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define EXCHANGES 40

/* Bytes of one direction. `body` marks those that may go unseen. */
struct bytes_sent {
	unsigned char data[1 << 16];
	bool body[1 << 16];
	size_t n;
};

/* What is to be found where, as offsets. */
struct traffic {
	struct bytes_sent in, out;
	size_t exchanges;
	size_t begin[EXCHANGES];    /* in `in`: the byte that makes it a request in flight */
	size_t received[EXCHANGES]; /* in `in`: its end */
	size_t answer[EXCHANGES];   /* in `out`: the answer begins; not before `received` */
	size_t ends;
	size_t end[2 * EXCHANGES]; /* in `out`: a response ends; ascending */
	bool pushed[2 * EXCHANGES];
	bool until_close; /* one more ends then */
};

static uint64_t random_state;

static unsigned roll(unsigned n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)(random_state >> 33) % n;
}

#define ONE_OF(...) one_of(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), __VA_ARGS__)

static const char *one_of(size_t n, ...)
{
	unsigned index = roll((unsigned)n);
	const char *chosen = NULL;
	va_list words;

	va_start(words, n);
	for (unsigned i = 0; i <= index; i++)
		chosen = va_arg(words, const char *);
	va_end(words);
	return chosen;
}

static void put(struct bytes_sent *to, const void *data, size_t n, bool body)
{
	CHECK(to->n + n <= sizeof to->data);
	memcpy(to->data + to->n, data, n);
	memset(to->body + to->n, body, n);
	to->n += n;
}

__attribute__((format(printf, 2, 3))) static void print(struct bytes_sent *to, const char *format,
							...)
{
	char text[512];
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(text, sizeof text, format, values);
	va_end(values);
	CHECK(n >= 0 && (size_t)n < sizeof text);
	put(to, text, (size_t)n, false);
}

/* A body that looks like something else. */
static void put_body(struct bytes_sent *to, size_t n)
{
	static const char text[] = "\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";

	for (size_t from = roll(sizeof text); n; from = 0) {
		size_t piece = sizeof text - from < n ? sizeof text - from : n;

		put(to, text + from, piece, true);
		n -= piece;
	}
}

static void put_chunks(struct bytes_sent *to, const char *eol)
{
	for (unsigned i = roll(4); i; i--) {
		unsigned n = 1 + roll(roll(2) ? 20 : 300);

		print(to, roll(2) ? "%x%s%s" : "%04X%s%s", n,
		      ONE_OF("", "", ";a=b", "  ", " ;x=\"0\""), eol);
		put_body(to, n);
		print(to, "%s", eol);
	}
	print(to, "0%s", eol);
	for (unsigned i = roll(8) ? 0 : 2; i; i--)
		print(to, "Content-Length: %u%s", roll(9), eol);
	print(to, "%s", eol);
}

/* Fields that frame nothing. */
static void put_fields(struct bytes_sent *to, const char *eol)
{
	for (unsigned i = roll(5); i; i--)
		print(to, "%s%s",
		      ONE_OF("Server: nginx/1.22.1", "Date: Mon, 23 Nov 2026 21:04:51 GMT",
			     "Content-Type: text/html; charset=utf-8", "Connection: keep-alive",
			     "Cache-Control: max-age=0", "Content-Lengt: 7", "TE: chunked",
			     "Set-Cookie: a=\xc3\xa9; Path=/", "X-Transfer-Encoding: chunked", "T:",
			     "Upgrade-Insecure-Requests: 1", "C:d", "X: a\tb", "User-Agent: me"),
		      roll(12) ? eol : "\r\n Content-Length: 9\r\n");
}

static void put_length(struct bytes_sent *to, size_t n, const char *eol)
{
	const char *name = ONE_OF("Content-Length:", "Content-Length:", "content-length:",
				  "CONTENT-LENGTH:", "Content-length :");

	switch (roll(8)) {
	case 0:
		print(to, "%s%zu, %zu%s", name, n, n, eol);
		break;
	case 1:
		print(to, "%s %zu%s%s  %05zu \t%s", name, n, eol, name, n, eol);
		break;
	case 2:
		print(to, "%s%s %zu%s", name, eol, n, eol);
		break;
	default:
		print(to, "%s %zu%s", name, n, eol);
	}
}

/* A head's framing and its body; `empty`: only the head is sent. */
static void put_message(struct bytes_sent *to, const char *eol, bool empty)
{
	size_t n = roll(4) ? roll(40) : roll(700);

	put_fields(to, eol);
	if (roll(3)) {
		put_length(to, n, eol);
		put_fields(to, eol);
		print(to, "%s", eol);
		if (!empty)
			put_body(to, n);
		return;
	}
	if (!roll(3))
		put_length(to, n, eol);
	print(to, "%s%s",
	      ONE_OF("Transfer-Encoding: chunked", "Transfer-Encoding: chunked",
		     "transfer-encoding:gzip , Chunked", "Transfer-Encoding: gzip\r\n , chunked"),
	      eol);
	put_fields(to, eol);
	print(to, "%s", eol);
	if (!empty)
		put_chunks(to, eol);
}

static const char *put_request(struct bytes_sent *to)
{
	const char *method = ONE_OF("GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "M-SEARCH");
	const char *eol = roll(8) ? "\r\n" : "\n";

	print(to, "%s %s HTTP/1.%u%s", method, ONE_OF("/", "/a?b=c", "*", "http://a/HTTP/1.1"),
	      roll(2), eol);
	if (*method == 'P') {
		put_message(to, eol, false);
	} else {
		put_fields(to, eol);
		print(to, "%s", eol);
	}
	return method;
}

/* Returns whether the response lasts until close. */
static bool put_response(struct bytes_sent *to, const char *method, bool last)
{
	const char *eol = roll(8) ? "\r\n" : "\n";
	unsigned status = (const unsigned[]){200, 200, 200, 204, 304, 404, 500, 206}[roll(8)];
	bool empty = status == 204 || status == 304 || !strcmp(method, "HEAD");

	for (unsigned i = roll(6) ? 0 : roll(3); i; i--) {
		print(to, "HTTP/1.1 %u Wait%s", 100 + 3 * roll(2), eol);
		put_fields(to, eol);
		print(to, "%s", eol);
	}
	print(to, "HTTP/1.%u %u%s%s", roll(4) ? 1 : 0, status, ONE_OF(" OK", "", " "), eol);
	if (empty || !last || roll(3)) {
		put_message(to, eol, empty);
		return false;
	}
	print(to, "%s%s%s", ONE_OF("X: y", "Transfer-Encoding: gzip", "Content-Length: x"), eol,
	      eol);
	put_body(to, roll(300));
	return true;
}

static void put_end(struct traffic *t, bool pushed)
{
	t->end[t->ends] = t->out.n;
	t->pushed[t->ends++] = pushed;
}

static void make_http1(struct traffic *t)
{
	t->in.n = t->out.n = t->ends = 0;
	t->exchanges = 1 + roll(EXCHANGES);
	for (size_t i = 0; i < t->exchanges; i++) {
		const char *method;

		if (!roll(10))
			print(&t->in, "\r\n");
		t->begin[i] = t->in.n;
		method = put_request(&t->in);
		t->received[i] = t->in.n;
		t->answer[i] = t->out.n;
		t->until_close = put_response(&t->out, method, i + 1 == t->exchanges);
		if (!t->until_close)
			put_end(t, false);
	}
}

#endif
