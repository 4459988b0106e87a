/* python_api.c -- CPython's functions, where there is an interpreter in the process */
/* SPDX-License-Identifier: MIT */
#include "runtime/python/python_api.h"

#include "base/platform.h"
#include "shared/introspect.h"

#include <limits.h>
#include <stdatomic.h>

#define OWN_STATES 0x030c0000UL /* Python 3.12 */

static struct python_api calls;
static const struct python_api *found; /* &calls, once that is complete */

static unsigned long long loads;     /* the loader's count, when we last looked */
LARGE static char library[PATH_MAX]; /* of the interpreter that was loaded since */
static void *_Atomic main_state;     /* the thread state of its main thread */

const struct python_api *python_api(void)
{
	return __atomic_load_n(&found, __ATOMIC_ACQUIRE);
}

/* Stops at the first name that is missing: the other lookups would only allocate their errors. */
static bool resolve_all(void *where)
{
#define LOOK_UP(result, name, arguments)                                                           \
	calls.name = (result(*) arguments)dlsym(where, #name);                                     \
	if (!calls.name)                                                                           \
		return false;
	PYTHON_CALLS(LOOK_UP)
#undef LOOK_UP
#define LOOK_UP(type, name)                                                                        \
	calls.name = (type *)dlsym(where, #name);                                                  \
	if (!calls.name)                                                                           \
		return false;
	PYTHON_DATA(LOOK_UP)
#undef LOOK_UP
	calls.current_thread_state = (void *(*)(void))dlsym(where, "_PyThreadState_UncheckedGet");
	if (!calls.current_thread_state) /* its name since 3.13 */
		calls.current_thread_state =
			(void *(*)(void))dlsym(where, "PyThreadState_GetUnchecked");
	calls.version = dlsym(where, "Py_Version");
	calls.since_3_9 = dlsym(where, "PyObject_CallNoArgs");
	return calls.current_thread_state;
}

static bool find(void *where)
{
	bool complete = resolve_all(where);

	dlerror(); /* what is missing must not stay behind as the program's error */
	if (complete)
		__atomic_store_n(&found, &calls, __ATOMIC_RELEASE);
	library_status.python = complete;
	return complete;
}

/* --- an interpreter that comes later ------------------------------------------------------ */

/* The count stands in every object's entry: one is enough to know that there is nothing new. */
static int count_loads(struct dl_phdr_info *info, size_t size, void *count)
{
	(void)size;
	*(unsigned long long *)count = info->dlpi_adds;
	return 1;
}

static int check_name(struct dl_phdr_info *info, size_t size, void *is_there)
{
	const char *base = strrchr(info->dlpi_name, '/');

	(void)size;
	base = base ? base + 1 : info->dlpi_name;
	if (strncmp(base, "libpython3", 10) != 0 || strlen(info->dlpi_name) >= sizeof(library))
		return 0;
	memcpy(library, info->dlpi_name, strlen(info->dlpi_name) + 1);
	return *(bool *)is_there = true;
}

bool python_api_was_loaded(void)
{
	unsigned long long now = 0;
	bool is_there = false;

	dl_iterate_phdr(count_loads, &now);
	if (now == loads)
		return false;
	loads = now;
	dl_iterate_phdr(check_name, &is_there);
	return is_there;
}

bool python_api_find_loaded(void)
{
	void *handle = dlopen ? dlopen(library, RTLD_LAZY | RTLD_NOLOAD) : NULL;

	return handle && find(handle);
}

void python_api_find(bool exported)
{
	if (dlsym && dlerror && !(exported && find(RTLD_DEFAULT)))
		dl_iterate_phdr(count_loads, &loads);
}

void python_api_note_main(void)
{
	atomic_store(&main_state, python_api()->current_thread_state());
}

bool python_api_main_has_gil(bool or_unknown)
{
	const struct python_api *python = python_api();
	void *holder, *known = atomic_load(&main_state);

	if (python->version && *python->version >= OWN_STATES)
		return false;
	holder = python->current_thread_state();
	return holder && (known ? holder == known : or_unknown);
}
