/* stdio_lock_test.c -- whose is a stream's lock that has no owner? */
/* SPDX-License-Identifier: MIT */
#include "sink/stdio_lock.h"

#include "base/futex.h"
#include "base/platform.h"

#include <pthread.h>

#include "check.h"

#define BOUND (60 * NS_PER_S)

bool clock_is_taken;

static FILE *file;

static struct platform_stdio_lock *lock(void)
{
	return (struct platform_stdio_lock *)file->_lock;
}

/* As in the middle of glibc's _IO_lock_lock() and _IO_lock_unlock(). */
static void be_without_owner(void)
{
	lock()->lock = 1;
	CHECK(!lock()->owner);
	CHECK(stdio_lock_may_be_mine(file));
}

static void *take(void *unused)
{
	futex_sleep(2 * NS_PER_MS);
	__atomic_store_n(&lock()->owner, (void *)pthread_self(), __ATOMIC_RELAXED);
	return unused;
}

static void *release(void *unused)
{
	futex_sleep(2 * NS_PER_MS);
	__atomic_store_n(&lock()->lock, 0, __ATOMIC_RELAXED);
	return unused;
}

static void a_lock_that_changes_hands_is_not_mine(void *(*change)(void *))
{
	pthread_t other;

	be_without_owner();
	CHECK(!pthread_create(&other, NULL, change, NULL));
	CHECK(!stdio_lock_stays_mine(file, BOUND));
	CHECK(!pthread_join(other, NULL));
	lock()->lock = 0;
	lock()->owner = NULL;
}

static void a_lock_that_stays_without_owner_is_mine(void)
{
	be_without_owner();
	CHECK(stdio_lock_stays_mine(file, NS_PER_MS));
	lock()->lock = 0;
	CHECK(!stdio_lock_stays_mine(file, NS_PER_MS));
}

static void a_lock_that_i_hold_is_mine(void)
{
	flockfile(file);
	CHECK(stdio_lock_stays_mine(file, NS_PER_MS));
	funlockfile(file);
	CHECK(!stdio_lock_stays_mine(file, NS_PER_MS));
}

int main(void)
{
	file = tmpfile();
	CHECK(file);
	CHECK(stdio_lock_learn(file));
	a_lock_that_changes_hands_is_not_mine(take);
	a_lock_that_changes_hands_is_not_mine(release);
	a_lock_that_stays_without_owner_is_mine();
	a_lock_that_i_hold_is_mine();
	return CHECK_DONE("stdio_lock");
}
