/* instructions.c -- the calls that a server makes most, each in a loop that callgrind can count */
/* SPDX-License-Identifier: MIT */
/*
 * Runs every case twice, first as warm_NAME and then as case_NAME, COUNT calls each time; the
 * driver, tests/bench/instructions, reads what callgrind says of the second. stdout must be a pipe,
 * so that a preloaded library has work to do.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define COUNT 64 /* calls of a case: what they send fits every queue */

#define REQUEST                                                                                    \
	"GET /items/42 HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: wrk\r\nAccept: */*\r\n\r\n"
#define RESPONSE                                                                                   \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n"

static int pipe_in, pipe_out, file;
static int client, client_peer; /* a socket that only sends, and its other end */
static int opaque, opaque_peer; /* a server's connection that does not speak HTTP */
static int http, http_peer;     /* one that does */
static int listener, epoll, numbers[COUNT];
static char text[] = "x", buffer[4096];

static void check(int good)
{
	if (!good) {
		perror("instructions");
		exit(1);
	}
}

/* The loop is part of the count, the same with and without a preload. */
#define CASE(name, call)                                                                           \
	static inline void loop_##name(void)                                                       \
	{                                                                                          \
		for (int i = 0; i < COUNT; i++)                                                    \
			check((call) >= 0);                                                        \
	}                                                                                          \
	static __attribute__((noinline, noclone)) void warm_##name(void)                           \
	{                                                                                          \
		loop_##name();                                                                     \
		__asm__ volatile("# warm " #name);                                                 \
	}                                                                                          \
	static __attribute__((noinline, noclone)) void case_##name(void)                           \
	{                                                                                          \
		loop_##name();                                                                     \
		__asm__ volatile("# case " #name); /* not merged with its like */                  \
	}
#define IOV (&(struct iovec){text, 1}), 1
#define MSG (&(struct msghdr){.msg_iov = &(struct iovec){text, 1}, .msg_iovlen = 1}), 0
#define ONE (&(struct pollfd){.fd = listener, .events = POLLIN}), 1

CASE(write_pipe, write(pipe_out, text, 1))
CASE(write_file, write(file, text, 1))
CASE(write_client, write(client, text, 1))
CASE(write_server, write(opaque, text, 1))
CASE(writev_server, writev(opaque, IOV))
CASE(send_client, send(client, text, 1, 0))
CASE(send_server, send(opaque, text, 1, 0))
CASE(sendmsg_server, sendmsg(opaque, MSG))
CASE(read_pipe, read(pipe_in, buffer, 1))
CASE(read_file, read(file, buffer, 1))
CASE(read_client, read(client_peer, buffer, 1))
CASE(read_server, read(opaque, buffer, 1))
CASE(recv_server, recv(opaque, buffer, 1, 0))
CASE(epoll_wait_quiet, epoll_wait(epoll, &(struct epoll_event){0}, 1, 0))
CASE(poll_quiet, poll(ONE, 0))
CASE(epoll_wait_pending, epoll_wait(epoll, &(struct epoll_event){0}, 1, 0))
CASE(accept, numbers[i] = accept(listener, NULL, NULL))
CASE(close_server, close(numbers[i]))
CASE(close_file, close(numbers[i]))
CASE(socket, numbers[i] = socket(AF_INET, SOCK_STREAM, 0))

/* A request and its response, in turn. */
static ssize_t exchange(void)
{
	check(read(http, buffer, sizeof(REQUEST) - 1) == sizeof(REQUEST) - 1);
	return write(http, RESPONSE, sizeof(RESPONSE) - 1);
}

CASE(http_exchange, exchange())

static void pair_make(int *one, int *other)
{
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	*one = ends[0];
	*other = ends[1];
}

/* A socket becomes a server's by receiving first. */
static void receive_first(int fd, int peer, const char *words, size_t len)
{
	check(write(peer, words, len) == (ssize_t)len);
	check(recv(fd, buffer, len, 0) == (ssize_t)len);
}

static void set_up(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	int ends[2];

	check(pipe(ends) == 0);
	pipe_in = ends[0];
	pipe_out = ends[1];
	file = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	epoll = epoll_create1(0);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(file >= 0 && epoll >= 0 && listener >= 0);
	check(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
	check(listen(listener, 2 * COUNT) == 0);
	pair_make(&client, &client_peer);
	pair_make(&opaque, &opaque_peer);
	pair_make(&http, &http_peer);
	receive_first(opaque, opaque_peer, "?\n?\n", 4);
	receive_first(http, http_peer, REQUEST, sizeof(REQUEST) - 1);
	check(write(opaque, text, 1) == 1 && write(http, RESPONSE, sizeof(RESPONSE) - 1) > 0);
}

#define DRAIN(fd)                                                                                  \
	while (recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT) > 0)                                 \
	continue

static void connect_many(void)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	check(getsockname(listener, (struct sockaddr *)&address, &len) == 0);
	for (int i = 0; i < COUNT; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		check(connect(fd, (struct sockaddr *)&address, len) == 0);
	}
}

static void open_many(void)
{
	for (int i = 0; i < COUNT; i++)
		check((numbers[i] = open("/dev/zero", O_RDONLY)) >= 0);
}

static void close_many(void)
{
	for (int i = 0; i < COUNT; i++)
		check(close(numbers[i]) == 0);
}

static void feed(int fd, const char *words, size_t len)
{
	for (int i = 0; i < COUNT; i++)
		check(write(fd, words, len) == (ssize_t)len);
}

#define RUN(name, before, after)                                                                   \
	do {                                                                                       \
		before;                                                                            \
		warm_##name();                                                                     \
		after;                                                                             \
		before;                                                                            \
		case_##name();                                                                     \
		after;                                                                             \
	} while (0)

int main(void)
{
	set_up();
	RUN(write_pipe, , check(read(pipe_in, buffer, COUNT) == COUNT));
	RUN(write_file, , );
	RUN(write_client, , DRAIN(client_peer));
	RUN(write_server, , DRAIN(opaque_peer));
	RUN(writev_server, , DRAIN(opaque_peer));
	RUN(send_client, , DRAIN(client_peer));
	RUN(send_server, , DRAIN(opaque_peer));
	RUN(sendmsg_server, , DRAIN(opaque_peer));
	RUN(http_exchange, feed(http_peer, REQUEST, sizeof(REQUEST) - 1), DRAIN(http_peer));
	RUN(read_pipe, feed(pipe_out, text, 1), );
	check(lseek(file, 0, SEEK_SET) == 0);
	RUN(read_file, , );
	RUN(read_client, feed(client, text, 1), );
	RUN(read_server, feed(opaque_peer, text, 1), );
	RUN(recv_server, feed(opaque_peer, text, 1), );
	RUN(epoll_wait_quiet, , );
	RUN(poll_quiet, , );
	RUN(accept, connect_many(), close_many());
	RUN(close_server, connect_many(); warm_accept(), );
	RUN(close_file, open_many(), );
	RUN(socket, , close_many());
	printf("pending"); /* last, as it stays so */
	RUN(epoll_wait_pending, , );
	return 0;
}
