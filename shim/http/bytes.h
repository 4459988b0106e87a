/* bytes.h -- looking at text: letters, and many bytes at once */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_BYTES_H
#define IDLEFLUSH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bytes_is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool bytes_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* Letters in lower case. A few control characters become signs, but names contain neither. */
static inline unsigned char bytes_folded(unsigned char c)
{
	return c | 0x20;
}

/* Eight bytes as they lie in memory: for comparing with another such word. */
static inline uint64_t bytes_word(const void *p)
{
	uint64_t word;

	__builtin_memcpy(&word, p, sizeof word);
	return word;
}

/* Four, and two. */
static inline uint32_t bytes_quad(const void *p)
{
	uint32_t word;

	__builtin_memcpy(&word, p, sizeof word);
	return word;
}

static inline uint16_t bytes_pair(const void *p)
{
	uint16_t word;

	__builtin_memcpy(&word, p, sizeof word);
	return word;
}

static inline uint64_t bytes_folded_word(const unsigned char *p)
{
	return bytes_word(p) | UINT64_C(0x2020202020202020);
}

/* --- line feeds, as masks: bit N stands for byte N */

#define BYTES_BLOCK 64

#if defined __SSE2__ /* as every x86-64 */
#define BYTES_PIECE 16

static inline uint64_t bytes_feeds_of_piece(const unsigned char *p)
{
	char piece __attribute__((vector_size(16)));

	__builtin_memcpy(&piece, p, sizeof piece);
	return (unsigned)__builtin_ia32_pmovmskb128(piece == '\n');
}
#else
#define BYTES_PIECE 8

static inline uint64_t bytes_feeds_of_piece(const unsigned char *p)
{
	const uint64_t each = UINT64_C(0x0101010101010101), low7 = each * 0x7f;
	uint64_t zero_is_feed, tops, word = bytes_word(p);

	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		word = __builtin_bswap64(word);
	zero_is_feed = word ^ each * '\n';
	tops = ~(((zero_is_feed & low7) + low7) | zero_is_feed | low7);
	return (tops >> 7) * UINT64_C(0x0102040810204080) >> 56;
}
#endif

/* The line feeds of BYTES_BLOCK bytes. */
static inline uint64_t bytes_feeds_of_block(const unsigned char *p)
{
	uint64_t feeds = 0;

#pragma GCC unroll 8
	for (unsigned at = 0; at < BYTES_BLOCK; at += BYTES_PIECE)
		feeds |= bytes_feeds_of_piece(p + at) << at;
	return feeds;
}

/* Those of the first BYTES_BLOCK bytes from `p` on, or fewer: up to `end`. */
static inline uint64_t bytes_feeds(const unsigned char *p, const unsigned char *end)
{
	size_t n = (size_t)(end - p);
	uint64_t feeds = 0;

	if (n >= BYTES_BLOCK)
		return bytes_feeds_of_block(p);
	if (n < BYTES_PIECE) {
		for (size_t at = 0; at < n; at++)
			feeds |= (uint64_t)(p[at] == '\n') << at;
		return feeds;
	}
#pragma GCC unroll 8
	for (unsigned at = 0; at <= BYTES_BLOCK - 2 * BYTES_PIECE; at += BYTES_PIECE) {
		feeds |= bytes_feeds_of_piece(p + at) << at;
		if (n < at + 2 * BYTES_PIECE)
			break;
	}
	return feeds | bytes_feeds_of_piece(end - BYTES_PIECE) << (n - BYTES_PIECE); /* overlaps */
}

/* Those of the last `n` bytes before `end`, 1 to BYTES_BLOCK - 1 of at least BYTES_BLOCK. */
static inline uint64_t bytes_feeds_of_tail(const unsigned char *end, size_t n)
{
	uint64_t feeds = 0;

#pragma GCC unroll 8
	for (unsigned back = BYTES_PIECE; back <= BYTES_BLOCK; back += BYTES_PIECE) {
		feeds |= bytes_feeds_of_piece(end - back) << (BYTES_BLOCK - back);
		if (n <= back)
			break;
	}
	return feeds >> (-n & (BYTES_BLOCK - 1));
}

/* Of a mask that is not 0. */
static inline size_t bytes_first(uint64_t mask)
{
#ifdef __x86_64__
	size_t first; /* the built-in function is an int, which takes instructions to extend */

	__asm__("rep bsfq %1, %0" : "=r"(first) : "r"(mask) : "cc");
	return first;
#else
	return (size_t)__builtin_ctzll(mask);
#endif
}

/* The next line feed from `p` on, or `end`. */
static inline const unsigned char *bytes_find_feed(const unsigned char *p, const unsigned char *end)
{
	while (p < end) {
		uint64_t feeds = bytes_feeds(p, end);

		if (feeds)
			return p + bytes_first(feeds);
		p = end - p > BYTES_BLOCK ? p + BYTES_BLOCK : end;
	}
	return p;
}

#endif
