/* ocaml.c -- the output channels of OCaml 4 */
/* SPDX-License-Identifier: MIT */
/*
 * The runtime exports the list of its channels. Only stdin's is made before stdout's, which lives
 * as long as the program, because the module Stdlib holds it. We write its front as the runtime's
 * caml_flush_partial() does, which reads the fields again after each signal.
 * Source: runtime/caml/io.h and io.c of OCaml 4.12 to 4.14. In OCaml 5 the buffer is elsewhere in
 * the channel, by which we recognize it. Owns: what was found. Read and written by the main thread,
 * or for it.
 */
#include "runtime/runtime.h"

#include "base/platform.h"
#include "runtime/own_buffer.h"
#include "shared/introspect.h"

#define BUFFER_BYTES 65536 /* IO_BUFFER_SIZE */
#define MANY         1000

struct channel {
	int fd;
	int64_t offset; /* of fd in its file, as the runtime knows it */
	char *end, *at;
	const char *limit; /* of what was read; NULL: an output channel */
	void *mutex;
	struct channel *next, *previous;
	int users, flags;
	char buffer[BUFFER_BYTES];
};

static struct channel **all; /* the newest first */
static void *const *lock;    /* not NULL: there are threads, which share the channels */
static pthread_t main_thread;
static struct channel *out; /* stdout's; NULL: not seen yet */
static bool left_alone;

#define CHANNELS "caml_all_opened_channels"

static bool find(bool exported)
{
	all = exported && dlsym ? dlsym(RTLD_DEFAULT, CHANNELS) : NULL;
	lock = all ? dlsym(RTLD_DEFAULT, "caml_channel_mutex_lock") : NULL;
	main_thread = pthread_self();
	/* Since 4.12, as is that no signal handler in OCaml runs in the middle of a write. */
	return lock && dlsym(RTLD_DEFAULT, "caml_enter_blocking_section_no_pending");
}

static bool is_known(const struct channel *channel)
{
	return channel->end == channel->buffer + BUFFER_BYTES && channel->at >= channel->buffer &&
	       channel->at <= channel->end;
}

/*
 * Finds the oldest output channel on the descriptor. While the program starts it is not there yet;
 * if there are many channels without it, stdout's has been closed.
 */
static void find_stdout(void)
{
	int count = 0;

	for (struct channel *channel = *all; channel; channel = channel->next) {
		if (!is_known(channel) || ++count > MANY) {
			left_alone = true;
			out = NULL;
			return;
		}
		if (!channel->limit && channel->fd == STDOUT_FILENO)
			out = channel;
	}
	if (out)
		library_status.ocaml = (struct status_buffer){out->buffer, &out->at};
}

static bool pending(void)
{
	if (left_alone || *lock || !own_buffer_may_write() || pthread_self() != main_thread)
		return false;
	if (!out)
		find_stdout();
	return out && !left_alone && out->fd == STDOUT_FILENO && out->at > out->buffer;
}

static bool holds(void)
{
	return out && out->at > out->buffer;
}

static enum sink_result flush_at_wait(struct flush_params *params)
{
	enum sink_result result = SINK_CLEAN;
	size_t n;

	if (out->at == out->buffer)
		return result;
	n = own_buffer_write(out->buffer, (size_t)(out->at - out->buffer), params, &result);

	out->at -= n;
	out->offset += (int64_t)n;
	return result;
}

/* A copy of what the parent has pending: to be written at the child's exit, as without us. */
static void begin_in_child(void)
{
	if (out && out->at > out->buffer)
		left_alone = true;
}

const struct runtime ocaml_runtime = {.setting = CONFIG_RUNTIME_OCAML,
				      .symbol = CHANNELS,
				      .find = find,
				      .pending = pending,
				      .flush_at_wait = flush_at_wait,
				      .lends = true,
				      .holds = holds,
				      .begin_in_child = begin_in_child};
