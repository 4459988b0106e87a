/* python_hooks.c -- keeps our second thread out of Python while Python forks or ends */
/* SPDX-License-Identifier: MIT */
/*
 * A forked child must not inherit a half-made thread state or a stream in the middle of a flush,
 * and taking the GIL of an interpreter that is gone crashes. So forks and the end begin with a hook
 * of ours, which keeps our thread out. If the thread is inside, the hook releases the GIL until it
 * has left. (flush/fork_gate.c cannot do this: whoever waits there must not hold the GIL.) Owns:
 * `inside`, `forks` and `ending`. Each side first announces itself and then looks at the other.
 * With sequential consistency at least one sees the other.
 * Called from: host threads with the GIL (hooks), the second thread, the atfork child handler.
 * The main thread installs the hooks in a pending call, at the latest when the interpreter ends. A
 * main thread that runs no Python for half a second is that of a program that embeds Python; then,
 * and before 3.9, our thread enters once without hooks, and installs them.
 */
#include "runtime/python/python_hooks.h"

#include "base/futex.h"
#include "base/platform.h"
#include "runtime/python/sys_streams.h"
#include "runtime/python/text_stream.h"

#define WAIT_BOUND (100 * NS_PER_MS)
#define COUNTING   0x030c0000 /* the first version that counts threads at a fork */

static _Atomic uint32_t inside; /* futex: how many threads of ours are between enter and leave */
static _Atomic uint32_t forks;  /* futex: threads that are about to fork */
static _Atomic bool ending;     /* the interpreter is about to end, or has */
static _Atomic bool put, refused;
static _Atomic int counter; /* the thread in whose os.fork that is still to come; 0: none */
static _Atomic int64_t counts_until_ns; /* it comes before our hook, or right after it */
static _Atomic bool overdue;            /* somebody waited in vain; nobody else need do so */

static void (*child_begins)(void); /* written by the constructor only */

void python_hooks_init(void (*in_child)(void))
{
	child_begins = in_child;
}

bool python_hooks_open(void)
{
	return atomic_load_explicit(&put, memory_order_relaxed) &&
	       !atomic_load_explicit(&ending, memory_order_relaxed);
}

bool python_hooks_may_come(void)
{
	const struct python_api *python = python_api();

	return python && !atomic_load(&ending) && !atomic_load(&refused) &&
	       python->Py_IsInitialized();
}

/* --- the second thread -------------------------------------------------------------------- */

bool python_hooks_try_enter(void)
{
	atomic_fetch_add(&inside, 1);
	if (!atomic_load(&forks) && !atomic_load(&ending) && !atomic_load(&refused))
		return true;
	python_hooks_leave();
	return false;
}

bool python_hooks_enter(void)
{
	while (!python_hooks_try_enter()) {
		uint32_t now = atomic_load(&forks);

		if (atomic_load(&ending) || atomic_load(&refused))
			return false;
		if (now)
			futex_wait(&forks, now, WAIT_BOUND);
	}
	return true;
}

void python_hooks_leave(void)
{
	if (atomic_fetch_sub(&inside, 1) != 1)
		return;
	atomic_store(&overdue, false);
	if (atomic_load(&forks) || atomic_load(&ending))
		futex_wake(&inside);
}

void python_hooks_begin_in_child(void)
{
	atomic_store(&inside, 0);
	atomic_store(&forks, 0);
	atomic_store(&overdue, false);
	atomic_store(&counter, 0);
}

/* --- the hooks: host threads with the GIL ------------------------------------------------- */

/* Our thread may be waiting for the GIL, which we have. */
static void wait_until_outside(const struct python_api *python)
{
	uint32_t now = atomic_load(&inside);
	int64_t deadline;
	void *state;

	if (!now || atomic_load(&overdue))
		return;
	state = python->PyEval_SaveThread();
	deadline = clock_now_ns() + WAIT_BOUND;
	while ((now = atomic_load(&inside)) && futex_wait_until(&inside, now, deadline))
		;
	if (now)
		atomic_store(&overdue, true); /* the program's own flush() takes its time */
	python->PyEval_RestoreThread(state);
}

/* Python's signal handlers may run in a flush, and an exception from one would be lost here. */
static void flush_before_fork(const struct python_api *python)
{
	sigset_t all, saved_mask;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved_mask);
	python_sys_streams_flush_own(python, SINK_ALL, NULL);
	pthread_sigmask(SIG_SETMASK, &saved_mask, NULL);
}

static struct python_object *none(const struct python_api *python)
{
	python->Py_IncRef(python->_Py_NoneStruct);
	return python->_Py_NoneStruct;
}

static struct python_object *before_fork(struct python_object *self, struct python_object *unused)
{
	const struct python_api *python = python_api();

	(void)self, (void)unused;
	atomic_fetch_add(&forks, 1);
	if (python->version && *python->version >= COUNTING) {
		atomic_store(&counts_until_ns, INT64_MAX);
		atomic_store(&counter, (int)syscall(SYS_gettid));
	}
	wait_until_outside(python);
	flush_before_fork(python);
	return none(python);
}

static struct python_object *in_parent(struct python_object *self, struct python_object *unused)
{
	(void)self, (void)unused;
	atomic_store(&counts_until_ns, clock_now_ns() + WAIT_BOUND); /* a subprocess has no count */
	atomic_fetch_sub(&forks, 1);
	futex_wake(&forks);
	return none(python_api());
}

static struct python_object *in_child(struct python_object *self, struct python_object *unused)
{
	(void)self, (void)unused;
	if (child_begins)
		child_begins();
	return none(python_api());
}

/* Python flushes by itself when it ends. Only functions registered before ours run after this. */
static struct python_object *at_exit(struct python_object *self, struct python_object *unused)
{
	(void)self, (void)unused;
	atomic_store(&ending, true);
	wait_until_outside(python_api());
	return none(python_api());
}

/* The interpreter is gone. A program that embeds Python may start another. */
static void interpreter_finalized(void)
{
	atomic_store(&put, false);
	atomic_store(&ending, false);
}

/*
 * Since 3.12 os.fork warns if there are other threads, which may hold a lock that the child needs.
 * Our threads are kept out of forks, and a program that never saw this warning could fail because
 * of it. CPython reads the number of threads from this file; if it cannot, it asks its module
 * threading.
 */
bool python_hooks_hide_from(const char *path)
{
	int thread = atomic_load_explicit(&counter, memory_order_relaxed);

	if (!thread || !path || strcmp(path, "/proc/self/stat") != 0 ||
	    thread != (int)syscall(SYS_gettid))
		return false;
	atomic_store(&counter, 0);
	return clock_now_ns() < atomic_load(&counts_until_ns);
}

/* --- putting them ------------------------------------------------------------------------- */

static const struct python_method before_fork_method = {"idleflush_before_fork", before_fork,
							PYTHON_NO_ARGUMENTS, NULL};
static const struct python_method in_parent_method = {"idleflush_in_parent", in_parent,
						      PYTHON_NO_ARGUMENTS, NULL};
static const struct python_method in_child_method = {"idleflush_in_child", in_child,
						     PYTHON_NO_ARGUMENTS, NULL};
static const struct python_method at_exit_method = {"idleflush_at_exit", at_exit,
						    PYTHON_NO_ARGUMENTS, NULL};

static struct python_object *function(const struct python_api *python,
				      const struct python_method *method)
{
	return python->PyCFunction_NewEx(method, NULL, NULL);
}

/* Calls module.name(*arguments, **keywords), which are given away. True when that worked. */
static bool call(const struct python_api *python, const char *module, const char *name,
		 struct python_object *arguments, struct python_object *keywords)
{
	struct python_object *from = python->PyImport_ImportModule(module);
	struct python_object *called = from ? python->PyObject_GetAttrString(from, name) : NULL;
	struct python_object *result =
		called && arguments ? python->PyObject_Call(called, arguments, keywords) : NULL;

	python->Py_DecRef(from);
	python->Py_DecRef(called);
	python->Py_DecRef(arguments);
	python->Py_DecRef(keywords);
	python->Py_DecRef(result);
	if (!result)
		python->PyErr_Clear();
	return result;
}

bool python_hooks_put(const struct python_api *python)
{
	if (atomic_load(&put))
		return true;
	if (!python_text_stream_learn(python) ||
	    !call(python, "atexit", "register",
		  python->Py_BuildValue("(N)", function(python, &at_exit_method)), NULL) ||
	    !call(python, "posix", "register_at_fork", python->Py_BuildValue("()"),
		  python->Py_BuildValue("{s:N,s:N,s:N}", "before",
					function(python, &before_fork_method), "after_in_parent",
					function(python, &in_parent_method), "after_in_child",
					function(python, &in_child_method))) ||
	    python->Py_AtExit(interpreter_finalized)) {
		atomic_store(&refused, true);
		return false;
	}
	atomic_store(&put, true);
	return true;
}

static int put_by_main_thread(void *unused)
{
	(void)unused;
	python_api_note_main();
	python_hooks_put(python_api());
	return 0;
}

/*
 * Before 3.9 the call may come at any instruction of the main thread, also where that is about to
 * import a module, which fails with a KeyError if another import comes in between: ours of atexit.
 */
bool python_hooks_ask(const struct python_api *python)
{
	if (python->since_3_9)
		python->Py_AddPendingCall(put_by_main_thread, NULL);
	return python->since_3_9;
}
