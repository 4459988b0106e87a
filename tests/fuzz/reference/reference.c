/* reference.c -- response framing without any shortcut: what shim/http must agree with */
/* SPDX-License-Identifier: MIT */
/*
 * The framing of 0.1.0 without its fast ways: a state machine that takes one byte after the other.
 * shim/http/http.h has the contract; HTTP/2 has no fast way and is shim/http/http2.c here, too.
 */
#include "reference.h"

#include "http/http2.h"

#include <stdlib.h>

static bool is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') < 10;
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* Letters in lower case, and a few control characters as signs: harmless, names have neither. */
static unsigned char folded(unsigned char c)
{
	return c | 0x20;
}

static const unsigned char *find_lf(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p != '\n')
		p++;
	return p;
}

enum http_framing { HTTP_UNDECIDED, HTTP_1, HTTP_2, HTTP_OPAQUE };

/* --- syntax of HTTP/1 */

/* Where in a message we are. */
enum http1_state {
	HTTP1_START,     /* ready for a message; zero */
	HTTP1_WORD,      /* in a method, or in a status line up to its code */
	HTTP1_TARGET,    /* a request line after its method */
	HTTP1_SKIP,      /* the rest of a line */
	HTTP1_LINE,      /* a line's first byte */
	HTTP1_BLANK,     /* after a line's first byte, CR */
	HTTP1_NAME,      /* what may be the name of a field that matters */
	HTTP1_VALUE,     /* its value */
	HTTP1_FOLD,      /* after the value's line feed: a blank goes on with it */
	HTTP1_HEAD_READ, /* the empty line was read */
	HTTP1_SIZE,      /* a chunk's size */
	HTTP1_EXTENSION, /* the rest of its line */
	HTTP1_DATA_CR,   /* after its data */
	HTTP1_DATA_LF,   /* and after its CR */
	HTTP1_DATA,      /* its data, `left` bytes to come */
	HTTP1_LENGTH,    /* a body, `left` bytes to come */
	HTTP1_CLOSE,     /* a body until close */
	HTTP1_ENDED,     /* read whole */
	HTTP1_BAD,       /* not HTTP, or past a limit */
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
static void http1_restart(struct http1 *m)
{
	*m = (struct http1){0};
}

#define HTTP1_START_METHOD_MAX 32
#define HTTP1_HEAD_MAX         65536

/* --- bodies */

/*
 * In state HEAD_READ: chooses the body's framing (RFC 9112 6.3, rules 4 to 8). The state is SIZE,
 * LENGTH or CLOSE, or ENDED where there is no body.
 */
static void http1_body_begin(struct http1 *m, bool response)
{
	m->at = 0;
	if (m->flags & HTTP1_HAS_CODING) {
		m->left = 0;
		m->state = m->flags & HTTP1_CHUNKED ? HTTP1_SIZE : HTTP1_CLOSE;
	} else if (m->flags & HTTP1_BAD_LENGTH) {
		m->state = HTTP1_CLOSE;
	} else if (m->flags & HTTP1_HAS_LENGTH) {
		m->state = m->left ? HTTP1_LENGTH : HTTP1_ENDED;
	} else {
		m->state = response ? HTTP1_CLOSE : HTTP1_ENDED;
	}
}

/*
 * In state DATA, LENGTH or CLOSE: counts off up to `n` bytes, which need not be seen, and returns
 * how many. The state is ENDED or DATA_CR after the last that was to come. In other states: 0.
 */
static size_t http1_body_pass(struct http1 *m, size_t n)
{
	if (m->state == HTTP1_CLOSE)
		return n;
	if (m->state != HTTP1_LENGTH && m->state != HTTP1_DATA)
		return 0;
	if (n < m->left) {
		m->left -= n;
		return n;
	}
	n = (size_t)m->left;
	m->left = 0;
	m->state = m->state == HTTP1_LENGTH ? HTTP1_ENDED : HTTP1_DATA_CR;
	return n;
}

static int hex_value(unsigned char c)
{
	if (is_digit(c))
		return c - '0';
	c = folded(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool may_follow_size(unsigned char c)
{
	return c == ';' || c == '\r' || c == '\n' || is_blank(c);
}

/* The digits of a chunk's size (RFC 9112 7.1); `at` tells whether there was one. */
static const unsigned char *read_size(struct http1 *m, const unsigned char *p,
				      const unsigned char *end)
{
	for (; p < end; p++) {
		int digit = hex_value(*p);

		if (digit < 0) {
			m->state = m->at && may_follow_size(*p) ? HTTP1_EXTENSION : HTTP1_BAD;
			break;
		}
		if (m->left >> 60) {
			m->state = HTTP1_BAD;
			break;
		}
		m->left = m->left << 4 | (unsigned)digit;
		m->at = 1;
	}
	return p;
}

/* The rest of a size's line. */
static const unsigned char *read_extension(struct http1 *m, const unsigned char *p,
					   const unsigned char *end)
{
	p = find_lf(p, end);
	if (p == end)
		return p;
	if (m->left) {
		m->state = HTTP1_DATA;
	} else { /* the last chunk */
		m->state = HTTP1_LINE;
		m->flags |= HTTP1_TRAILERS;
		m->section_bytes = 0;
	}
	return p + 1;
}

/* The line end after a chunk's data. */
static const unsigned char *read_data_end(struct http1 *m, const unsigned char *p)
{
	if (*p == '\r' && m->state == HTTP1_DATA_CR) {
		m->state = HTTP1_DATA_LF;
	} else if (*p == '\n') {
		m->state = HTTP1_SIZE;
		m->at = 0;
	} else {
		m->state = HTTP1_BAD;
	}
	return p + 1;
}

static const unsigned char *http1_body_read_chunks(struct http1 *m, const unsigned char *p,
						   const unsigned char *end)
{
	while (p < end) {
		switch (m->state) {
		case HTTP1_SIZE:
			p = read_size(m, p, end);
			break;
		case HTTP1_EXTENSION:
			p = read_extension(m, p, end);
			break;
		case HTTP1_DATA:
			p += http1_body_pass(m, (size_t)(end - p));
			break;
		case HTTP1_DATA_CR:
		case HTTP1_DATA_LF:
			p = read_data_end(m, p);
			break;
		default:
			return p;
		}
	}
	return p;
}
/* In any state, `p` <= `end`: reads what can be read of a body. */
static const unsigned char *http1_body_read(struct http1 *m, const unsigned char *p,
					    const unsigned char *end)
{
	if (m->state >= HTTP1_SIZE && m->state <= HTTP1_DATA)
		return http1_body_read_chunks(m, p, end);
	return p + http1_body_pass(m, (size_t)(end - p));
}

/* --- fields */

/* `field`: those that matter. */
enum http1_field {
	HTTP1_NO_FIELD,
	HTTP1_CONTENT_LENGTH,
	HTTP1_TRANSFER_ENCODING,
	HTTP1_UPGRADE, /* with HTTP1_SEEK_UPGRADE only */
};

/* Below this a digit can be appended without overflow. */
#define NUMBER_MAX (UINT64_MAX / 10)

/* `at` within a list: an element not begun, 1 to 7 letters matched, all and a blank, no match. */
enum { LIST_EMPTY = 0, LIST_MATCHED = 254, LIST_OTHER = 255 };

/* `at` within a Content-Length. */
enum { NUMBER_EMPTY, NUMBER_DIGITS, NUMBER_DONE };

/* --- values: read up to the line feed or `end` */

/* One number of a Content-Length is complete; all must be equal (RFC 9112 6.3, rule 5). */
static void end_number(struct http1 *m)
{
	bool again = m->flags & HTTP1_HAS_LENGTH;

	if (m->at == NUMBER_EMPTY || (again && m->number != m->left))
		m->flags |= HTTP1_BAD_LENGTH;
	m->flags |= HTTP1_HAS_LENGTH;
	m->left = m->number;
	m->number = 0;
	m->at = NUMBER_EMPTY;
}

static const unsigned char *read_length(struct http1 *m, const unsigned char *p,
					const unsigned char *end)
{
	for (; p < end && *p != '\n'; p++) {
		if (is_digit(*p) && m->at != NUMBER_DONE && m->number < NUMBER_MAX) {
			m->number = m->number * 10 + (*p - '0');
			m->at = NUMBER_DIGITS;
		} else if (*p == ',') {
			end_number(m);
		} else if (!is_blank(*p) && *p != '\r') {
			m->flags |= HTTP1_BAD_LENGTH;
		} else if (m->at == NUMBER_DIGITS) {
			m->at = NUMBER_DONE;
		}
	}
	return p;
}

/* One element of a list is complete; empty ones do not count (RFC 9110 5.6.1). */
static void end_element(struct http1 *m, unsigned word_length)
{
	bool matched = m->at == word_length || m->at == LIST_MATCHED;

	if (m->field == HTTP1_UPGRADE && matched)
		m->flags |= HTTP1_H2C;
	if (m->field == HTTP1_TRANSFER_ENCODING && m->at != LIST_EMPTY) {
		m->flags |= HTTP1_HAS_CODING;
		m->flags =
			(uint8_t)(matched ? m->flags | HTTP1_CHUNKED : m->flags & ~HTTP1_CHUNKED);
	}
	m->at = LIST_EMPTY;
}

static const unsigned char *read_list(struct http1 *m, const unsigned char *p,
				      const unsigned char *end, const char *word, unsigned length)
{
	for (; p < end && *p != '\n'; p++) {
		if (*p == ',') {
			end_element(m, length);
		} else if (is_blank(*p) || *p == '\r') {
			if (m->at == length)
				m->at = LIST_MATCHED;
			else if (m->at != LIST_EMPTY && m->at != LIST_MATCHED)
				m->at = LIST_OTHER;
		} else if (m->at < length && folded(*p) == (unsigned char)word[m->at]) {
			m->at++;
		} else {
			m->at = LIST_OTHER;
		}
	}
	return p;
}

static const unsigned char *read_value(struct http1 *m, const unsigned char *p,
				       const unsigned char *end)
{
	if (m->field == HTTP1_CONTENT_LENGTH)
		return read_length(m, p, end);
	if (m->field == HTTP1_TRANSFER_ENCODING)
		return read_list(m, p, end, "chunked", 7);
	return read_list(m, p, end, "h2c", 3);
}

/* The line after the value was no continuation of it. */
static void end_value(struct http1 *m)
{
	if (m->field == HTTP1_CONTENT_LENGTH)
		end_number(m);
	else
		end_element(m, m->field == HTTP1_UPGRADE ? 3 : 7);
	m->field = HTTP1_NO_FIELD;
}

/* --- lines */

/* The rest of a name, from `at` on. Then the state is VALUE, or SKIP if the name is another. */
static const unsigned char *read_name(struct http1 *m, const unsigned char *p,
				      const unsigned char *end)
{
	static const char names[][20] = {
		[HTTP1_CONTENT_LENGTH] = "content-length:",
		[HTTP1_TRANSFER_ENCODING] = "transfer-encoding:",
		[HTTP1_UPGRADE] = "upgrade:",
	};
	const char *name = names[m->field] + m->at;

	for (; p < end && *name; p++) {
		if (folded(*p) == (unsigned char)*name)
			name++;
		else if (*name != ':' || !is_blank(*p))
			break;
	}
	m->at = (uint8_t)(name - names[m->field]);
	if (!*name) {
		m->state = HTTP1_VALUE;
		m->number = 0;
		m->at = 0;
	} else if (p < end) {
		m->state = HTTP1_SKIP;
	}
	return p;
}

static bool http1_field_begins(struct http1 *m, unsigned char first)
{
	switch (folded(first)) {
	case 'c':
		m->field = HTTP1_CONTENT_LENGTH;
		return true;
	case 't':
		m->field = HTTP1_TRANSFER_ENCODING;
		return true;
	case 'u':
		m->field = HTTP1_UPGRADE;
		return m->flags & HTTP1_SEEK_UPGRADE;
	default:
		return false;
	}
}

static const unsigned char *http1_field_read(struct http1 *m, const unsigned char *p,
					     const unsigned char *end)
{
	if (m->state == HTTP1_NAME)
		return read_name(m, p, end);
	if (m->state == HTTP1_FOLD && !is_blank(*p)) {
		end_value(m);
		m->state = HTTP1_LINE;
		return p;
	}
	p = read_value(m, p, end);
	m->state = p < end ? HTTP1_FOLD : HTTP1_VALUE;
	return p < end ? p + 1 : p;
}

/* --- start lines */

static const unsigned char *http1_start_pass_empty_lines(const unsigned char *p,
							 const unsigned char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* By the last 8 letters; shorter names have zeros before them. */
static enum http1_method method_named(uint64_t letters)
{
	if (letters == UINT64_C(0x48454144)) /* HEAD */
		return HTTP1_IS_HEAD;
	if (letters == UINT64_C(0x434f4e4e454354)) /* CONNECT */
		return HTTP1_IS_CONNECT;
	if (letters == UINT64_C(0x505249)) /* PRI */
		return HTTP1_IS_PRI;
	return HTTP1_OTHER;
}

static bool is_method_letter(unsigned char c)
{
	return (unsigned)(folded(c) - 'a') < 26 || c == '-' || c == '_';
}

static const unsigned char *http1_start_read_method(struct http1 *m, const unsigned char *p,
						    const unsigned char *end,
						    enum http1_method *method)
{
	uint64_t letters = m->number;
	unsigned n = m->at;

	for (; p < end && n < HTTP1_START_METHOD_MAX && is_method_letter(*p); p++, n++)
		letters = letters << 8 | *p;
	m->number = letters;
	m->at = (uint8_t)n;
	m->state = HTTP1_WORD;
	if (p == end)
		return p;
	if (!n || *p != ' ') {
		m->state = HTTP1_BAD;
		return p;
	}
	*method = method_named(letters);
	m->number = 0;
	m->at = 0;
	m->state = HTTP1_TARGET;
	return p + 1;
}

static const unsigned char *http1_start_read_status(struct http1 *m, const unsigned char *p,
						    const unsigned char *end, uint16_t *status)
{
	static const char pattern[] = "HTTP/1.0 000"; /* 0: any digit */
	unsigned n = m->at;

	for (; p < end && pattern[n]; p++, n++) {
		if (pattern[n] == '0' ? !is_digit(*p) : *p != (unsigned char)pattern[n]) {
			m->state = HTTP1_BAD;
			return p;
		}
		if (n >= 9)
			*status = (uint16_t)(*status * 10 + (*p - '0'));
	}
	m->at = (uint8_t)n;
	m->state = pattern[n] ? HTTP1_WORD : HTTP1_SKIP;
	return p;
}

/* Do these last 8 bytes end in HTTP/1.x? Without the H, to have room for a CR. */
static bool is_http1(uint64_t last)
{
	if ((last & 0xff) == '\r')
		last >>= 8;
	return (last >> 8 & 0xffffffffffff) == UINT64_C(0x5454502f312e) && /* TTP/1. */
	       is_digit(last & 0xff);
}

static const unsigned char *http1_start_read_target(struct http1 *m, const unsigned char *p,
						    const unsigned char *end)
{
	const unsigned char *lf = find_lf(p, end);

	if (lf - p >= 8) {
		for (int i = -8; i < 0; i++)
			m->number = m->number << 8 | lf[i];
	} else {
		for (; p < lf; p++)
			m->number = m->number << 8 | *p;
	}
	if (lf < end)
		m->state = is_http1(m->number) ? HTTP1_SKIP : HTTP1_BAD;
	return lf;
}

/* --- heads */

/* So many bytes more of a section were read; BAD if those are too many. */
static void http1_head_count(struct http1 *m, size_t n)
{
	if (n > HTTP1_HEAD_MAX - m->section_bytes)
		m->state = HTTP1_BAD;
	m->section_bytes += (uint32_t)n;
}

static const unsigned char *begin_line(struct http1 *m, const unsigned char *p)
{
	if (*p == '\r') {
		m->state = HTTP1_BLANK;
		return p + 1;
	}
	if (*p == '\n') {
		m->state = HTTP1_HEAD_READ;
		return p + 1;
	}
	m->state = http1_field_begins(m, *p) ? HTTP1_NAME : HTTP1_SKIP;
	m->at = 0;
	return p;
}

static const unsigned char *http1_head_read_lines(struct http1 *m, const unsigned char *p,
						  const unsigned char *end)
{
	while (p < end) {
		switch (m->state) {
		case HTTP1_SKIP:
			p = find_lf(p, end);
			if (p == end)
				break;
			m->state = HTTP1_LINE;
			p++;
			break;
		case HTTP1_LINE:
			p = begin_line(m, p);
			break;
		case HTTP1_BLANK:
			m->state = HTTP1_SKIP;
			if (*p != '\n')
				break;
			m->state = HTTP1_HEAD_READ;
			return p + 1;
		case HTTP1_NAME:
		case HTTP1_VALUE:
		case HTTP1_FOLD:
			p = http1_field_read(m, p, end);
			break;
		default:
			return p;
		}
	}
	return p;
}

/*
 * In a state from TARGET to FOLD, `p` <= `end`: reads lines up to the empty one. Then the state is
 * HEAD_READ, after trailers ENDED; or BAD: no request line of HTTP/1, or more than HTTP1_HEAD_MAX
 * bytes.
 */
static const unsigned char *http1_head_read(struct http1 *m, const unsigned char *p,
					    const unsigned char *end)
{
	const unsigned char *to = p;

	if (m->state == HTTP1_TARGET)
		to = http1_start_read_target(m, to, end);
	if (m->state != HTTP1_HEAD_READ)
		to = http1_head_read_lines(m, to, end);
	if (m->state == HTTP1_HEAD_READ && m->flags & HTTP1_TRAILERS)
		m->state = HTTP1_ENDED;
	http1_head_count(m, (size_t)(to - p));
	return to;
}

/* --- the queue of requests */

struct http_queue {
	uint32_t begun;    /* by the receiving side */
	uint32_t answered; /* by the sending side */
	uint32_t heads;    /* by the receiving side: bit N % 32, request N is a HEAD */
	uint32_t connects; /* by the receiving side: bit N % 32, request N is a CONNECT */
};

#define HTTP_QUEUE_SLOTS 32 /* bits of `heads` and `connects` */

static uint32_t http_queue_bit(uint32_t request)
{
	return UINT32_C(1) << request % HTTP_QUEUE_SLOTS;
}

/* How many wait. Signed: a request that was taken back may have been answered before. */
static int32_t http_queue_waiting(const struct http_queue *queue)
{
	uint32_t begun = queue->begun;
	uint32_t answered = queue->answered;

	return (int32_t)(begun - answered);
}

/* Sending side: the method that the next response answers, HTTP1_OTHER if nothing waits. */
static enum http1_method http_queue_method(const struct http_queue *queue)
{
	uint32_t heads = queue->heads;
	uint32_t connects = queue->connects;
	uint32_t bit;

	if (!(heads | connects) || http_queue_waiting(queue) <= 0)
		return HTTP1_OTHER;
	bit = http_queue_bit(queue->answered);
	if (heads & bit)
		return HTTP1_IS_HEAD;
	return connects & bit ? HTTP1_IS_CONNECT : HTTP1_OTHER;
}

/* Sending side: that response ended. Nothing waits: no effect (a 408, or it was not seen). */
static void http_queue_answer(struct http_queue *queue)
{
	uint32_t answered = queue->answered;

	if (http_queue_waiting(queue) > 0)
		queue->answered = answered + 1;
}

/* Only for a word with one writer. */
static void set_bit(uint32_t *word, uint32_t bit, bool on)
{
	uint32_t old = *word;
	uint32_t new = on ? old | bit : old & ~bit;

	if (new != old)
		*word = new;
}

static bool has_bit(const uint32_t *word, uint32_t bit)
{
	return *word & bit;
}

static bool http_queue_begin(struct http_queue *queue)
{
	uint32_t request = queue->begun;
	bool room = http_queue_waiting(queue) < HTTP_QUEUE_SLOTS;

	if (room) {
		set_bit(&queue->heads, http_queue_bit(request), false);
		set_bit(&queue->connects, http_queue_bit(request), false);
	}
	queue->begun = request + 1;
	return room;
}

static void http_queue_take_back(struct http_queue *queue)
{
	uint32_t begun = queue->begun;

	queue->begun = begun - 1;
}

static bool http_queue_set_method(struct http_queue *queue, enum http1_method method)
{
	uint32_t bit = http_queue_bit(queue->begun - 1);
	bool head = method == HTTP1_IS_HEAD, connect = method == HTTP1_IS_CONNECT;

	if (http_queue_waiting(queue) > HTTP_QUEUE_SLOTS)
		return head == has_bit(&queue->heads, bit) &&
		       connect == has_bit(&queue->connects, bit);
	set_bit(&queue->heads, bit, head);
	set_bit(&queue->connects, bit, connect);
	return true;
}

/* --- received bytes */

struct http_in {
	struct http2_streams streams; /* by both sides */
	struct http_queue queue;      /* one word of it by the sending side */
	union {
		struct http1 one;
		struct http2 two;
	};
	uint8_t framing;
	bool opaque; /* written by anyone, never cleared */
};

struct http_out {
	union {
		struct http1 one;
		struct http2 two;
	};
	uint16_t status; /* HTTP/1: of the response that is being sent */
	uint8_t framing;
	bool sending; /* HTTP/1: in a response, interim ones before it included */
	bool shut;    /* nothing more can be sent */
};

static bool is_2(const struct http_in *in)
{
	return in->framing == HTTP_2;
}

static void set_framing_in(struct http_in *in, enum http_framing framing)
{
	in->framing = (uint8_t)framing;
}

/* --- HTTP/2 */

static void end_received_frame(struct http_in *in)
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
			end_received_frame(in);
		} else if (in->two.state == HTTP2_BAD) {
			in->opaque = true;
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
		set_framing_in(in, HTTP_2);
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
			p = http1_head_read(m, p, end);
		if (m->state == HTTP1_HEAD_READ) {
			set_framing_in(in, HTTP_1);
			http1_body_begin(m, false);
		}
		p = http1_body_read(m, p, end);
		if (m->state == HTTP1_ENDED)
			http1_restart(m);
		if (m->state == HTTP1_BAD) {
			in->opaque = true;
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
			end_received_frame(in);
	} else {
		n -= http1_body_pass(&in->one, n);
		if (in->one.state == HTTP1_ENDED)
			http1_restart(&in->one);
	}
	if (n)
		in->opaque = true;
}

static void http_receive(struct http_in *in, const void *buf, size_t n)
{
	const unsigned char *p = buf, *end;

	if (in->opaque)
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

/* --- sent bytes */

static uint8_t framing_of(const struct http_out *out)
{
	return out->framing;
}

static void set_framing_out(struct http_out *out, enum http_framing framing)
{
	out->framing = (uint8_t)framing;
}

/* --- HTTP/2 */

static void begin_2(struct http_out *out)
{
	out->two = (struct http2){0};
	set_framing_out(out, HTTP_2);
}

/* A frame was sent whole: does it end a response? */
static bool end_sent_frame(struct http_out *out, struct http_in *in)
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
			ended += end_sent_frame(out, in);
		} else if (out->two.state == HTTP2_BAD) {
			in->opaque = true;
			break;
		}
	}
	return ended;
}

/* --- HTTP/1 */

static void end_response(struct http_out *out, struct http_in *in)
{
	http_queue_answer(&in->queue);
	out->sending = false;
	http1_restart(&out->one);
	out->status = 0;
}

static const unsigned char *send_status(struct http_out *out, const unsigned char *p,
					const unsigned char *end)
{
	if (out->one.state == HTTP1_START && framing_of(out) == HTTP_1)
		p = http1_start_pass_empty_lines(p, end);
	if (p == end)
		return p;
	out->sending = true;
	p = http1_start_read_status(&out->one, p, end, &out->status);
	if (out->one.state == HTTP1_SKIP) {
		set_framing_out(out, HTTP_1);
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
		in->opaque = true;
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
		in->opaque = true;
	} else if (method == HTTP1_IS_HEAD || status == 204 || status == 304) {
		out->one.state = HTTP1_ENDED;
	} else {
		http1_body_begin(&out->one, true);
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
			p = http1_head_read(m, p, end);
		if (m->state == HTTP1_HEAD_READ) {
			end_head(out, in);
			if (framing_of(out) == HTTP_2)
				return ended + send_2(out, in, p, end);
		}
		p = http1_body_read(m, p, end);
		if (m->state == HTTP1_ENDED) {
			end_response(out, in);
			ended++;
			if (in->opaque)
				break;
		}
		if (m->state == HTTP1_BAD) {
			in->opaque = true;
			break;
		}
	} while (p < end);
	return ended;
}

/* Bytes that nobody saw must all be of one body or payload. */
static unsigned send_unseen(struct http_out *out, struct http_in *in, size_t n)
{
	unsigned ended = 0;

	if (framing_of(out) == HTTP_2) {
		n -= http2_pass(&out->two, n);
		if (out->two.state == HTTP2_ENDED)
			ended = end_sent_frame(out, in);
	} else {
		n -= http1_body_pass(&out->one, n);
		if (out->one.state == HTTP1_ENDED) {
			end_response(out, in);
			ended = 1;
		}
	}
	if (n)
		in->opaque = true;
	return ended;
}

static unsigned http_send(struct http_out *out, struct http_in *in, const void *buf, size_t n)
{
	const unsigned char *p = buf;

	if (in->opaque)
		return 0;
	if (!p)
		return send_unseen(out, in, n);
	if (!n)
		return 0;
	switch (framing_of(out)) {
	case HTTP_UNDECIDED: /* a zero byte begins the length of a SETTINGS frame */
		if (out->one.state == HTTP1_START && !*p) {
			begin_2(out);
			return send_2(out, in, p, p + n);
		}
		break;
	case HTTP_1:
		if (out->one.state == HTTP1_LENGTH && n < out->one.left) {
			out->one.left -= n;
			return 0;
		}
		break;
	default:
		return send_2(out, in, p, p + n);
	}
	return send_1(out, in, p, p + n);
}

static unsigned http_shut(struct http_out *out, struct http_in *in)
{
	bool ends = framing_of(out) == HTTP_1 && out->one.state == HTTP1_CLOSE && !in->opaque;

	if (ends)
		end_response(out, in);
	out->shut = true;
	return ends;
}

/* --- what can be asked */

static bool http_in_flight(const struct http_in *in, const struct http_out *out)
{
	if (in->opaque || out->shut)
		return false;
	return http_queue_waiting(&in->queue) > 0 || out->sending || http2_any_open(&in->streams);
}

static enum http_framing http_framing_in(const struct http_in *in)
{
	if (in->opaque)
		return HTTP_OPAQUE;
	return (enum http_framing)in->framing;
}

static enum http_framing http_framing_out(const struct http_out *out, const struct http_in *in)
{
	if (in->opaque)
		return HTTP_OPAQUE;
	return (enum http_framing)out->framing;
}

/* --- for the tests */

struct reference {
	struct http_in in;
	struct http_out out;
};

struct reference *reference_make(void)
{
	return calloc(1, sizeof(struct reference));
}

void reference_receive(struct reference *r, const void *buf, size_t n)
{
	http_receive(&r->in, buf, n);
}

unsigned reference_send(struct reference *r, const void *buf, size_t n)
{
	return http_send(&r->out, &r->in, buf, n);
}

unsigned reference_shut(struct reference *r)
{
	return http_shut(&r->out, &r->in);
}

bool reference_in_flight(const struct reference *r)
{
	return http_in_flight(&r->in, &r->out);
}

bool reference_is_sending(const struct reference *r)
{
	return r->out.sending;
}

int reference_framing_in(const struct reference *r)
{
	return http_framing_in(&r->in);
}

int reference_framing_out(const struct reference *r)
{
	return http_framing_out(&r->out, &r->in);
}
