/* turns.c -- requests to one server after the other, in short turns, and what each turn cost */
/* SPDX-License-Identifier: MIT */
/*
 *   turns [--rounds=N] [--seconds=S] [--requests=N] [--connections=C] [--rate=R [--together]]
 *         PORT:PID[,PID...] ...
 *
 * A round gives each server one turn: N requests over C keep-alive connections, R of them a second,
 * or without --rate as fast as the server answers, with one on its way on each connection. A turn
 * is short, so neighbours find the machine in the same mood. --together: one turn for all at the
 * same time, each asked R times a second, for rates so low that they hardly meet on the processor.
 * Once S seconds are over no round begins, but there are two at least where there are to be more.
 *
 * Prints `SERVER ROUND CPU_NS WALL_NS` a request, SERVER counted from 0. CPU time is that of all
 * threads of the PIDs, those that ended included, from the first request until SETTLE_NS after the
 * last response: what a server does then (a flush) belongs to the turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SERVERS     32
#define MAX_CONNECTIONS 256
#define MAX_PIDS        16

#define WARM      500
#define SETTLE_NS 20000000

struct conn {
	int fd;
	bool busy; /* a request is on its way */
	size_t used;
	char in[4096];
};

struct server {
	int port, pid_count;
	int pids[MAX_PIDS];
	int next; /* the connection that is asked next, if it is not busy */
	struct conn conns[MAX_CONNECTIONS];
	double cpu_ns; /* at the start of a turn */
};

static struct server servers[MAX_SERVERS];
static int server_count, poller;

static long rounds = 1, requests = 1, connections = 16;
static double seconds = 1e9, rate;
static int together;

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The kernel's sum_exec_runtime, as in schedstat of each thread, including threads that ended. */
static double server_cpu_ns(const struct server *server)
{
	double sum = 0;

	for (int i = 0; i < server->pid_count; i++) {
		struct timespec spent;
		clockid_t clock;

		if (!clock_getcpuclockid(server->pids[i], &clock) && !clock_gettime(clock, &spent))
			sum += (double)spent.tv_sec * 1e9 + (double)spent.tv_nsec;
	}
	return sum;
}

static void connect_one(struct server *server, struct conn *conn)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
	int one = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(conn->fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	epoll_ctl(poller, EPOLL_CTL_ADD, conn->fd, &event);
}

static void ask(struct conn *conn)
{
	static const char request[] = "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
	ssize_t len = sizeof(request) - 1;

	conn->used = 0;
	conn->busy = true;
	if (send(conn->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		die("send");
}

/* Takes what came; true when the response is whole. It must be a 200 with a Content-Length. */
static bool take(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->in + conn->used, sizeof(conn->in) - 1 - conn->used, 0);
	char *end, *field;

	if (got <= 0)
		die("recv");
	conn->used += (size_t)got;
	conn->in[conn->used] = '\0';
	end = strstr(conn->in, "\r\n\r\n");
	if (!end)
		return false;
	field = strcasestr(conn->in, "\r\ncontent-length:");
	if (strncmp(conn->in + 8, " 200", 4) || !field || field > end) {
		fprintf(stderr, "turns: not the response that was expected:\n%s\n", conn->in);
		exit(1);
	}
	conn->busy = conn->used < (size_t)(end + 4 - conn->in) + strtoul(field + 17, NULL, 10);
	return !conn->busy;
}

/* In turn, so that all connections get their share. */
static struct conn *find_idle(struct server *server)
{
	for (long i = 0; i < connections; i++) {
		struct conn *conn = &server->conns[server->next];

		server->next = (int)((server->next + 1) % connections);
		if (!conn->busy)
			return conn;
	}
	return NULL;
}

/* Waits for responses, at most until a moment; returns how many are whole. */
static long wait_and_take(double until_ns)
{
	struct epoll_event events[64];
	double left_ns = until_ns - now_ns();
	struct timespec left = {0, 0};
	long done = 0;
	int count;

	if (left_ns > 0) {
		left.tv_sec = (time_t)(left_ns / 1e9);
		left.tv_nsec = (long)(left_ns - (double)left.tv_sec * 1e9);
	}
	count = epoll_pwait2(poller, events, 64, &left, NULL);
	if (count < 0 && errno != EINTR)
		die("epoll_pwait2");
	for (int i = 0; i < count; i++)
		done += take(events[i].data.ptr);
	return done;
}

/* Asks each server of the group `each` times, `per_second` a second; returns the nanoseconds. */
static double play(struct server *group, int size, long each, double per_second)
{
	double gap_ns = per_second > 0 ? 1e9 / per_second / size : 0;
	double start = now_ns(), answered = start;
	long asked = 0, done = 0, total = each * size;

	while (done < total) {
		double now = now_ns(), until = answered + 1e10;
		struct conn *conn = NULL;
		long taken;

		if (asked < total)
			conn = find_idle(&group[asked % size]);
		if (conn && now >= start + (double)asked * gap_ns) {
			ask(conn);
			asked++;
			continue;
		}
		if (conn)
			until = start + (double)asked * gap_ns;
		taken = wait_and_take(until);
		if (taken || done == asked)
			answered = now_ns();
		else if (now_ns() > answered + 1e10)
			die("turns: a server does not answer");
		done += taken;
	}
	return answered - start;
}

static void take_turn(int first, int size, long round)
{
	struct timespec settle = {0, SETTLE_NS};
	struct server *group = &servers[first];
	double wall_ns;

	for (int i = 0; i < size; i++)
		group[i].cpu_ns = server_cpu_ns(&group[i]);
	wall_ns = play(group, size, requests, rate);
	nanosleep(&settle, NULL);
	for (int i = 0; i < size; i++)
		printf("%d %ld %.1f %.1f\n", first + i, round,
		       (server_cpu_ns(&group[i]) - group[i].cpu_ns) / (double)requests,
		       wall_ns / (double)requests);
}

static void add_server(char *words)
{
	struct server *server = &servers[server_count++];
	char *word = strtok(words, ":,");

	server->port = atoi(word);
	while ((word = strtok(NULL, ":,")) && server->pid_count < MAX_PIDS)
		server->pids[server->pid_count++] = atoi(word);
	for (long i = 0; i < connections; i++)
		connect_one(server, &server->conns[i]);
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {{"rounds", required_argument, NULL, 'n'},
					      {"seconds", required_argument, NULL, 's'},
					      {"requests", required_argument, NULL, 'q'},
					      {"connections", required_argument, NULL, 'c'},
					      {"rate", required_argument, NULL, 'r'},
					      {"together", no_argument, &together, 1},
					      {NULL, 0, NULL, 0}};
	int found;

	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (found == '?')
			exit(125);
		rounds = found == 'n' ? atol(optarg) : rounds;
		seconds = found == 's' ? atof(optarg) : seconds;
		requests = found == 'q' ? atol(optarg) : requests;
		connections = found == 'c' ? atol(optarg) : connections;
		rate = found == 'r' ? atof(optarg) : rate;
	}
	if (rounds < 1 || requests < 1 || connections < 1 || connections > MAX_CONNECTIONS ||
	    optind == argc || argc - optind > MAX_SERVERS) {
		fprintf(stderr, "turns: needs servers, and sensible numbers\n");
		exit(125);
	}
}

int main(int argc, char **argv)
{
	double end;

	parse(argc, argv);
	prctl(PR_SET_TIMERSLACK, 1UL);
	poller = epoll_create1(EPOLL_CLOEXEC);
	for (int i = optind; i < argc; i++)
		add_server(argv[i]);
	for (int i = 0; i < server_count; i++)
		play(&servers[i], 1, rate > 0 ? WARM : requests, 0);
	end = now_ns() + seconds * 1e9;
	for (long round = 0; round < rounds && (round < 2 || now_ns() < end); round++) {
		if (together)
			take_turn(0, server_count, round);
		for (int turn = 0; !together && turn < server_count; turn++)
			take_turn((int)((turn + round) % server_count), 1,
				  round); /* everyone comes first */
	}
	return 0;
}
