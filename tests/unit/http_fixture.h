/* http_fixture.h -- reads the framing fixtures; tests/fixtures/framing/README.md has the format */
/* SPDX-License-Identifier: MIT */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "check.h"

enum op { RECEIVE, SEND, RECEIVE_UNSEEN, SEND_UNSEEN, SHUT, EXPECT, FRAMING };

struct step {
	enum op op;
	unsigned char *bytes; /* RECEIVE, SEND */
	size_t n;             /* and the unseen ones */
	unsigned ended;       /* EXPECT: so far */
	bool in_flight;
	char in[16], out[16]; /* FRAMING */
};

struct fixture {
	const char *path;
	struct step steps[128];
	size_t n;
};

static size_t unescape(unsigned char *to, const char *from)
{
	size_t n = 0;

	for (; *from; n++) {
		if (*from != '\\') {
			to[n] = (unsigned char)*from++;
			continue;
		}
		switch (from[1]) {
		case 'r':
			to[n] = '\r';
			break;
		case 'n':
			to[n] = '\n';
			break;
		case 't':
			to[n] = '\t';
			break;
		case '\\':
			to[n] = '\\';
			break;
		case 'x': {
			char hex[3] = {from[2], from[3], 0};

			to[n] = (unsigned char)strtoul(hex, NULL, 16);
			from += 2;
			break;
		}
		default:
			CHECK(!"a known escape");
		}
		from += 2;
	}
	return n;
}

/* One after the other, lines of bytes of the same direction are one step. */
static struct step *step_for(struct fixture *fixture, enum op op)
{
	struct step *last = fixture->n ? &fixture->steps[fixture->n - 1] : NULL;

	if (last && last->op == op && (op == RECEIVE || op == SEND))
		return last;
	CHECK(fixture->n < sizeof fixture->steps / sizeof *fixture->steps);
	last = &fixture->steps[fixture->n++];
	*last = (struct step){.op = op};
	return last;
}

static void add_bytes(struct step *step, const char *text)
{
	unsigned long repeat = 1;
	unsigned char *line;
	size_t n;

	if (*text == '*')
		repeat = strtoul(text + 1, (char **)&text, 10);
	CHECK(*text == ' ');
	line = malloc(strlen(text));
	n = unescape(line, text + 1);
	step->bytes = realloc(step->bytes, step->n + n * repeat);
	for (; repeat; repeat--) {
		memcpy(step->bytes + step->n, line, n);
		step->n += n;
	}
	free(line);
}

static unsigned frame_type(const char *name)
{
	static const char *const names[] = {
		"DATA",         "HEADERS", "PRIORITY", "RST_STREAM",    "SETTINGS",
		"PUSH_PROMISE", "PING",    "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION"};

	for (unsigned type = 0; type < sizeof names / sizeof *names; type++) {
		if (!strcmp(name, names[type]))
			return type;
	}
	return (unsigned)strtoul(name, NULL, 0);
}

/* An HTTP/2 frame: type, flags, stream, length. */
static void add_frame(struct step *step, const char *line)
{
	char name[16];
	unsigned flags, stream, length, type;
	unsigned char *to;

	CHECK(sscanf(line, "%15s %x %u %u", name, &flags, &stream, &length) == 4);
	type = frame_type(name);
	step->bytes = realloc(step->bytes, step->n + 9 + length);
	to = step->bytes + step->n;
	memcpy(to,
	       (unsigned char[]){(unsigned char)(length >> 16), (unsigned char)(length >> 8),
				 (unsigned char)length, (unsigned char)type, (unsigned char)flags,
				 (unsigned char)(stream >> 24), (unsigned char)(stream >> 16),
				 (unsigned char)(stream >> 8), (unsigned char)stream},
	       9);
	memset(to + 9, '\n', length);
	step->n += 9 + length;
}

static void add_line(struct fixture *fixture, char *line)
{
	struct step *step;
	char flight[8] = "", rest[8] = "";

	line[strcspn(line, "\n")] = 0;
	if (!*line || *line == '#')
		return;
	if (*line == '>' || *line == '<') {
		bool in = *line == '>';

		if (line[1] == '~') {
			step = step_for(fixture, in ? RECEIVE_UNSEEN : SEND_UNSEEN);
			step->n = strtoul(line + 2, NULL, 10);
		} else if (line[1] == '!') {
			add_frame(step_for(fixture, in ? RECEIVE : SEND), line + 2);
		} else {
			add_bytes(step_for(fixture, in ? RECEIVE : SEND), line + 1);
		}
		return;
	}
	if (!strcmp(line, "shut")) {
		step_for(fixture, SHUT);
		return;
	}
	if (*line == '=') {
		step = step_for(fixture, EXPECT);
		CHECK(sscanf(line, "= %u %7s %7s", &step->ended, flight, rest) >= 1);
		step->in_flight = *flight;
		CHECK(!*flight || (!strcmp(flight, "in") && !strcmp(rest, "flight")));
		return;
	}
	step = step_for(fixture, FRAMING);
	CHECK(sscanf(line, "framing %15s %15s", step->in, step->out) == 2);
}

static void load(struct fixture *fixture, const char *path)
{
	char line[4096];
	FILE *file = fopen(path, "r");

	if (!file)
		fprintf(stderr, "%s: cannot be read\n", path);
	CHECK(file);
	fixture->path = path;
	fixture->n = 0;
	while (fgets(line, sizeof line, file))
		add_line(fixture, line);
	fclose(file);
	CHECK(fixture->n && fixture->steps[fixture->n - 1].op == FRAMING);
}

static void unload(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->n; i++)
		free(fixture->steps[i].bytes);
}

#endif
