/* calls.c -- how much more does a write of one byte cost with a library preloaded? */
/* SPDX-License-Identifier: MIT */
/*
 *   calls BLOCKS [LIBRARY]
 *
 * Two processes, this one as it is and a second one with LIBRARY preloaded (none: the control),
 * take turns in blocks of a few calls on the same processor, so that both meet the same conditions.
 * Prints for each kind of descriptor `NAME PLAIN_NS OWN_NS OVER_NS` a call: the median block here,
 * and the median differences of neighbours: own   in the second process, the name `write` to libc's
 * definition: the wrapper itself; over  the name `write` there to here: with all that the library
 * brings, such as a second thread, for which libc (cancellation) and the kernel (shared
 * descriptors) take longer.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS 100 /* in a block: fits the queue of a socketpair */
#define WARM  10  /* before it: the caches hold the other process's data */

typedef ssize_t write_call(int fd, const void *buf, size_t n);

struct kind {
	const char *name;
	int fd, drain; /* what was written is read back from `drain` unless that is -1 */
};

struct block {
	double through_ns, libc_ns; /* a call */
};

static struct kind kinds[4] = {
	{.name = "socket"}, {"client", 0, 0}, {"pipe", 0, 0}, {"file", 0, 0}};
static write_call *libc_write;

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, long count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return values[count / 2];
}

static void drain(const struct kind *kind, ssize_t left)
{
	char buffer[CALLS];

	for (ssize_t got; kind->drain >= 0 && left; left -= got)
		if ((got = read(kind->drain, buffer, (size_t)left)) <= 0)
			die("read");
}

static double time_calls(write_call *call, const struct kind *kind, int count)
{
	double start = now_ns();

	for (int i = 0; i < count; i++)
		if (call(kind->fd, "x", 1) != 1)
			die("write");
	start = now_ns() - start;
	drain(kind, count);
	return start / count;
}

static struct block time_block(const struct kind *kind, bool libc_first)
{
	struct block block;

	time_calls(libc_write, kind, WARM);
	time_calls(write, kind, WARM);
	if (libc_first)
		block.libc_ns = time_calls(libc_write, kind, CALLS);
	block.through_ns = time_calls(write, kind, CALLS);
	if (!libc_first)
		block.libc_ns = time_calls(libc_write, kind, CALLS);
	return block;
}

static void set_up(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	int served[2], pair[2], ends[2], file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	*(void **)&libc_write = libc ? dlsym(libc, "write") : NULL;
	if (!libc_write || file < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, served) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || pipe(ends))
		die("calls");
	/* A socket becomes a server's by receiving first. */
	if (write(served[1], "?", 1) != 1 || recv(served[0], &(char){0}, 1, 0) != 1)
		die("recv");
	kinds[0] = (struct kind){"socket", served[0], served[1]};
	kinds[1] = (struct kind){"client", pair[0], pair[1]};
	kinds[2] = (struct kind){"pipe", ends[1], ends[0]};
	kinds[3] = (struct kind){"file", file, -1};
}

/* The second process: for every byte that says which kind, a block, whose times it sends back. */
static int serve(int from, int to)
{
	unsigned char ask;

	set_up();
	for (bool libc_first = false; read(from, &ask, 1) == 1; libc_first = !libc_first) {
		struct block block = time_block(&kinds[ask % 4], libc_first);

		if (write(to, &block, sizeof(block)) != sizeof(block))
			die("write");
	}
	return 0;
}

static void measure(unsigned char which, long blocks, int to, int from)
{
	double *plain = calloc((size_t)blocks, sizeof(*plain));
	double *own = calloc((size_t)blocks, sizeof(*own));
	double *over = calloc((size_t)blocks, sizeof(*over));

	if (!plain || !own || !over)
		die("calloc");
	for (long i = 0; i < blocks; i++) {
		struct block here = time_block(&kinds[which], i % 2), there;

		if (write(to, &which, 1) != 1 || read(from, &there, sizeof(there)) != sizeof(there))
			die("the second process");
		plain[i] = here.through_ns;
		own[i] = there.through_ns - there.libc_ns;
		over[i] = there.through_ns - here.through_ns;
	}
	printf("%s %.1f %.1f %.1f\n", kinds[which].name, median(plain, blocks), median(own, blocks),
	       median(over, blocks));
	free(plain);
	free(own);
	free(over);
}

int main(int argc, char **argv)
{
	long blocks = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
	int ask[2], answer[2];
	pid_t pid;

	if (argc == 4 && !strcmp(argv[1], "serve"))
		return serve(atoi(argv[2]), atoi(argv[3]));
	if (blocks < 1 || pipe(ask) || pipe(answer))
		return 125;
	pid = fork();
	if (pid == 0) {
		char from[16], to[16];

		snprintf(from, sizeof(from), "%d", ask[0]);
		snprintf(to, sizeof(to), "%d", answer[1]);
		close(ask[1]);
		close(answer[0]);
		if (argc > 2)
			setenv("LD_PRELOAD", argv[2], 1);
		execl("/proc/self/exe", argv[0], "serve", from, to, NULL);
		_exit(127);
	}
	close(ask[0]);
	close(answer[1]);
	set_up();
	for (unsigned char which = 0; which < 4; which++)
		measure(which, blocks, ask[1], answer[0]);
	close(ask[1]);
	return waitpid(pid, NULL, 0) != pid;
}
