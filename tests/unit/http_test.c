/* http_test.c -- response framing: fixtures cut everywhere, random traffic, and the reference */
/* SPDX-License-Identifier: MIT */
/* Usage: http_test [FIXTURE…]; without any, all of tests/fixtures/framing. */
#include "http/http.h"

#include <glob.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../fuzz/reference/reference.h"
#include "check.h"
#include "http_fixture.h"
#include "http_traffic.h"
#include "http2_traffic.h"

/* --- bytes against a page that cannot be read */

#define ARENA ((size_t)1 << 18)

static unsigned char *arena; /* ARENA bytes between two such pages */

static void map_arena(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *map =
		mmap(NULL, ARENA + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	arena = map + page;
	CHECK(mprotect(arena, ARENA, PROT_READ | PROT_WRITE) == 0);
}

static const void *place(const void *bytes, size_t n, bool at_end)
{
	CHECK(n <= ARENA);
	return memcpy(at_end ? arena + ARENA - n : arena, bytes, n);
}

/* --- fixtures */

/* How the bytes of a fixture are handed over. */
enum cut { WHOLE, SINGLE_BYTES, ONE_CUT };

struct run {
	const struct fixture *fixture;
	enum cut cut;
	size_t step, at; /* ONE_CUT: this step is cut here */
	bool at_end;     /* of the arena, else at its begin */
	struct http_in in;
	struct http_out out;
	struct reference *reference; /* is fed the same, and must say the same */
	unsigned ended;
};

static void start(struct run *run)
{
	run->reference = reference_make();
	CHECK(run->reference);
}

static void agree(const struct run *run)
{
	enum http_framing out = http_framing_out(&run->out, &run->in);

	CHECK((int)http_framing_in(&run->in) == reference_framing_in(run->reference));
	CHECK((int)out == reference_framing_out(run->reference));
	CHECK(http_in_flight(&run->in, &run->out) == reference_in_flight(run->reference));
	CHECK(out == HTTP_OPAQUE ||
	      http_is_sending(&run->out) == reference_is_sending(run->reference));
}

static void receive(struct run *run, const void *bytes, size_t n)
{
	http_receive(&run->in, bytes, n);
	reference_receive(run->reference, bytes, n);
	agree(run);
}

static unsigned send(struct run *run, const void *bytes, size_t n)
{
	unsigned ended = http_send(&run->out, &run->in, bytes, n);

	CHECK(ended == reference_send(run->reference, bytes, n));
	agree(run);
	return ended;
}

static unsigned shut(struct run *run)
{
	unsigned ended = http_shut(&run->out, &run->in);

	CHECK(ended == reference_shut(run->reference));
	agree(run);
	return ended;
}

static void feed(struct run *run, const struct step *step, size_t from, size_t to)
{
	const void *bytes = NULL;

	if (step->bytes)
		bytes = place(step->bytes + from, to - from, run->at_end);
	if (step->op == RECEIVE || step->op == RECEIVE_UNSEEN)
		receive(run, bytes, to - from);
	else
		run->ended += send(run, bytes, to - from);
}

static void feed_cut(struct run *run, size_t i)
{
	const struct step *step = &run->fixture->steps[i];

	if (run->cut == SINGLE_BYTES) {
		for (size_t at = 0; at < step->n; at++)
			feed(run, step, at, at + 1);
	} else if (run->cut == ONE_CUT && run->step == i) {
		feed(run, step, 0, run->at);
		feed(run, step, run->at, step->n);
	} else {
		feed(run, step, 0, step->n);
	}
}

static bool holds(const struct run *run, const struct step *step)
{
	if (step->op == EXPECT)
		return run->ended == step->ended &&
		       http_in_flight(&run->in, &run->out) == step->in_flight;
	return !strcmp(http_framing_name(http_framing_in(&run->in)), step->in) &&
	       !strcmp(http_framing_name(http_framing_out(&run->out, &run->in)), step->out);
}

static void play(struct run run)
{
	start(&run);
	for (size_t i = 0; i < run.fixture->n; i++) {
		const struct step *step = &run.fixture->steps[i];

		if (step->op == SHUT)
			run.ended += shut(&run);
		else if (step->op < SHUT)
			feed_cut(&run, i);
		else if (!holds(&run, step))
			fprintf(stderr,
				"%s: step %zu, cut %d of step %zu at %zu: %u ended, %sin flight, "
				"%s %s\n",
				run.fixture->path, i, run.cut, run.step, run.at, run.ended,
				http_in_flight(&run.in, &run.out) ? "" : "not ",
				http_framing_name(http_framing_in(&run.in)),
				http_framing_name(http_framing_out(&run.out, &run.in)));
		CHECK(step->op <= SHUT || holds(&run, step));
	}
	free(run.reference);
}

/* Every cut; of a long step those near its ends and a sample of the others. */
static size_t next_cut(size_t at, size_t n)
{
	return n < 4096 || at < 128 || at + 128 > n ? at + 1 : at + 509;
}

static void play_all(const struct fixture *fixture)
{
	play((struct run){.fixture = fixture, .at_end = true});
	play((struct run){.fixture = fixture});
	play((struct run){.fixture = fixture, .cut = SINGLE_BYTES, .at_end = true});
	for (size_t i = 0; i < fixture->n; i++) {
		const struct step *step = &fixture->steps[i];

		for (size_t at = 1; at < step->n; at = next_cut(at, step->n))
			play((struct run){.fixture = fixture,
					  .cut = ONE_CUT,
					  .step = i,
					  .at = at,
					  .at_end = true});
	}
}

static void test_fixture(const char *path)
{
	struct fixture fixture;

	load(&fixture, path);
	play_all(&fixture);
	unload(&fixture);
}

static void test_fixtures(void)
{
	glob_t found;

	CHECK(glob("tests/fixtures/framing/*.txt", 0, NULL, &found) == 0);
	CHECK(found.gl_pathc >= 40);
	for (size_t i = 0; i < found.gl_pathc; i++)
		test_fixture(found.gl_pathv[i]);
	globfree(&found);
}

/* --- random traffic */

struct place {
	size_t in, out; /* bytes handed over */
	unsigned ended; /* as counted */
};

/* How far the server may have answered, for what was received. */
static size_t may_answer(const struct traffic *t, size_t in)
{
	size_t i = 0;

	while (i < t->exchanges && t->received[i] <= in)
		i++;
	return i < t->exchanges ? t->answer[i] : t->out.n;
}

/* How far the client may go on: to 32 requests of mixed kinds that wait. */
static size_t may_ask(const struct traffic *t, size_t answered)
{
	return answered + 32 < t->exchanges ? t->begin[answered + 32] : t->in.n;
}

static size_t count_until(const size_t *offsets, size_t n, size_t at)
{
	size_t count = 0;

	while (count < n && offsets[count] < at)
		count++;
	return count;
}

static void check_place(const struct traffic *t, const struct run *run, struct place at)
{
	size_t ended = count_until(t->end, t->ends, at.out + 1);
	size_t begun = count_until(t->begin, t->exchanges, at.in);

	CHECK(at.ended == ended);
	for (size_t i = 0; i < ended; i++)
		begun += t->pushed[i];
	if (at.in >= 4) /* up to there a preface is taken for a request */
		CHECK(http_in_flight(&run->in, &run->out) == (begun > ended));
	CHECK(!http_is_opaque(&run->in));
}

/* A piece of random size; as bytes that nobody saw if they may be. Returns where it ends. */
static size_t piece(const struct bytes_sent *from, size_t at, size_t limit, const void **bytes)
{
	size_t n = 1 + roll(roll(3) ? 30 : 1500);
	bool unseen = roll(2);

	if (n > limit - at)
		n = limit - at;
	for (size_t i = at; i < at + n; i++)
		unseen &= from->body[i];
	*bytes = unseen ? NULL : place(from->data + at, n, true);
	return at + n;
}

static void play_traffic(const struct traffic *t)
{
	struct run run = {0};
	struct place at = {0};
	const void *bytes;

	start(&run);
	while (at.in < t->in.n || at.out < t->out.n) {
		size_t in_limit = may_ask(t, at.ended), out_limit = may_answer(t, at.in), to;

		if (at.in < in_limit && (at.out >= out_limit || roll(2))) {
			to = piece(&t->in, at.in, in_limit, &bytes);
			receive(&run, bytes, to - at.in);
			at.in = to;
		} else {
			to = piece(&t->out, at.out, out_limit, &bytes);
			at.ended += send(&run, bytes, to - at.out);
			at.out = to;
		}
		check_place(t, &run, at);
	}
	CHECK(!shut(&run) == !t->until_close);
	CHECK(!http_in_flight(&run.in, &run.out));
	free(run.reference);
}

static void test_traffic(void)
{
	static struct traffic traffic;

	for (unsigned seed = 1; seed <= 3000; seed++) {
		random_state = seed * UINT64_C(0x9e3779b97f4a7c15);
		make_http1(&traffic);
		play_traffic(&traffic);
		make_http2(&traffic);
		play_traffic(&traffic);
	}
}

/* --- the rest of the contract */

static void test_give_up(void)
{
	struct http_in in = {0};
	struct http_out out = {0};

	CHECK(http_framing_in(&in) == HTTP_UNDECIDED);
	CHECK(http_framing_out(&out, &in) == HTTP_UNDECIDED);
	http_receive(&in, "", 0);
	http_receive(&in, NULL, 0);
	CHECK(http_send(&out, &in, "", 0) == 0 && http_send(&out, &in, NULL, 0) == 0);
	CHECK(!http_is_opaque(&in) && !http_in_flight(&in, &out));
	http_receive(&in, "G", 1);
	CHECK(http_in_flight(&in, &out));
	http_give_up(&in);
	CHECK(http_is_opaque(&in) && !http_in_flight(&in, &out));
	CHECK(http_framing_in(&in) == HTTP_OPAQUE);
	CHECK(http_framing_out(&out, &in) == HTTP_OPAQUE);
	CHECK(http_send(&out, &in, "HTTP/1.1 204 No\r\n\r\n", 19) == 0);
	CHECK(http_shut(&out, &in) == 0);
}

int main(int argc, char **argv)
{
	map_arena();
	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			test_fixture(argv[i]);
		return CHECK_DONE("http");
	}
	test_give_up();
	test_fixtures();
	test_traffic();
	return CHECK_DONE("http");
}
