#!/usr/bin/env bats
# fork.bats -- processes that make processes: fresh lines in each, every line exactly once
# SPDX-License-Identifier: MIT
#
# Without the shim a line that is pending at a fork comes out of each process that ends normally, and
# of none that is killed.
# bats file_tags=core
# shellcheck disable=SC2154 # bats sets stderr

load helper

setup_file() {
	local program
	WORK=$BATS_FILE_TMPDIR
	export WORK
	command -v musl-gcc >/dev/null || return 0
	for program in server forks; do
		musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/$program" \
			"$ROOT/tests/fixtures/$program.c" -pthread
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
	kill ${STARTED-} 2>/dev/null || true
}

# So few requests that no libc's buffer fills up, however late the flush. A full buffer is written in
# the middle of a line, and half lines of workers that share a pipe mix, with or without the shim.
PORTION=100

# traffic NAME COUNT: sends requests in portions, each once the lines of the last have come.
traffic() {
	local name=$1 count=$2 sent=0 portion
	while ((sent < count)); do
		((sent == 0)) || wait_until 20 came "$name" req "$sent"
		portion=$((count - sent < PORTION ? count - sent : PORTION))
		"$PROGS/load" --port="$(port_of "$name")" --rate=1000 --count="$portion" \
			--ids-from=$((sent + 1)) --connections=16 >"$(dir_of "$name")/load"
		sent=$((sent + portion))
	done
}

count_of() {
	lines_of "$1" | grep -c "^$2 " || true
}

came() {
	[ "$(count_of "$1" "$2")" -ge "$3" ]
}

# The lines of N requests, each once, and of every other kind of line as many as WORD=COUNT says.
assert_lines() {
	local name=$1 requests=$2 total=$2 word
	shift 2
	assert_equal "$(lines_of "$name" | awk '$1 == "req" { print $2 }' | sort -n)" \
		"$(seq "$requests")"
	for word in "$@"; do
		assert_equal "$word: $(count_of "$name" "${word%=*}")" "$word: ${word#*=}"
		total=$((total + ${word#*=}))
	done
	# Nothing else is there, such as half a line.
	assert_equal "$(lines_of "$name" | wc -l)" "$total"
}

# How many processes wrote the lines of the requests?
writers_of() {
	lines_of "$1" | awk '$1 == "req" { print $4 }' | sort -u | wc -l
}

# prefork REQUESTS WORD=COUNT... -- PROGRAM...: all lines are there while it runs, and no more of them
# once it has ended normally.
prefork() {
	local requests=$1 expected=()
	shift
	while [ "$1" != -- ]; do
		expected+=("$1")
		shift
	done
	shift
	start_server fork preload "$@" --graceful
	traffic fork "$requests"
	wait_until 10 came fork req "$requests"
	for word in "${expected[@]}"; do
		wait_until 5 came fork "${word%=*}" "${word#*=}"
	done
	stop_server fork
	assert_equal "$SERVER_STATUS" 0
	assert_lines fork "$requests" "${expected[@]}"
}

@test "Without the shim the first line comes out once from every worker, and late" {
	start_server plain "$PROGS/server" --model=prefork --hello=listening --graceful
	traffic plain 100
	refute wait_until 1 came plain req 1
	stop_server plain
	assert_lines plain 100 listening=5
}

@test "Workers forked after the first output have fresh lines, each once" {
	prefork 1000 listening=1 up=4 -- \
		"$PROGS/server" --model=prefork --hello=listening --worker-hello=up
}

# bats test_tags=constructor
@test "Workers forked before any output have fresh lines, each once" {
	prefork 1000 listening=1 up=4 -- \
		"$PROGS/server" --model=prefork --fork-when=before --hello=listening --worker-hello=up
}

@test "Workers that accept one connection after the other have fresh lines, each once" {
	start_server fork preload "$PROGS/server" --model=prefork --loop=accept \
		--hello=listening --worker-hello=up --graceful
	"$PROGS/load" --port="$(port_of fork)" --rate=1000 --count=100 --close --connections=4 >load
	wait_until 10 came fork req 100
	stop_server fork
	assert_lines fork 100 listening=1 up=4
}

@test "Workers that fork again have fresh lines, each once" {
	prefork 1000 listening=1 up=4 -- \
		"$PROGS/server" --model=prefork --nested --hello=listening --worker-hello=up
	assert [ "$(writers_of fork)" -ge 3 ]
}

@test "Workers that are killed have no line pending" {
	start_server fork preload IDLEFLUSH_SIGNALS=none "$PROGS/server" --model=prefork \
		--hello=listening --worker-hello=up
	traffic fork 500
	wait_until 10 came fork req 500
	wait_until 5 came fork up 4
	stop_server fork KILL
	assert_lines fork 500 listening=1 up=4
}

@test "A daemon that forked twice has fresh lines, each once" {
	local pid
	start_server daemon preload "$PROGS/server" --daemon=twice --hello=listening --graceful \
		--pid-file="$(dir_of daemon)/pid"
	traffic daemon 200
	wait_until 10 came daemon req 200
	wait_until 5 came daemon listening 1
	pid=$(cat "$(dir_of daemon)/pid")
	refute [ "$pid" = "$(pid_of daemon)" ]
	kill "$pid"
	await_server daemon
	assert_lines daemon 200 listening=1
}

@test "A daemon's workers have fresh lines, each once" {
	start_server daemon preload "$PROGS/server" --daemon=twice --model=prefork --graceful \
		--hello=listening --worker-hello=up --pid-file="$(dir_of daemon)/pid"
	traffic daemon 500
	wait_until 10 came daemon req 500
	kill "$(cat "$(dir_of daemon)/pid")"
	await_server daemon
	assert_lines daemon 500 listening=1 up=4
}

# bats test_tags=musl
@test "Workers of a musl program have fresh lines, each once" {
	[ -x "$WORK/server" ] || skip "no musl-gcc here"
	PORTION=20 # its buffer holds 1 KiB
	prefork 200 listening=1 up=4 -- \
		"$WORK/server" --model=prefork --hello=listening --worker-hello=up
	rm -r "$(dir_of fork)"
	prefork 100 listening=1 up=4 -- \
		"$WORK/server" --model=prefork --nested --hello=listening --worker-hello=up
}

# The pipe is full from the start, so nothing can be flushed before the fork. Then the only promise is
# that the line is not lost.
@test "A line that is pending at a fork and cannot be flushed comes out later" {
	local reader id
	mkfifo pipe
	"$PROGS/reader" --stall --summary=summary <pipe >lines 3>&- &
	reader=$!
	exec 8>pipe
	tr '\0' '\n' </dev/zero | head -c 65536 |
		timeout 10 dd bs=4096 iflag=fullblock of=/dev/fd/8 2>/dev/null
	timeout 60 env LD_PRELOAD="$LIB" "$PROGS/server" --model=prefork --hello=listening \
		--port-file=port >&8 2>err 3>&- 8>&- &
	STARTED="$reader $!"
	exec 8>&-
	wait_until 10 test -e port
	for id in 1 2 3 4 5 6 7 8; do
		request "$(cat port)" "$id"
	done
	assert_equal "$(cat lines)" ''
	kill -USR1 "$reader"
	wait_until 10 grep -q ' req 8 ' lines
	kill "${STARTED#* }"
	wait_until 10 test -s summary
	STARTED=
	assert_equal "$(grep -c ' req ' lines)" 8
	assert [ "$(grep -c ' listening ' lines)" -ge 1 ]
}

# storm PROGRAM: exactly what the thread printed is there, although many children were forked.
storm() {
	local status=0
	timeout 60 env ${2:+"$2"} "$1" storm 200 >out || status=$?
	assert_equal "$status" 0
	assert_equal "$(tail -n 1 out)" "printed $(($(wc -l <out) - 1))"
	head -n -1 out | sort -u >unique
	assert_equal "$(wc -l <unique)" "$(($(wc -l <out) - 1))"
	assert_equal "$(grep -vc '^thread [0-9]*$' unique)" 0
}

# bats test_tags=musl
@test "A fork in the middle of a flush waits for it, so that the child's streams are not locked" {
	[ -x "$WORK/forks" ] || skip "no musl-gcc here"
	musl-gcc -D_GNU_SOURCE -std=c11 -O1 -shared -fPIC -o slow.so "$ROOT/tests/fixtures/lib/slow_flush.c"
	run -0 timeout 20 env LD_PRELOAD="$LIB:$PWD/slow.so" "$WORK/forks" during
	assert_output $'first\nbefore\nchild'
}

@test "What was printed before a fork comes out before what the child prints" {
	run -0 timeout 20 "$PROGS/forks" order
	assert_output $'before\nchild\nbefore\nafter'
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 \
		IDLEFLUSH_HEARTBEAT=0 "$PROGS/forks" order
	assert_output $'before\nchild\nafter'
}

@test "Lines that a thread prints while others fork come out once, and from one process" {
	storm "$PROGS/forks"
	storm "$PROGS/forks" LD_PRELOAD="$LIB"
}

# bats test_tags=musl
@test "Lines that a thread of a musl program prints while others fork come out once" {
	[ -x "$WORK/forks" ] || skip "no musl-gcc here"
	storm "$WORK/forks"
	storm "$WORK/forks" LD_PRELOAD="$LIB"
}

# bats test_tags=musl
@test "A line of a thread that is inside stdio during a fork does not come out of the child" {
	local program
	for program in "$PROGS/forks" "$WORK/forks"; do
		[ -x "$program" ] || continue
		# fd 1 is a pipe, so that the line is pending, and the lock held, at the fork.
		assert_equal "$(timeout 30 "$program" locked)" locked
		assert_equal "$(timeout 30 env LD_PRELOAD="$LIB" "$program" locked)" locked
	done
}

# In the child musl leaves the lock taken that the thread held.
# bats test_tags=glibc
@test "A child that is forked while a thread prints can print, too" {
	local children
	# A child that hangs is killed by its alarm, which fails the run.
	run -0 timeout 60 "$PROGS/forks" speak 200
	run -0 timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms "$PROGS/forks" speak 200
	children=$(grep -o 'child [0-9]*' <<<"$output" | sort -u | wc -l)
	assert [ "$children" -eq 200 ]
}

@test "A child of a raw clone has no thread of ours and prints no line of its parent" {
	run -0 timeout 30 "$PROGS/forks" clone
	assert_output $'before\nthe child has 1'
	run -0 timeout 30 env LD_PRELOAD="$LIB" "$PROGS/forks" clone
	assert_output $'before\nthe child has 1'
}

# A thread started by the vfork child would count as its parent's, and end with the child.
@test "A vfork child that waits for work does not keep the thread of its parent from starting" {
	run -0 timeout 30 "$PROGS/forks" vfork
	assert_output ''
	run -0 timeout 30 env LD_PRELOAD="$LIB" IDLEFLUSH_START=server IDLEFLUSH_HEARTBEAT=0 \
		"$PROGS/forks" vfork
	assert_output line
}

# bats test_tags=constructor
@test "A child that closes its copy of a connection ends no answer of its parent's" {
	run -0 timeout 30 "$PROGS/forks" answering
	assert_output 'the child has 1'
	run -0 --separate-stderr timeout 30 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS=1 \
		"$PROGS/forks" answering
	assert_output 'the child has 2' # one is ours, for this child can never exec
	assert_equal "$(grep -o 'responses=[0-9]*' <<<"$stderr")" $'responses=0\nresponses=1'
}

# Our fork handlers make calls that are cancellation points.
# bats test_tags=not-under-asan
@test "A thread that was cancelled can fork" {
	local program
	for program in "$PROGS/forks" "$WORK/forks"; do
		[ -x "$program" ] || continue
		run -0 timeout 30 "$program" cancelled
		assert_output $'pending\nforked'
		run -0 timeout 30 env LD_PRELOAD="$LIB" "$program" cancelled
		assert_output $'pending\nforked'
	done
}

# With musl we cannot know whether the signal handler interrupted stdio.
# bats test_tags=glibc
@test "A signal handler that interrupts printf and forks damages no line" {
	local start
	timeout 60 "$PROGS/forks" handler 200000 | cat >plain
	assert_equal "$(sha256sum <plain)" "$(seq 200000 | sha256sum)"
	for start in constructor threads; do
		timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_START="$start" "$PROGS/forks" handler 200000 |
			cat >out
		assert_equal "$(sha256sum <out)" "$(sha256sum <plain)"
	done
}

@test "A Python server that starts programs while it serves goes on counting" {
	cat >server.py <<-'END'
		import socket, subprocess, sys
		listener = socket.create_server(("127.0.0.1", 0))
		with open(sys.argv[1], "w") as port:
		    port.write("%d\n" % listener.getsockname()[1])
		connection, _ = listener.accept()
		for i in range(3):
		    connection.recv(4096)
		    subprocess.run(["/bin/true"], close_fds=True, stdout=subprocess.DEVNULL)
		    subprocess.run("true; exit 0", shell=True, close_fds=False)
		    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	END
	timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$PWD/stats" IDLEFLUSH_ONLY='python*' \
		/usr/bin/python3 server.py "$PWD/port" 2>err 3>&- &
	STARTED=$!
	wait_until 10 test -s port
	"$PROGS/load" --port="$(cat port)" --connections=1 --count=3 --rate=100 >load
	wait "$STARTED"
	assert_equal "$(cat err)" ''
	run -0 grep -c ' responses=3 ' stats
	assert_output 1
}

@test "A vfork child that ends does not print the counters of its parent" {
	cat >ends.c <<-'END'
		#define _GNU_SOURCE
		#include <signal.h>
		#include <sys/wait.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			pid_t child = vfork();

			if (child == 0 && argc > 1)
				kill(getpid(), SIGTERM);
			if (child == 0)
				_exit(0);
			waitpid(child, NULL, 0);
			return 0;
		}
	END
	cc -O1 -w -o ends ends.c
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$PWD/by_exit" ./ends
	run -0 timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$PWD/by_signal" ./ends now
	assert_equal "$(cat by_exit by_signal | wc -l)" 2
}

# bats test_tags=glibc,not-under-asan
@test "What another library's fork handler prints in the child comes out of the child" {
	local library
	cc -O2 -shared -fPIC -o atfork.so "$ROOT/tests/fixtures/lib/atfork.c"
	for library in atfork.so "$LIB:$PWD/atfork.so"; do
		timeout 20 env LD_PRELOAD="${library/#atfork/$PWD/atfork}" "$PROGS/forks" speak 3 >out
		# It may follow half a line of the parent's, whose libc has written a full buffer.
		assert_equal "$(grep -c 'handler$' out)" 3
	done
}

# A child whose parent had threads cannot know by libc's own flags whether it has any itself.
@test "A wait in a forked child flushes nothing while a thread that nobody saw holds the stream's lock" {
	local start program
	for program in $(builds_of locked_elsewhere); do
		timeout -s KILL 20 "$program" 2>err | cat
		assert_equal "$(<err)" "0, then 0"
		for start in constructor threads; do
			timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_START="$start" "$program" 2>err | cat
			assert_equal "$(<err)" "0, then 5"
		done
	done
}

# worker_lines PROGRAM STEP...: what it prints, into the file out.
worker_lines() {
	timeout 30 "$@" | cat >out
	assert_equal "${PIPESTATUS[0]}" 0
}

cut_lines() {
	grep -cvE '^(parent|worker [ 0-9]{3} the .* and again)$' out || true
}

# The first lines of a worker were written by libc, whenever 4096 bytes were full.
# bats test_tags=glibc
@test "Lines of a worker are not cut by those of another process that prints into the same pipe" {
	local program steps waits
	cc -O1 -DMAY_EXEC -o may_exec "$ROOT/tests/fixtures/worker_lines.c"
	for program in "$PROGS/worker_lines" "$PWD/may_exec"; do
		waits=()
		[ "$program" != "$PWD/may_exec" ] || waits=(waits) # until then it has no thread of ours
		for steps in '' printed; do
			# shellcheck disable=SC2086 # none or one
			worker_lines "$program" "${waits[@]}" $steps
			assert [ "$(cut_lines)" -ge 1 ]
			# shellcheck disable=SC2086
			worker_lines env LD_PRELOAD="$LIB" "$program" "${waits[@]}" $steps
			assert_equal "$(cut_lines)" 0
			assert_equal "$(grep -c worker out)" 100
		done
	done
}

# computing SIZE COMMAND...: while the worker computes, at least so many bytes come.
computing() {
	local size=$1 started
	shift
	rm -f go out
	timeout 30 "$@" computes 3>&- | cat >out &
	started=$!
	wait_until 10 has_size "$size"
	touch go
	wait "$started"
}

has_size() {
	[ "$(stat -c %s out 2>/dev/null)" -ge "$1" ]
}

# bats test_tags=glibc,constructor
@test "A child that only computes has no line pending that would have come without the shim" {
	local printed
	cc -O1 -DMAY_EXEC -o may_exec "$ROOT/tests/fixtures/worker_lines.c"
	for printed in '' printed; do
		# shellcheck disable=SC2086 # none or one
		computing 4096 ./may_exec $printed
		refute has_size 7100
		# shellcheck disable=SC2086
		computing 4096 env LD_PRELOAD="$LIB" ./may_exec $printed
		# If it can execute nothing, it has a thread of ours from the start.
		# shellcheck disable=SC2086
		computing 7100 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms "$PROGS/worker_lines" $printed
	done
}

# Its program could execute another one, so it had no thread of ours before its first wait.
@test "A child that makes a thread has ours, too, though it only computes" {
	cd "$BATS_TEST_TMPDIR"
	cat >thread.c <<-'END'
		#include <pthread.h>
		#include <signal.h>
		#include <stdio.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static void *compute(void *unused)
		{
			printf("line\n");
			alarm(20);
			while (access("go", F_OK))
				;
			raise(SIGKILL);
			return unused;
		}
		int main(int argc, char **argv)
		{
			pthread_t thread;
			if (argc > 99)
				execv(*argv, argv);
			if (fork())
				return wait(NULL) < 0;
			pthread_create(&thread, NULL, compute, NULL);
			pthread_join(thread, NULL);
		}
	END
	cc -O1 -pthread -o thread thread.c
	started() {
		rm -f go
		timeout 30 "$@" ./thread 3>&- | cat >out &
		started=$!
	}
	started env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms
	wait_until 10 has_size 5
	touch go
	wait "$started"
	started env
	refute wait_until 1 has_size 1
	touch go
	wait "$started"
}
