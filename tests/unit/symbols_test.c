/* symbols_test.c -- the next definition of a name, and who imports it, as the loader sees it */
/* SPDX-License-Identifier: MIT */
#include "base/symbols.h"
#include "check.h"
#include "base/platform.h"

#include <string.h>

static const char *const names[] = {
#define CALL(name) #name,
#include "base/calls.def"
	"there_is_no_such_function", "main", /* only before us */
};

enum { COUNT = sizeof(names) / sizeof(*names) };

/* Behind the program itself, whoever comes first: the sanitizer's runtime, or libc. */
static void check_next(void)
{
	struct symbols_wanted wanted[COUNT];
	int found = 0;

	for (int i = 0; i < COUNT; i++)
		symbols_want(&wanted[i], names[i]);
	symbols_find_next(wanted, COUNT);
	for (int i = 0; i < COUNT; i++) {
		void *next = dlsym(RTLD_NEXT, names[i]);

		CHECK(wanted[i].address == next || (wanted[i].symbol && !wanted[i].address));
		found += wanted[i].address != NULL;
	}
	CHECK(found > COUNT - 10);
}

/* A plain function, one that the loader must be asked for, and none. */
static void check_any(void)
{
	struct symbols_wanted wanted[3];
	const char *text = "getenv\0strlen\0nobody";

	for (int i = 0; i < 3; i++)
		text = symbols_want(&wanted[i], text);
	symbols_find(wanted, 3);
	CHECK(wanted[0].address == dlsym(RTLD_DEFAULT, "getenv"));
	CHECK(wanted[1].symbol); /* an IFUNC in glibc, but the sanitizer has a function */
	CHECK(!wanted[2].symbol && !wanted[2].address);
}

static bool is_exit(const char *name)
{
	return !strcmp(name, "exit");
}

static bool is_nothing(const char *name)
{
	return !strcmp(name, "there_is_no_such_function");
}

int main(void)
{
	ElfW(Addr) base = 0;
	const struct link_map *first = _r_debug.r_map;
	struct symbols own;

	check_next();
	check_any();

	CHECK(first->l_ld == _DYNAMIC);
	base = first->l_addr;
	own = symbols_read(base, _DYNAMIC);
	CHECK(own.table && own.names);
	CHECK(symbols_imports(&own, is_exit));
	CHECK(!symbols_imports(&own, is_nothing));
	return CHECK_DONE("symbols");
}
