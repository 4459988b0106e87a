/* symbols_test.c -- the next definition of a name, and who imports it, as the loader sees it */
/* SPDX-License-Identifier: MIT */
#include "base/symbols.h"
#include "check.h"
#include "base/platform.h"

#include <string.h>

static void check_next(const char *name)
{
	void *found = symbols_find_next(name);

	CHECK(found && found == dlsym(RTLD_NEXT, name));
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

	/* behind the program itself, whoever comes first: the sanitizer's runtime, else libc */
	check_next("write");
	check_next("close");
	check_next("getenv");
	check_next("sigaction");
	CHECK(!symbols_find_next("there_is_no_such_function"));
	CHECK(!symbols_find_next("main")); /* only before us */

	CHECK(first->l_ld == _DYNAMIC);
	base = first->l_addr;
	own = symbols_read(base, _DYNAMIC);
	CHECK(own.table && own.names);
	CHECK(symbols_imports(&own, is_exit));
	CHECK(!symbols_imports(&own, is_nothing));
	return CHECK_DONE("symbols");
}
