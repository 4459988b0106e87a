/* perl.c -- Perl's STDOUT */
/* SPDX-License-Identifier: MIT */
/*
 * A handle is a stack of layers: usually perlio, which has the buffer, on top of unix. We write the
 * front of that buffer and remove it as PerlIOBuf_flush() does. We never call that function,
 * because it discards the buffer if a write fails. Left alone: other layers (:encoding calls back
 * into Perl), another descriptor, an interpreter that is embedded in another program, the
 * interpreter of a Perl thread, and one that is ending, which frees the handles. Source: perliol.h,
 * perlio.c, perl.c and thread.h of Perl 5.16 to 5.40. A perl without threads has the same names,
 * without the interpreter as their first argument. Owns: what was found. Read and written by the
 * thread that runs Perl.
 */
#include "runtime/runtime.h"

#include "base/platform.h"
#include "runtime/own_buffer.h"
#include "shared/introspect.h"

#include <limits.h>

#define WRITES 0x00020000 /* PERLIO_F_WRBUF: what is in the buffer is to be written */

struct layer {
	struct layer *below;
	const void *kind; /* a PerlIO_funcs */
	uint32_t flags;
	int error;
	void *top;
};

struct buffer_layer {
	struct layer layer;
	char *start, *end, *at;
	int64_t position;
	size_t size;
};

struct perl; /* a PerlInterpreter */

/* Each of the functions takes the interpreter first, where there can be several. */
static struct {
	const pthread_key_t *key; /* of a thread's interpreter; NULL: there is one only */
	const void *perlio, *unix_;
	void *get_stdout, *get_base, *get_ptr, *get_fileno, *at_exit;
} api;

static pthread_t main_thread;    /* written by the constructor only, as api */
static struct perl *interpreter; /* the first that was seen; NULL: none was */
static struct layer **handle;    /* its STDOUT */
static bool left_alone;

/* --- finding it --------------------------------------------------------------------------- */

/* Is this program perl? The name of a script does not tell. */
static bool is_perl(void)
{
	char path[PATH_MAX];
	ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof(path) - 1);
	const char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	return slash && !strncmp(slash + 1, "perl", 4);
}

#define LAYER "PerlIO_perlio"

static bool find(bool exported)
{
	if (!exported || !dlsym || !pthread_getspecific || !is_perl())
		return false;
	main_thread = pthread_self();
	api.key = dlsym(RTLD_DEFAULT, "PL_thr_key");
	return (api.perlio = dlsym(RTLD_DEFAULT, LAYER)) &&
	       (api.unix_ = dlsym(RTLD_DEFAULT, "PerlIO_unix")) &&
	       (api.get_stdout = dlsym(RTLD_DEFAULT, "Perl_PerlIO_stdout")) &&
	       (api.get_base = dlsym(RTLD_DEFAULT, "Perl_PerlIO_get_base")) &&
	       (api.get_ptr = dlsym(RTLD_DEFAULT, "Perl_PerlIO_get_ptr")) &&
	       (api.get_fileno = dlsym(RTLD_DEFAULT, "Perl_PerlIO_fileno")) &&
	       (api.at_exit = dlsym(RTLD_DEFAULT, "Perl_call_atexit"));
}

static struct perl *current(void)
{
	static struct perl *const only = (struct perl *)&api; /* there is one, and it has no name */

	if (api.key)
		return pthread_getspecific(*api.key);
	return pthread_self() == main_thread ? only : NULL;
}

static void *pointer_of(void *function)
{
	if (api.key)
		return ((void *(*)(struct perl *, struct layer **))function)(interpreter, handle);
	return ((void *(*)(struct layer **))function)(handle);
}

static int fileno_of(void)
{
	if (api.key)
		return ((int (*)(struct perl *, struct layer **))api.get_fileno)(interpreter,
										 handle);
	return ((int (*)(struct layer **))api.get_fileno)(handle);
}

/* --- the interpreter ---------------------------------------------------------------------- */

/* Before the handles are freed. A thread's interpreter has a copy of the list of such calls. */
static void ends_with(struct perl *perl, void *unused)
{
	(void)unused;
	if (perl == interpreter)
		left_alone = true;
}

static void ends_without(void *unused)
{
	(void)unused;
	left_alone = true;
}

/* The first time, on its own thread. */
static void learn(void)
{
	interpreter = current();
	if (api.key) {
		((void (*)(struct perl *, void (*)(struct perl *, void *), void *))api.at_exit)(
			interpreter, ends_with, NULL);
		handle = ((struct layer * *(*)(struct perl *)) api.get_stdout)(interpreter);
	} else {
		((void (*)(void (*)(void *), void *))api.at_exit)(ends_without, NULL);
		handle = ((struct layer * *(*)(void)) api.get_stdout)();
	}
}

/* --- its STDOUT --------------------------------------------------------------------------- */

/*
 * The layer that holds bytes to be written, or NULL. A handle is the first field of its entry in
 * Perl's table. The flags there count the calls that are under way: if a signal interrupts a write,
 * a handler in Perl runs in the middle of it.
 */
static struct buffer_layer *pending_layer(void)
{
	struct buffer_layer *top = (struct buffer_layer *)*handle;

	library_status.perl = (struct status_buffer){NULL, NULL};
	if (!top || ((struct layer *)handle)->flags || top->layer.kind != api.perlio)
		return NULL;
	if (!top->layer.below || top->layer.below->kind != api.unix_)
		return NULL;
	library_status.perl = (struct status_buffer){top->start, &top->at};
	return top->layer.flags & WRITES && top->at > top->start ? top : NULL;
}

static bool pending(void)
{
	struct perl *perl = left_alone || !own_buffer_may_write() ? NULL : current();

	return perl && (!handle || (perl == interpreter && pending_layer()));
}

static enum sink_result flush_at_wait(struct flush_params *params)
{
	enum sink_result result = SINK_CLEAN;
	struct buffer_layer *top;
	size_t n;

	if (!handle)
		learn();
	top = pending_layer();
	if (!top || fileno_of() != STDOUT_FILENO)
		return SINK_CLEAN;
	if (pointer_of(api.get_base) != top->start || pointer_of(api.get_ptr) != top->at) {
		left_alone = true; /* the fields of this Perl are elsewhere */
		return SINK_CLEAN;
	}
	n = own_buffer_write(top->start, (size_t)(top->at - top->start), params, &result);
	top->at -= n;
	top->position += (int64_t)n;
	if (top->at == top->start) {
		top->end = top->start;
		top->layer.flags &= ~(uint32_t)WRITES;
	}
	return result;
}

/* Perl flushes before it forks. If something else forked, the copy is written at exit. */
static void begin_in_child(void)
{
	if (handle && !left_alone && pending_layer())
		left_alone = true;
}

const struct runtime perl_runtime = {.setting = CONFIG_RUNTIME_PERL,
				     .symbol = LAYER,
				     .find = find,
				     .pending = pending,
				     .flush_at_wait = flush_at_wait,
				     .begin_in_child = begin_in_child};
