/* http_fuzz.c -- any bytes at all, in any pieces, are framed as the reference does */
/* SPDX-License-Identifier: MIT */
/*
 * The input is one connection. Bytes from 0xfc on say what comes: 0xff bytes received, 0xfe bytes
 * sent, 0xfd N as 3 N + 1 that nobody saw, 0xfc shutdown. It is played three times:
 * as it stands, byte by byte, and in random pieces, each in a buffer of its own. After each piece
 * all that can be asked is what reference/reference.c says, and the outcome never depends on the
 * pieces.
 */
#include "http/http.h"
#include "must.h"
#include "reference/reference.h"

#include <stdlib.h>
#include <string.h>

enum pieces { WHOLE, SINGLE_BYTES, RANDOM };

struct player {
	enum pieces pieces;
	unsigned random;
	bool sending;
	struct http_in in;
	struct http_out out;
	struct reference *reference;
	size_t sent, ended;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t next_piece(struct player *player, size_t left)
{
	size_t n = 1;

	if (player->pieces == WHOLE)
		return left;
	if (player->pieces == RANDOM) {
		player->random = player->random * 1103515245 + 12345;
		n = 1 + (player->random >> 16) % (player->random >> 8 & 1 ? 5 : 60);
	}
	return n < left ? n : left;
}

static void agree(const struct player *player)
{
	const struct reference *reference = player->reference;
	enum http_framing out = http_framing_out(&player->out, &player->in);

	MUST((int)http_framing_in(&player->in) == reference_framing_in(reference));
	MUST((int)out == reference_framing_out(reference));
	MUST(http_in_flight(&player->in, &player->out) == reference_in_flight(reference));
	MUST(out == HTTP_OPAQUE ||
	     http_is_sending(&player->out) == reference_is_sending(reference));
}

static void hand_over(struct player *player, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = NULL;
	size_t ended;

	if (bytes) {
		copy = malloc(n);
		MUST(copy);
		memcpy(copy, bytes, n);
	}
	if (player->sending) {
		ended = http_send(&player->out, &player->in, copy, n);
		MUST(ended <= n);
		MUST(ended == reference_send(player->reference, copy, n));
		player->sent += n;
		player->ended += ended;
	} else {
		http_receive(&player->in, copy, n);
		reference_receive(player->reference, copy, n);
	}
	agree(player);
	free(copy);
}

static void play_bytes(struct player *player, const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t piece = next_piece(player, n);

		hand_over(player, bytes, piece);
		n -= piece;
		if (bytes)
			bytes += piece;
	}
}

static void shut(struct player *player)
{
	unsigned ended = http_shut(&player->out, &player->in);

	MUST(ended == reference_shut(player->reference));
	player->ended += ended;
	agree(player);
}

static struct player play(const uint8_t *data, size_t size, enum pieces pieces)
{
	struct player player = {.pieces = pieces, .random = (unsigned)size};
	const uint8_t *end = data + size, *p;

	player.reference = reference_make();
	MUST(player.reference);
	for (; data < end; data = p) {
		for (p = data; p < end && *p < 0xfc; p++)
			;
		if (p > data) {
			play_bytes(&player, data, (size_t)(p - data));
			continue;
		}
		p++;
		if (*data == 0xfc)
			shut(&player);
		else if (*data >= 0xfe)
			player.sending = *data == 0xfe;
		else if (p < end)
			play_bytes(&player, NULL, *p++ * (size_t)3 + 1);
	}
	free(player.reference);
	return player;
}

static void compare(const struct player *a, const struct player *b)
{
	MUST(a->sent == b->sent);
	MUST(a->ended == b->ended);
	MUST(http_framing_in(&a->in) == http_framing_in(&b->in));
	MUST(http_framing_out(&a->out, &a->in) == http_framing_out(&b->out, &b->in));
	MUST(http_in_flight(&a->in, &a->out) == http_in_flight(&b->in, &b->out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct player whole = play(data, size, WHOLE);
	struct player bytes = play(data, size, SINGLE_BYTES);
	struct player random = play(data, size, RANDOM);

	MUST(whole.ended <= whole.sent + 1); /* one by shutdown */
	compare(&whole, &bytes);
	compare(&whole, &random);
	return 0;
}
