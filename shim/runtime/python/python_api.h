/* python_api.h -- CPython's functions, where there is an interpreter in the process */
/* SPDX-License-Identifier: MIT */
/*
 * Found at run time, never linked. All are of the stable ABI but the one that tells the current
 * thread state. PyOS_BeforeFork is never called: it marks CPython 3.7, before which neither
 * os.register_at_fork nor a stdout of its own kind is there.
 */
#ifndef IDLEFLUSH_PYTHON_API_H
#define IDLEFLUSH_PYTHON_API_H

#include <stdbool.h>

struct python_object; /* a PyObject */

/* A PyMethodDef. */
struct python_method {
	const char *name;
	struct python_object *(*call)(struct python_object *self, struct python_object *unused);
	int flags;
	const char *doc;
};

#define PYTHON_NO_ARGUMENTS 4 /* METH_NOARGS */

/* clang-format off */
#define PYTHON_CALLS(X)                                                                            \
	X(int, Py_IsInitialized, (void))                                                           \
	X(int, Py_AddPendingCall, (int (*)(void *), void *))                                       \
	X(int, Py_AtExit, (void (*)(void)))                                                        \
	X(struct python_object *, Py_BuildValue, (const char *, ...))                              \
	X(void, Py_IncRef, (struct python_object *))                                               \
	X(void, Py_DecRef, (struct python_object *))                                               \
	X(struct python_object *, PyCFunction_NewEx,                                               \
	  (const struct python_method *, struct python_object *, struct python_object *))          \
	X(void, PyErr_Clear, (void))                                                               \
	X(int, PyErr_ExceptionMatches, (struct python_object *))                                   \
	X(void, PyErr_Fetch,                                                                       \
	  (struct python_object **, struct python_object **, struct python_object **))             \
	X(void, PyErr_NormalizeException,                                                          \
	  (struct python_object **, struct python_object **, struct python_object **))             \
	X(void, PyErr_Restore,                                                                     \
	  (struct python_object *, struct python_object *, struct python_object *))                \
	X(void, PyEval_RestoreThread, (void *))                                                    \
	X(void *, PyEval_SaveThread, (void))                                                       \
	X(int, PyGILState_Ensure, (void))                                                          \
	X(void *, PyGILState_GetThisThreadState, (void))                                           \
	X(void, PyGILState_Release, (int))                                                         \
	X(struct python_object *, PyImport_ImportModule, (const char *))                           \
	X(void *, PyInterpreterState_Main, (void))                                                 \
	X(void *, PyInterpreterState_ThreadHead, (void *))                                         \
	X(long, PyLong_AsLong, (struct python_object *))                                           \
	X(void, PyOS_BeforeFork, (void))                                                           \
	X(struct python_object *, PyObject_Call,                                                   \
	  (struct python_object *, struct python_object *, struct python_object *))                \
	X(struct python_object *, PyObject_CallMethod,                                             \
	  (struct python_object *, const char *, const char *, ...))                               \
	X(struct python_object *, PyObject_GetAttrString, (struct python_object *, const char *))  \
	X(int, PyObject_IsTrue, (struct python_object *))                                          \
	X(struct python_object *, PyObject_Type, (struct python_object *))                         \
	X(struct python_object *, PySys_GetObject, (const char *))

/* Variables: None itself, and pointers to the exceptions. */
#define PYTHON_DATA(X)                                                                             \
	X(struct python_object, _Py_NoneStruct)                                                    \
	X(struct python_object *, PyExc_OSError)                                                   \
	X(struct python_object *, PyExc_RuntimeError)                                              \
	X(struct python_object *, PyExc_ValueError)
/* clang-format on */

struct python_api {
#define PYTHON_SLOT(result, name, arguments) result(*name) arguments;
	PYTHON_CALLS(PYTHON_SLOT)
#undef PYTHON_SLOT
#define PYTHON_SLOT(type, name) type *name;
	PYTHON_DATA(PYTHON_SLOT)
#undef PYTHON_SLOT
	const unsigned long *version;        /* 3.12.0 is 0x030c00f0; NULL before 3.11 */
	const void *since_3_9;               /* NULL before */
	void *(*current_thread_state)(void); /* NULL: nobody has the GIL, or not on this thread */
};

/* All of them, or NULL where no interpreter was found so far. One load; any context. */
const struct python_api *python_api(void);

/* The caller is the interpreter's main thread, and has the GIL. */
void python_api_note_main(void);

/*
 * Has the main thread the GIL? Before it is noted, any thread may be it if `or_unknown`. False
 * since 3.12, where each thread knows its own state only. Any thread.
 */
bool python_api_main_has_gil(bool or_unknown);

/*
 * Looks for an interpreter in the program and its libraries, where one `exported` Py_IsInitialized.
 * Constructor only.
 */
void python_api_find(bool exported);

/*
 * Was libpython loaded since the last call? Takes a lock of the loader's for a moment: only with
 * forks kept out. One thread at a time.
 */
bool python_api_was_loaded(void);

/*
 * After python_api_was_loaded said true: looks for an interpreter there. May wait for a dlopen(3)
 * that is under way. True when it was found. The same library stays in memory from then on.
 */
bool python_api_find_loaded(void);

#endif
