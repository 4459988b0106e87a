/* turns.c -- full load on one server after the other, in short turns, and what each turn cost */
/* SPDX-License-Identifier: MIT */
/*
 *   turns ROUNDS SECONDS REQUESTS CONNECTIONS PORT:PID[,PID...] ...
 *
 * A round gives each server one turn: REQUESTS requests over CONNECTIONS keep-alive connections,
 * each with one on its way at any time. A turn takes some hundredths of a second, so neighbours
 * find the machine in the same mood. Prints `SERVER ROUND CPU_NS WALL_NS` a request, SERVER counted
 * from 0. CPU time is that of all threads of the PIDs from the start of this turn to the start of
 * the server's next: what it does after the last response (a flush) belongs to the turn.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_SERVERS     32
#define MAX_CONNECTIONS 256
#define MAX_PIDS        16

struct conn {
	int fd;
	size_t used;
	char in[4096];
};

struct server {
	int port, epoll, pid_count;
	int pids[MAX_PIDS];
	struct conn conns[MAX_CONNECTIONS];
	double cpu_ns, wall_ns; /* at the start of the last turn; of the last turn */
};

static struct server servers[MAX_SERVERS];
static int connections;

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

/* CPU time of all threads of a process. */
static double process_cpu_ns(int pid)
{
	char path[64];
	double sum = 0;
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks))) {
		unsigned long long ns;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%llu", &ns) == 1)
			sum += (double)ns;
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return sum;
}

static double server_cpu_ns(const struct server *server)
{
	double sum = 0;

	for (int i = 0; i < server->pid_count; i++)
		sum += process_cpu_ns(server->pids[i]);
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
	epoll_ctl(server->epoll, EPOLL_CTL_ADD, conn->fd, &event);
}

static void ask(struct conn *conn)
{
	static const char request[] = "GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\n";
	ssize_t len = sizeof(request) - 1;

	conn->used = 0;
	if (send(conn->fd, request, (size_t)len, MSG_NOSIGNAL) != len)
		die("send");
}

/* Takes what came; 1 when the response is whole. It must be a 200 with a Content-Length. */
static int take(struct conn *conn)
{
	ssize_t got = recv(conn->fd, conn->in + conn->used, sizeof(conn->in) - 1 - conn->used, 0);
	char *end, *field;

	if (got <= 0)
		die("recv");
	conn->used += (size_t)got;
	conn->in[conn->used] = '\0';
	end = strstr(conn->in, "\r\n\r\n");
	if (!end)
		return 0;
	field = strcasestr(conn->in, "\r\ncontent-length:");
	if (strncmp(conn->in + 8, " 200", 4) || !field || field > end) {
		fprintf(stderr, "turns: not the response that was expected:\n%s\n", conn->in);
		exit(1);
	}
	return conn->used >= (size_t)(end + 4 - conn->in) + strtoul(field + 17, NULL, 10);
}

static void take_turn(struct server *server, long requests)
{
	struct epoll_event events[64];
	double start;
	long asked = 0;

	server->cpu_ns = server_cpu_ns(server);
	start = now_ns();
	for (; asked < connections && asked < requests; asked++)
		ask(&server->conns[asked]);
	for (long done = 0; done < requests;) {
		int count = epoll_wait(server->epoll, events, 64, 10000);

		if (count == 0 || (count < 0 && errno != EINTR))
			die("turns: a server does not answer");
		for (int i = 0; i < count; i++) {
			struct conn *conn = events[i].data.ptr;

			if (!take(conn))
				continue;
			done++;
			if (asked++ < requests)
				ask(conn);
		}
	}
	server->wall_ns = now_ns() - start;
}

static void add_server(struct server *server, char *words)
{
	char *word = strtok(words, ":,");

	server->port = atoi(word);
	while ((word = strtok(NULL, ":,")) && server->pid_count < MAX_PIDS)
		server->pids[server->pid_count++] = atoi(word);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < connections; i++)
		connect_one(server, &server->conns[i]);
}

int main(int argc, char **argv)
{
	long rounds = argc > 5 ? strtol(argv[1], NULL, 10) : 0;
	long requests = argc > 5 ? strtol(argv[3], NULL, 10) : 0;
	double end = now_ns() + (argc > 5 ? strtod(argv[2], NULL) * 1e9 : 0);
	int count = argc - 5;

	connections = argc > 5 ? atoi(argv[4]) : 0;
	if (rounds < 1 || requests < 1 || connections < 1 || connections > MAX_CONNECTIONS ||
	    count > MAX_SERVERS)
		return 125;
	for (int i = 0; i < count; i++)
		add_server(&servers[i], argv[5 + i]);
	for (int i = 0; i < count; i++)
		take_turn(&servers[i], requests); /* warm */
	/* A round's cost is known at the start of the next: one more is played than is told. */
	for (long round = -1; round < rounds && (round < 2 || now_ns() < end); round++) {
		for (int turn = 0; turn < count; turn++) {
			int i = (int)((turn + round + 1) % count); /* everyone comes first */
			double cpu_ns = servers[i].cpu_ns, wall_ns = servers[i].wall_ns;

			take_turn(&servers[i], requests);
			if (round >= 0)
				printf("%d %ld %.1f %.1f\n", i, round,
				       (servers[i].cpu_ns - cpu_ns) / (double)requests,
				       wall_ns / (double)requests);
		}
	}
	return 0;
}
