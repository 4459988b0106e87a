/* bytes.h -- looking at text: letters, and many bytes at once */
/* SPDX-License-Identifier: MIT */
#ifndef IDLEFLUSH_BYTES_H
#define IDLEFLUSH_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTES_EACH UINT64_C(0x0101010101010101)

static inline bool bytes_is_digit(unsigned char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline bool bytes_is_blank(unsigned char c)
{
	return c == ' ' || c == '\t';
}

/* Letters in lower case, and a few control characters as signs: harmless, names have neither. */
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

static inline uint64_t bytes_folded_word(const unsigned char *p)
{
	return bytes_word(p) | BYTES_EACH * 0x20;
}

/* Eight bytes as a number, the first on top. */
static inline uint64_t bytes_number(const unsigned char *p)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(bytes_word(p));
#else
	return bytes_word(p);
#endif
}

/*
 * Line feeds of BYTES_BLOCK bytes at once: bit N << BYTES_HIT_SHIFT is set where byte N is one.
 * Every x86-64 has SSE2: with it a response of 150 bytes of head costs 400 instructions, not 580.
 */
#if defined __SSE2__
#define BYTES_BLOCK     32
#define BYTES_HIT_SHIFT 0
typedef uint32_t bytes_hits;

static inline bytes_hits bytes_find_lfs(const unsigned char *p)
{
	char low __attribute__((vector_size(16))), high __attribute__((vector_size(16)));

	__builtin_memcpy(&low, p, sizeof low);
	__builtin_memcpy(&high, p + 16, sizeof high);
	return (uint32_t)__builtin_ia32_pmovmskb128(low == '\n') |
	       (uint32_t)__builtin_ia32_pmovmskb128(high == '\n') << 16;
}
#else
#define BYTES_BLOCK     8
#define BYTES_HIT_SHIFT 3
typedef uint64_t bytes_hits;

static inline bytes_hits bytes_find_lfs(const unsigned char *p)
{
	const uint64_t low7 = BYTES_EACH * 0x7f;
	uint64_t zero_is_lf, word = bytes_word(p);

	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		word = __builtin_bswap64(word);
	zero_is_lf = word ^ BYTES_EACH * '\n';
	return ~(((zero_is_lf & low7) + low7) | zero_is_lf | low7) >> 7;
}
#endif

static inline size_t bytes_first_hit(bytes_hits hits)
{
	int bit = sizeof hits == 8 ? __builtin_ctzll(hits) : __builtin_ctz((unsigned)hits);

	return (size_t)bit >> BYTES_HIT_SHIFT;
}

/* Those of byte `first` (1 to BYTES_BLOCK) and after. */
static inline bytes_hits bytes_hits_from(bytes_hits hits, unsigned first)
{
	return hits & ~(bytes_hits)1 << (((first) << BYTES_HIT_SHIFT) - 1);
}

/* The next line feed from `p` on, or `end`. */
static inline const unsigned char *bytes_find_lf(const unsigned char *p, const unsigned char *end)
{
	for (; end - p >= BYTES_BLOCK; p += BYTES_BLOCK) {
		bytes_hits hits = bytes_find_lfs(p);

		if (hits)
			return p + bytes_first_hit(hits);
	}
	while (p < end && *p != '\n')
		p++;
	return p;
}

#endif
