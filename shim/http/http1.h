/* http1.h -- HTTP/1 syntax: one message of one direction of a connection */
/* SPDX-License-Identifier: MIT */
/*
 * Pure, like http.h, whose users need nothing from here. Each message has one user at a time.
 *
 * Reading functions take bytes from `p` to `end` and return up to where they read. They may stop
 * early anywhere: the state tells how to go on. At `end` it is kept in the message, which may be
 * cut after any byte; the outcome never depends on where.
 *
 * What is tolerated, because clients and servers do it: bare LF, names in any case, white space
 * before the colon and around values, obs-fold (RFC 9112 5.2), white space after a chunk size.
 */
#ifndef IDLEFLUSH_HTTP1_H
#define IDLEFLUSH_HTTP1_H

#include "http/bytes.h"

/* Where in a message we are. */
enum http1_state {
	HTTP1_START, /* ready for a message; zero */
	HTTP1_WORD,  /* in a method, or in a status line up to its code */

	HTTP1_TARGET, /* in a request line after its method */
	HTTP1_SKIP,   /* in the rest of a line */
	HTTP1_LINE,   /* at a line's first byte */
	HTTP1_BLANK,  /* after a line's first byte, CR */
	HTTP1_NAME,   /* in what may be the name of a field that matters */
	HTTP1_VALUE,  /* in its value */
	HTTP1_FOLD,   /* after the value's line feed: a blank goes on with it */

	HTTP1_HEAD_READ, /* after the empty line: http1_begin_body() */

	HTTP1_SIZE,      /* in a chunk's size */
	HTTP1_EXTENSION, /* in the rest of its line */
	HTTP1_DATA_CR,   /* after its data */
	HTTP1_DATA_LF,   /* and after its CR */
	HTTP1_DATA,      /* in its data, `left` bytes to come */
	HTTP1_LENGTH,    /* in a body, `left` bytes to come */
	HTTP1_CLOSE,     /* in a body until close */

	HTTP1_ENDED, /* after the message: http1_restart() */
	HTTP1_BAD,   /* not HTTP, or past a limit */
};

/* What the head said, so far. */
enum http1_flag {
	HTTP1_HAS_LENGTH = 1,    /* a Content-Length; its value is in `left` */
	HTTP1_BAD_LENGTH = 2,    /* no number, too large, or two that differ */
	HTTP1_HAS_CODING = 4,    /* a Transfer-Encoding */
	HTTP1_CHUNKED = 8,       /* whose last coding is chunked */
	HTTP1_H2C = 16,          /* Upgrade: h2c; looked for only in a 101 */
	HTTP1_SEEK_UPGRADE = 32, /* this is a 101 */
	HTTP1_TRAILERS = 64,     /* the lines being read are a trailer section */
};

struct http1 {
	uint64_t left;          /* of a body or chunk; in a head: its Content-Length */
	uint64_t number;        /* what is being read: letters, digits */
	uint32_t section_bytes; /* so far of this head or trailer section */
	uint8_t state;          /* enum http1_state */
	uint8_t field;          /* the field that NAME, VALUE and FOLD are about */
	uint8_t at;             /* how far a word is matched */
	uint8_t flags;          /* enum http1_flag */
};

enum http1_method {
	HTTP1_OTHER,
	HTTP1_IS_HEAD,
	HTTP1_IS_CONNECT,
	HTTP1_IS_PRI, /* the first word of HTTP/2's preface */
};

/* The longest method; the longest registered one has 17 letters. */
#define HTTP1_METHOD_MAX 32

/* Bytes of a head after its method or status code, or of a trailer section, at most. */
#define HTTP1_HEAD_MAX 65536

/* Ready for the next message. */
static inline void http1_restart(struct http1 *m)
{
	*m = (struct http1){0};
}

/* --- start lines */

/* In state START: passes over empty lines before a message (RFC 9112 2.2). */
static inline const unsigned char *http1_pass_empty_lines(const unsigned char *p,
							  const unsigned char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

/*
 * In state START or WORD: reads a method and the space after it (RFC 9112 3; letters, - and _).
 * Then the state is TARGET and `*method` is known, or BAD.
 */
const unsigned char *http1_read_method(struct http1 *m, const unsigned char *p,
				       const unsigned char *end, enum http1_method *method);

/*
 * In state START or WORD: reads "HTTP/1.x NNN" (RFC 9112 4). Then the state is SKIP and `*status`,
 * which was 0 at the start, is complete, or BAD.
 */
const unsigned char *http1_read_status(struct http1 *m, const unsigned char *p,
				       const unsigned char *end, uint16_t *status);

/* In state TARGET: reads the rest of a request line, which must end in HTTP/1.x: SKIP, or BAD. */
const unsigned char *http1_read_target(struct http1 *m, const unsigned char *p,
				       const unsigned char *end);

/* --- heads and trailer sections */

/* So many bytes more of a section were read; BAD if those are too many. */
static inline void http1_count_section(struct http1 *m, size_t n)
{
	if (n > HTTP1_HEAD_MAX - m->section_bytes)
		m->state = HTTP1_BAD;
	m->section_bytes += (uint32_t)n;
}

/*
 * In a state from TARGET to FOLD: reads lines up to the empty one. Then the state is HEAD_READ,
 * after trailers ENDED; or BAD: no request line of HTTP/1, or more than HTTP1_HEAD_MAX bytes.
 */
const unsigned char *http1_read_head(struct http1 *m, const unsigned char *p,
				     const unsigned char *end);

/* --- bodies: by length, in chunks, until close */

/*
 * In state HEAD_READ: chooses the body's framing (RFC 9112 6.3, rules 4 to 8). The state is SIZE,
 * LENGTH or CLOSE, or ENDED where there is no body.
 */
void http1_begin_body(struct http1 *m, bool response);

/*
 * In state DATA, LENGTH or CLOSE: counts off up to `n` bytes, which need not be seen, and returns
 * how many. The state is ENDED or DATA_CR after the last that was to come. In other states: 0.
 */
size_t http1_pass_body(struct http1 *m, size_t n);

/*
 * In any state, reads what can be read of a body: chunks, but not their trailers, which are for
 * http1_read_head().
 */
const unsigned char *http1_read_body(struct http1 *m, const unsigned char *p,
				     const unsigned char *end);

#endif
