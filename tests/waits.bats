#!/usr/bin/env bats
# waits.bats -- a flush by the thread that is about to wait changes nothing else for its program
# SPDX-License-Identifier: MIT
#
# Each test is one way in which such a flush could be noticed. The counts are small here; `make
# check-waits` has the full ones, with programs of glibc and of musl.
# bats file_tags=core

load helper

ROUNDS=${WAITS_ROUNDS:-60}      # signals that answer a line, for each call
PRINTED=${WAITS_PRINTED:-50000} # lines while a handler waits
JUMPS=${WAITS_JUMPS:-1000}      # alarms, for each call

WAITS=(epoll_wait epoll_pwait poll ppoll select pselect pause sigsuspend
	sleep usleep nanosleep clock_nanosleep
	accept accept4 read readv recv recvfrom recvmsg recvmmsg pipe_read pipe_readv)
[[ $PROGS == */musl ]] || WAITS+=(epoll_pwait2 __poll_chk __ppoll_chk)
FEW=(epoll_wait poll select pause nanosleep pipe_read)

# A pass is due at each wait. Once with our thread, once without.
DUE=IDLEFLUSH_IDLE=100us
STARTS=(constructor threads)

setup_file() {
	WORK=$BATS_FILE_TMPDIR
	export WORK
	cc -O2 -o "$WORK/older" "$ROOT/tests/bench/older.c"
	"$WORK/older" true || rm "$WORK/older"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
}

# in_each CALLS... -- COMMAND...: COMMAND with each call appended, all at the same time; what they
# print goes into the files CALL.out and CALL.err, how they end into CALL.status.
in_each() {
	local calls=() call started=()
	while [ "$1" != -- ]; do
		calls+=("$1")
		shift
	done
	shift
	for call in "${calls[@]}"; do
		{
			timeout -k 1 "${BOUND:-100}" "$@" "$call" "${WORDS[@]}" 2>"$call.err" |
				cat >"$call.out"
			echo "${PIPESTATUS[0]}" >"$call.status"
		} 3>&- &
		started+=($!)
	done
	wait "${started[@]}"
}

# sequence FILE COUNT: the lines 1 to COUNT, each once, in order, and no other.
sequence() {
	assert_equal "$(cksum <"$1")" "$(seq "$2" | cksum)"
}

@test "A signal that answers a line is not missed by a program that waits, whichever call it is in" {
	local call start
	# Here it is missed: by a program that flushes, and then waits.
	WORDS=(1000 --flush)
	in_each "${FEW[@]}" -- "$PROGS/answered"
	for call in "${FEW[@]}"; do
		assert_equal "$(cat "$call.err")" 'missed 10 of 10'
	done
	WORDS=("$ROUNDS")
	for start in "${STARTS[@]}"; do
		in_each "${WAITS[@]}" -- env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_START="$start" \
			"$PROGS/answered"
		for call in "${WAITS[@]}"; do
			assert_equal "$call $(cat "$call.err")" "$call missed 0 of $ROUNDS"
		done
	done
}

@test "A signal that answers a line is not missed in a read, even if other handlers restart it" {
	local call reads=(accept accept4 read readv recv recvfrom recvmsg recvmmsg pipe_read pipe_readv)
	[[ $PROGS != */musl ]] || skip "our thread shares the descriptor table of a program of musl"
	WORDS=("$ROUNDS" --mixed)
	in_each "${reads[@]}" -- env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_STATS=stats "$PROGS/answered"
	for call in "${reads[@]}"; do
		assert_equal "$call $(cat "$call.err")" "$call missed 0 of $ROUNDS"
	done
	# Our thread flushed as soon as the program waited, not an idle time later.
	assert [ "$(grep -c " at_waits=$ROUNDS " stats)" -ge 5 ]
}

@test "A handler that waits while its program is inside stdio prints no line twice, and loses none" {
	local how start word
	for how in putchar printf; do
		for start in "${STARTS[@]}"; do
			for word in '' nodefer thread; do
				# shellcheck disable=SC2086 # a word or none
				timeout 100 env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_START="$start" \
					"$PROGS/handler_polls" "$how" "$PRINTED" $word \
					2>err | cat >out
				sequence out "$PRINTED"
				assert [ "$(sed -n 's/^polls //p' err)" -ge 50 ]
			done
		done
	done
}

@test "A handler that has interrupted stdio and makes the first thread spoils no line" {
	local start
	"$PROGS/fault_in_stdio" >plain
	for start in "${STARTS[@]}"; do
		timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms IDLEFLUSH_START="$start" \
			"$PROGS/fault_in_stdio" | cat >out
		cmp plain out
	done
}

@test "An alarm that jumps out of a wait prints no line twice, and leaves no signal or lock behind" {
	local call save start
	for save in 0 1; do
		WORDS=("$JUMPS" "$save")
		in_each "${FEW[@]}" -- "$PROGS/jumps"
		for call in "${FEW[@]}"; do
			assert_equal "$(cat "$call.err")" 'masks wrong 0, lock free'
		done
		for start in "${STARTS[@]}"; do
			in_each "${FEW[@]}" -- env LD_PRELOAD="$LIB" $DUE \
				IDLEFLUSH_START="$start" "$PROGS/jumps"
			for call in "${FEW[@]}"; do
				assert_equal "$call $(cat "$call.err")" "$call masks wrong 0, lock free"
				sequence "$call.out" "$JUMPS"
			done
		done
	done
}

@test "A vfork child that waits leaves its parent's line to its parent, and makes no thread" {
	local call start how
	# Here the line goes into the child's file.
	run -0 "$PROGS/vfork_waits" poll exit --flush
	assert_output 'other file: 6 bytes, threads of the child: 1'
	for how in exit exec; do
		for start in "${STARTS[@]}"; do
			WORDS=("$how")
			in_each "${FEW[@]}" -- env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_HEARTBEAT=0 \
				IDLEFLUSH_START="$start" "$PROGS/vfork_waits"
			for call in "${FEW[@]}"; do
				assert_equal "$call $(cat "$call.err")" "$call first
second
other file: 0 bytes, threads of the child: 1"
			done
		done
	done
}

@test "A wait that is stopped and continued after a flush returns as it does without the shim" {
	local call start how
	local calls=("${WAITS[@]}")
	for how in signal timeout; do
		[ "$how" = signal ] ||
			calls=(epoll_wait epoll_pwait poll ppoll select pselect usleep nanosleep clock_nanosleep)
		WORDS=("$how")
		in_each "${calls[@]}" -- "$PROGS/stopped"
		mkdir "$how"
		mv ./*.err "$how"
		for start in "${STARTS[@]}"; do
			in_each "${calls[@]}" -- env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_START="$start" \
				"$PROGS/stopped"
			for call in "${calls[@]}"; do
				assert_equal "$(cat "$call.err")" "$(cat "$how/$call.err")"
				assert_equal "$call $(cat "$call.out" "$call.status")" "$call line
0"
			done
		done
	done
}

# converse NAME ID: sends a request, reads the start of the answer, and keeps the connection open.
converse() {
	exec {SOCKET}<>"/dev/tcp/127.0.0.1/$(port_of "$1")"
	printf 'GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n' "$2" >&"$SOCKET"
	read -r -t 10 <&"$SOCKET"
}

@test "A thread for each connection flushes as it waits for the next request of its client" {
	local start id
	start_server plain "$PROGS/server" --model=threads --graceful
	for start in "${STARTS[@]}"; do
		start_server "$start" preload IDLEFLUSH_HEARTBEAT=0 IDLEFLUSH_START="$start" \
			IDLEFLUSH_STATS=1 "$PROGS/server" --model=threads --graceful
		for id in {1..8}; do
			converse "$start" "$id"
			wait_until 10 arrived "$start" "$id"
		done
	done
	converse plain 1
	refute arrived plain 1
	for start in "${STARTS[@]}"; do
		stop_server "$start"
		assert_equal "$(lines_of "$start" | cut -d' ' -f1,2)" "$(seq -f 'req %g' 8)"
		run -0 cat "$(dir_of "$start")/err"
		assert_output --regexp ' at_waits=[1-9]'
	done
}

# Where nobody else flushes, a read of a connection is tried without waiting first.
@test "A read of a connection ends as it does without the shim, though it is tried before" {
	local call calls=(read recv recvfrom recvmsg) start
	[[ $PROGS == */musl ]] || calls+=(__read_chk __recv_chk __recvfrom_chk)
	# Here it is tried, and that is all.
	timeout 20 "$PROGS/tried" recv once 2>once.err | cat >once.out
	in_each "${calls[@]}" -- "$PROGS/tried"
	for call in "${calls[@]}"; do
		mv "$call.err" "$call.plain"
	done
	run -1 diff recv.plain once.err
	assert_regex "$output" "> later +-1 .*> a later one +-1 .*> inherited +2 .*> told +2 "
	for start in "${STARTS[@]}"; do
		in_each "${calls[@]}" -- strace -f -o "trace" -E LD_PRELOAD="$LIB" \
			-E IDLEFLUSH_IDLE=100us -E IDLEFLUSH_START="$start" "$PROGS/tried"
		for call in "${calls[@]}"; do
			diff "$call.plain" "$call.err"
			assert_equal "$(sort -u "$call.out")" pending
		done
	done
}

@test "A read that returns at once although there is nothing to read does so with a line pending, too" {
	local start
	"$PROGS/at_once" 2>plain | cat >out
	assert_equal "$(grep -c . plain)" 21
	run -1 grep 'errno 4$' plain # EINTR
	for start in "${STARTS[@]}"; do
		rm fifo
		preload $DUE IDLEFLUSH_START="$start" "$PROGS/at_once" 2>err | cat >out
		diff plain err
		assert_equal "$(grep -cx pending out)" 21
	done
}

@test "A thread that is cancelled before it waits runs its cleanup with no other signals blocked" {
	local call start
	for start in "${STARTS[@]}"; do
		in_each "${WAITS[@]}" -- env LD_PRELOAD="$LIB" IDLEFLUSH_START="$start" \
			"$PROGS/cancelled"
		for call in "${WAITS[@]}"; do
			assert_equal "$call $(cat "$call.err")" "$call blocked 0"
			assert_equal "$(grep -cx pending "$call.out")" 10
		done
	done
}

# polls_of NAME WORDS...: how many a server makes for 1000 requests on 16 connections at once. An
# accept may need one, too.
polls_of() {
	start_server "$1" strace -f -o "$1.trace" -E LD_PRELOAD="$LIB" -E IDLEFLUSH_START=threads \
		-E IDLEFLUSH_MAX_AGE=1m "$PROGS/server" "${@:2}"
	"$PROGS/load" --port="$(port_of "$1")" --count=1000 --rate=100000 --connections=16 >"$1.load"
	end_server "$1" # here, as the test itself does not learn of it
	grep -q 'ok=1000 ' "$1.load"
	grep -c ' poll(' "$1.trace" || true
}

@test "A server that is busy makes no call to learn whether its reads will wait" {
	assert [ "$(polls_of plain --recv=readv)" -ge 200 ]
	assert [ "$(polls_of tried --recv=read)" -le 100 ]
}

# The functions of libc are bound at the start, because ld.so's lookup takes far more.
@test "A flush at a wait takes at most 512 bytes of the stack of a coroutine" {
	local call start plain
	[[ $PROGS != */musl ]] || skip "musl has no makecontext"
	[ "$BUILD" = "$ROOT/build" ] || skip "it is that of the library as it is installed"
	for call in epoll_wait epoll_pwait poll ppoll __poll_chk select pselect pause sleep usleep \
		nanosleep read readv recv recvfrom __recvfrom_chk recvmsg recvmmsg accept client_read pipe_read; do
		LD_BIND_NOW=1 "$PROGS/small_stack" "$call" 2>err | cat >out
		plain=$(cat err)
		assert [ "$plain" -gt 0 ]
		for start in "${STARTS[@]}"; do
			preload LD_BIND_NOW=1 $DUE IDLEFLUSH_START="$start" "$PROGS/small_stack" "$call" \
				2>err | cat >out
			assert_equal "$(grep -cx line out)" 3
			assert [ $(($(cat err) - plain)) -gt 0 ]
			assert [ $(($(cat err) - plain)) -le 512 ]
		done
	done
}

# readerless PIPE WORD [COMMAND...]: the same status in each call, COMMAND before the program.
readerless() {
	local call start
	WORDS=("$1")
	[ -z "$2" ] || WORDS+=("$2")
	shift 2
	in_each "${FEW[@]}" -- "$PROGS/no_reader"
	for call in "${FEW[@]}"; do
		assert_equal "$(cat "$call.status")" 3
	done
	for start in "${STARTS[@]}"; do
		in_each "${FEW[@]}" -- "$@" env LD_PRELOAD="$LIB" $DUE IDLEFLUSH_START="$start" \
			"$PROGS/no_reader"
		for call in "${FEW[@]}"; do
			assert_equal "$call $(cat "$call.status")" "$call 3"
		done
	done
}

@test "A program whose reader has left, or does not read, ends as it does without the shim" {
	local pipe word
	BOUND=20
	for pipe in gone full; do
		for word in '' ignore handle; do
			readerless $pipe "$word"
		done
	done
}

@test "A program whose reader has left, or does not read, ends as without the shim on older kernels" {
	local pipe word
	[ -x "$WORK/older" ] || skip "no filters for system calls here"
	BOUND=20
	for pipe in gone full; do
		for word in '' ignore handle; do
			readerless $pipe "$word" "$WORK/older"
			readerless $pipe "$word" "$WORK/older" nosignal
		done
	done
}

@test "A thread that is about to wait has its lines flushed on older kernels, too" {
	local call
	[ -x "$WORK/older" ] || skip "no filters for system calls here"
	for call in "${WAITS[@]}"; do
		start_server "$call" "$WORK/older" env LD_PRELOAD="$LIB" IDLEFLUSH_START=threads \
			"$PROGS/waits" "$call" $'ready\n'
		start_server "$call.6.4" "$WORK/older" nosignal env LD_PRELOAD="$LIB" \
			IDLEFLUSH_START=threads "$PROGS/waits" "$call" $'ready\n'
	done
	for call in "${WAITS[@]}"; do
		wait_until 5 arrived_text "$call" ready
		wait_until 5 arrived_text "$call.6.4" ready
	done
}

# Its stdout is a file at first, and then a pipe of its own.
@test "A flush at a wait that finds too little room in a pipe ends with a whole line" {
	local start
	for start in "${STARTS[@]}"; do
		preload IDLEFLUSH_START="$start" "$PROGS/whole_lines" 2>err >out
		run -0 cat err
		assert_output --regexp '^took [0-9]+ bytes, whole$'
		# musl writes all or nothing.
		[[ $PROGS == */musl ]] || refute_output 'took 0 bytes, whole'
	done
}
