/* loop.c -- the shortest round of an event loop: what do wrappers and a second thread add to it? */
/* SPDX-License-Identifier: MIT */
/*
 *   loop ROUNDS
 *
 * A round writes twelve bytes into one end of a socket pair, waits for the other end with epoll and
 * reads them there. Nothing is printed meanwhile. Prints nanoseconds a round: the median of eleven
 * runs of so many rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RUNS 11

static int ends[2], poller;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void go_round(void)
{
	struct epoll_event event;
	char bytes[64] = "hello world";

	if (write(ends[0], bytes, 12) != 12 || epoll_wait(poller, &event, 1, -1) != 1 ||
	    read(ends[1], bytes, sizeof(bytes)) != 12) {
		perror("loop");
		exit(1);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	struct epoll_event event = {.events = EPOLLIN};
	long rounds = argc > 1 ? atol(argv[1]) : 0;
	double ns[RUNS];

	poller = epoll_create1(EPOLL_CLOEXEC);
	if (rounds < 1 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, ends[1], &event))
		return 125;
	for (int run = -1; run < RUNS; run++) { /* the first one warms up */
		double start = now_ns();

		for (long i = 0; i < rounds; i++)
			go_round();
		if (run >= 0)
			ns[run] = (now_ns() - start) / (double)rounds;
	}
	qsort(ns, RUNS, sizeof(*ns), compare);
	printf("%.1f\n", ns[RUNS / 2]);
	return 0;
}
