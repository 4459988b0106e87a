/* thread.c -- a library that starts a thread, which sleeps: what a second thread alone costs */
/* SPDX-License-Identifier: MIT */
/*
 * Preloaded like the library under test. From the second thread on libc's cancellation points and
 * stdio lock, and the kernel counts a descriptor's users at every call: that price is paid whatever
 * the thread does. As there, a forked child has one, too.
 */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void *sleep_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void start(void)
{
	pthread_t thread;
	sigset_t all, kept;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &kept);
	(void)pthread_create(&thread, NULL, sleep_for_ever, NULL);
	pthread_sigmask(SIG_SETMASK, &kept, NULL);
}

__attribute__((constructor)) static void begin(void)
{
	start();
	(void)pthread_atfork(NULL, NULL, start);
}
