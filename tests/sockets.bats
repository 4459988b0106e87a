#!/usr/bin/env bats
# sockets.bats -- which sends are responses: those on the server side of a connection
# SPDX-License-Identifier: MIT
#
# build/tests/sockets makes three exchanges, each a request and its response, on a descriptor of the
# given kind; the counters at exit say how many of them counted.
# bats file_tags=core

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# counts N KIND [OPTION...]: N responses under the shim; without it the program ends normally, too.
counts() {
	local expected=$1
	shift
	rm -f stats
	run -0 timeout 20 "$PROGS/sockets" "$@"
	assert_output ''
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS=stats "$PROGS/sockets" "$@"
	assert_output ''
	assert_equal "$*: $(grep -o 'responses=[0-9]*' stats)" "$*: responses=$expected"
}

# counts_some KIND [OPTION...]: the bytes cannot be seen, so where a response ends is a guess.
counts_some() {
	rm -f stats
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS=stats "$PROGS/sockets" "$@"
	run -0 cat stats
	assert_output --regexp ' responses=[1-3] '
}

@test "Responses on an accepted connection count" {
	counts 3 accepted
	counts 3 accepted4
}

@test "A connection that was inherited or passed counts once it received something" {
	counts 3 inherited
	counts 3 passed
}

@test "A datagram socket that received counts" {
	counts 3 datagram
}

@test "Each call that sends counts" {
	local call
	for call in write writev send sendto sendmsg sendmmsg-once; do
		counts 3 accepted --send="$call"
	done
}

# bats test_tags=glibc
@test "Calls that send a file count" {
	local call
	for call in sendfile sendfile64 splice; do
		counts_some accepted --send="$call"
		counts 0 file --send="$call"
	done
}

@test "Each call that receives makes an inherited socket count" {
	local call
	for call in read readv recv recvfrom recvmsg recvmmsg; do
		counts 3 inherited --recv="$call"
	done
}

@test "Splice makes an inherited socket count, a pipe does not" {
	counts_some inherited --recv=splice
	counts 0 fifo --recv=splice
}

# bats test_tags=glibc
@test "The fortified calls that receive make an inherited socket count" {
	local call
	for call in __read_chk __recv_chk __recvfrom_chk; do
		counts 3 inherited --recv="$call"
		counts 3 accepted --recv="$call"
	done
}

@test "A request that is only peeked at was not received" {
	counts 0 inherited --recv=peek
}

@test "A duplicate of a connection counts, however it was made" {
	counts 3 dup
	counts 3 dup2
	counts 3 dup3
	counts 3 dup-by-fcntl
}

@test "Requests of a client do not count" {
	local call
	counts 0 connected
	counts 0 connected-later
	counts 0 connected-copy
	counts 0 connected-datagram
	for call in write writev send sendto sendmsg sendmmsg sendfile splice; do
		counts 0 connected --send="$call"
	done
}

@test "A socket that only sends, or only receives, does not count" {
	counts 0 only-sends
	counts 0 only-receives
}

# bats test_tags=glibc
@test "Pipes and files do not count" {
	counts 0 fifo
	counts 0 file
	counts 0 fifo --recv=readv --send=writev
	counts 0 file --recv=__read_chk --send=sendfile
}

@test "A socket that is stdout or stderr does not count, nor another descriptor of it" {
	counts 0 as-stdout
	counts 0 as-stderr
	counts 0 accepted-to-stdout
	counts 0 same-as-stderr
	counts 0 same-as-stderr --recv=recv --send=sendmsg
}

# bats test_tags=glibc
@test "What gets the number of a closed connection starts afresh" {
	counts 3 file-after-close
	counts 3 file-after-close_range
	counts 3 file-after-closefrom
	counts 3 client-after-close
}

@test "What is duplicated onto the number of a connection starts afresh" {
	counts 3 file-by-dup2
	counts 3 file-by-dup3
}

@test "A socket starts afresh even if the close before it was not seen" {
	counts 3 client-after-fclose
	counts 3 client-after-unseen-close
	counts 3 accepted-after-file
	counts 3 accepted-after-client
}

# bats test_tags=vfork
@test "What a vfork child does to its descriptors does not change those of the parent" {
	counts 3 accepted-before-vfork
	counts 0 connected-before-vfork
}

@test "What posix_spawn does to a child's descriptors does not change those of the parent" {
	counts 3 accepted-before-spawn
}

# bats test_tags=glibc,not-under-asan
@test "A number that is reused before its close has returned belongs to the new connection" {
	cc -D_GNU_SOURCE -std=c11 -O1 -shared -fPIC -o taker.so "$ROOT/tests/fixtures/lib/taker.c"
	run -0 timeout 20 env LD_PRELOAD="$PWD/taker.so" "$PROGS/taken"
	run -0 timeout 20 env LD_PRELOAD="$LIB $PWD/taker.so" IDLEFLUSH_STATS=stats "$PROGS/taken"
	assert_equal "$(grep -o 'responses=[0-9]*' stats)" responses=2
}

# python_counts N PROGRAM: under the shim N responses; the program finds `listener`, `connect()`, which
# gives a client's socket and the server's end of it, and `close_unseen(fd)`.
python_counts() {
	rm -f stats
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS=stats /usr/bin/python3 -c '
import ctypes, os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))

def connect():
    return socket.create_connection(listener.getsockname()), listener.accept()[0]

def close_unseen(fd):
    ctypes.CDLL(None).syscall(3 if os.uname().machine == "x86_64" else 57, fd)
'"$2"
	assert_output ''
	assert_equal "$(grep -o 'responses=[0-9]*' stats)" "responses=$1"
}

# bats test_tags=glibc
@test "A file that gets the number of a closed connection is not taken for one" {
	python_counts 1 '
client, server = connect()
client.send(b"ping\n")
server.recv(9)
server.send(b"pong\n")
number = server.fileno()
server.close()
assert os.memfd_create("file") == number
for _ in range(3):
    os.write(number, b"a line\n")
    os.lseek(number, 0, 0)
    os.read(number, 3)
os._exit(0)'
}

# bats test_tags=glibc
@test "A datagram client that gets the number of a server, closed unseen, is not taken for a server" {
	python_counts 1 '
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.sendto(b"ping", server.getsockname())
server.sendto(b"pong", server.recvfrom(9)[1])
number = server.detach()
close_unseen(number)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
assert client.fileno() == number
for _ in range(3):
    client.sendto(b"asking", ("127.0.0.1", 9))
os._exit(0)'
}

# bats test_tags=glibc
@test "A datagram server that connects to its peer goes on counting" {
	python_counts 2 '
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.connect(server.getsockname())
for _ in range(2):
    peer.send(b"ping")
    server.connect(server.recvfrom(9)[1])
    server.send(b"pong")
os._exit(0)'
}

# bats test_tags=glibc
@test "What is sent on a duplicate of the connection counts" {
	local made
	for made in 'os.dup(n)' 'fcntl.fcntl(n, fcntl.F_DUPFD, 100)'; do
		python_counts 3 '
import fcntl
client, server = connect()
n = server.fileno()
copy = '"$made"'
for _ in range(3):
    client.send(b"GET / HTTP/1.1\r\n\r\n")
    server.recv(99)
    os.write(copy, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    client.recv(99)
os._exit(0)'
	done
}

# bats test_tags=glibc
@test "A response that lasts until close counts at the end of the process" {
	python_counts 1 '
client, server = connect()
client.send(b"GET / HTTP/1.0\r\n\r\n")
server.recv(999)
server.send(b"HTTP/1.0 200 OK\r\n\r\nall of it")
os._exit(0)'
}

# bats test_tags=glibc
@test "What a master sends its worker by a pair of sockets are no responses, what the worker sends are" {
	# The worker ends first.
	python_counts $'3\nresponses=0' '
ours, theirs = socket.socketpair()
if os.fork() == 0:
    for _ in range(3):
        theirs.recv(99)
        theirs.send(b"done")
    theirs.recv(99)
    os._exit(0)
for _ in range(3):
    ours.send(b"a job")
    ours.recv(99)
ours.send(b"the end")
os.wait()
os._exit(0)'
}

# bats test_tags=glibc
@test "A response that a full buffer cut short has not ended before the rest is out" {
	local rest
	for rest in 0 1; do
		python_counts "$rest" '
client, server = connect()
client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
server.recv(999)
server.setblocking(False)
response = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + bytes(9000000)
sent = server.send(response)
assert sent < len(response)
while '"$rest"' and sent < len(response):
    client.recv(1 << 20)
    try:
        sent += server.send(response[sent:])
    except BlockingIOError:
        pass
os._exit(0)'
	done
}
