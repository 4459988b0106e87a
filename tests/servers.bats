#!/usr/bin/env bats
# servers.bats -- the main job on every kind of server: lines that were late without us are fresh
# SPDX-License-Identifier: MIT
#
# A test of freshness proves nothing without its negative control: the same server without the
# shim, whose line does not arrive. Bounds are of an order of magnitude; figures are for `make bench`.
# bats file_tags=core

load helper

MODELS=(epoll threads prefork)
CALLS=(write writev send sendto sendmsg sendmmsg sendfile splice)

teardown() {
	stop_all
}

# late PROGRAM...: one request is answered, and its line does not arrive.
late() {
	start_server plain "$@"
	request "$(port_of plain)" 1
	refute wait_until 2 arrived plain 1
}

# The control: the line was printed, for it arrives when the process ends.
late_in_model() {
	local call names=()
	for call in "${CALLS[@]}"; do
		start_server "plain-$call" "$PROGS/server" --model="$1" --send="$call" --graceful
		request "$(port_of "plain-$call")" 1
		names+=("plain-$call")
	done
	refute wait_until 2 any_arrived "${names[@]}"
	for call in "${CALLS[@]}"; do
		stop_server "plain-$call"
		assert_equal "$SERVER_STATUS" 0
		arrived "plain-$call" 1
	done
}

# fresh NAME [VARIABLE=VALUE...] PROGRAM...: the lines of two requests arrive, the second after a
# quiet time, and again and again none is printed twice.
fresh() {
	local name=$1 id
	shift
	start_server "$name" preload "$@"
	for id in 1 2; do
		request "$(port_of "$name")" "$id"
		wait_until 5 arrived "$name" "$id"
	done
	assert_equal "$(lines_of "$name" | grep -c '^req ')" 2
}

# Without the heartbeat, and with the line printed before the answer: in the model `threads` only the
# call that answers can cause the flush.
fresh_in_every_model() {
	local model
	for model in "${MODELS[@]}"; do
		fresh "$model" IDLEFLUSH_HEARTBEAT=0 \
			"$PROGS/server" --model="$model" --print-when=before "$@"
	done
}

@test "Without the shim, an epoll server's lines do not arrive" {
	late_in_model epoll
}

@test "Without the shim, a thread-per-connection server's lines do not arrive" {
	late_in_model threads
}

@test "Without the shim, a prefork server's lines do not arrive" {
	late_in_model prefork
}

@test "Lines are fresh in every model when write answers" {
	fresh_in_every_model --send=write
}

@test "Lines are fresh in every model when writev answers" {
	fresh_in_every_model --send=writev --recv=readv
}

@test "Lines are fresh in every model when send answers" {
	fresh_in_every_model --send=send --recv=recv
}

@test "Lines are fresh in every model when sendto answers" {
	fresh_in_every_model --send=sendto --recv=recvfrom
}

@test "Lines are fresh in every model when sendmsg answers" {
	fresh_in_every_model --send=sendmsg --recv=recvmsg
}

@test "Lines are fresh in every model when sendmmsg answers" {
	fresh_in_every_model --send=sendmmsg --recv=recvmmsg
}

@test "Lines are fresh in every model when sendfile answers" {
	fresh_in_every_model --send=sendfile
}

@test "Lines are fresh in every model when splice answers" {
	fresh_in_every_model --send=splice
}

@test "Lines are fresh in every model when the head goes out apart from a file" {
	fresh_in_every_model --send=sendfile --split
}

@test "Lines printed after the answer are fresh, whichever stdio call writes them" {
	local model print
	for model in "${MODELS[@]}"; do
		for print in printf puts fwrite putchar pieces; do
			fresh "$model-$print" "$PROGS/server" --model="$model" --print="$print"
		done
	done
}

@test "Lines of preforked workers that accept one connection after the other are fresh" {
	fresh accept "$PROGS/server" --model=prefork --loop=accept
}

# bats test_tags=glibc,packages
@test "Without the shim, a libmicrohttpd server's lines do not arrive" {
	late "$PROGS/microhttpd"
}

# bats test_tags=glibc,packages
@test "Lines of a libmicrohttpd server are fresh" {
	fresh microhttpd "$PROGS/microhttpd"
}

# bats test_tags=glibc,packages
@test "Without the shim, a cpp-httplib server's lines do not arrive" {
	late "$PROGS/httplib"
}

# bats test_tags=glibc,packages
@test "Lines of a cpp-httplib server are fresh" {
	fresh httplib "$PROGS/httplib"
}

# bats test_tags=glibc,packages
@test "Without the shim, a luasocket server's lines do not arrive" {
	late lua5.1 "$ROOT/tests/fixtures/luaserver.lua"
}

# bats test_tags=glibc,packages
@test "Lines of a luasocket server are fresh" {
	fresh lua lua5.1 "$ROOT/tests/fixtures/luaserver.lua"
}
