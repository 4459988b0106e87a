/* http1.h -- HTTP/1 syntax: one message of one direction of a connection, and its states */
/* SPDX-License-Identifier: MIT */
/*
 * Pure, like http.h, whose users need nothing from here. Each message has one user at a time.
 *
 * Reading functions take bytes from `p` to `end`, not empty, and return up to where they read. They
 * may stop early anywhere: the state tells how to go on. At `end` it is kept in the message, which
 * may be cut after any byte.
 *
 * What is tolerated, because clients and servers do it: bare LF, names in any case, white space
 * before the colon and around values, obs-fold (RFC 9112 5.2), white space after a chunk size.
 */
#ifndef IDLEFLUSH_HTTP1_H
#define IDLEFLUSH_HTTP1_H

#include "http/bytes.h"

/* Where in a message we are. Which function reads on: */
enum http1_state {
	HTTP1_START,     /* http1_start.h: ready for a message; zero */
	HTTP1_WORD,      /* in a method, or in a status line up to its code */
	HTTP1_TARGET,    /* http1_head.h: a request line after its method */
	HTTP1_SKIP,      /* the rest of a line */
	HTTP1_LINE,      /* a line's first byte */
	HTTP1_BLANK,     /* after a line's first byte, CR */
	HTTP1_NAME,      /* what may be the name of a field that matters */
	HTTP1_VALUE,     /* its value */
	HTTP1_FOLD,      /* after the value's line feed: a blank goes on with it */
	HTTP1_HEAD_READ, /* none: see http1_body_begin() */
	HTTP1_SIZE,      /* http1_body.h: a chunk's size */
	HTTP1_EXTENSION, /* the rest of its line */
	HTTP1_DATA_CR,   /* after its data */
	HTTP1_DATA_LF,   /* and after its CR */
	HTTP1_DATA,      /* its data, `left` bytes to come */
	HTTP1_LENGTH,    /* a body, `left` bytes to come */
	HTTP1_CLOSE,     /* a body until close */
	HTTP1_ENDED,     /* none: http1_restart() */
	HTTP1_BAD,       /* none: not HTTP, or past a limit */
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

/* Ready for the next message. */
static inline void http1_restart(struct http1 *m)
{
	*m = (struct http1){0};
}

#endif
