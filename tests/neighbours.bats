#!/usr/bin/env bats
# neighbours.bats -- beside other preloads, tools and limits a program does what it does without us
# SPDX-License-Identifier: MIT
#
# The same program runs with the other library alone, and with that library and the shim: stdout,
# stderr and exit status are the same. The counters show that the shim was there.

load helper

LIBS=/usr/lib/$(gcc -dumpmachine)

setup_file() {
	local from=$ROOT/tests/fixtures name
	WORK=$BATS_FILE_TMPDIR
	export WORK
	cc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/self" "$from/neighbours/self.c"
	cc -O2 -shared -fPIC -o "$WORK/module.so" "$from/neighbours/module.c"
	cc -D_GNU_SOURCE -O2 -shared -fPIC -o "$WORK/segfault.so" "$from/neighbours/other.c" -pthread
	cc -D_GNU_SOURCE -DFLUSHER -O2 -shared -fPIC -o "$WORK/flusher.so" \
		"$from/neighbours/other.c" -pthread
	for name in address thread undefined; do
		gcc -D_GNU_SOURCE -std=c11 -O1 -g -fsanitize=$name -o "$WORK/server.$name" \
			"$from/server.c" -pthread &
	done 3>&-
	wait
	cat >"$WORK/all.py" <<-'END'
		import os, signal, socket, subprocess, sys, threading, time
		print("started", sys.stdout.isatty())
		def work(i):
		    sys.stdout.write("thread %d\n" % i)
		threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
		for thread in threads:
		    thread.start()
		    thread.join()
		print(subprocess.run(["/bin/echo", "child"], capture_output=True, text=True))
		sys.stdout.flush()
		if os.fork() == 0:
		    print("forked")
		    sys.exit(7)
		print("status", os.waitstatus_to_exitcode(os.wait()[1]))
		a, b = socket.socketpair()
		for i in range(200):
		    a.send(b"x" * 100)
		    print("got", len(b.recv(4096)))
		print(signal.getsignal(signal.SIGTERM), time.time() > 0)
		print("to stderr", file=sys.stderr)
		sys.exit(5)
	END
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
}

# run_to NAME COMMAND...: puts its stdout, stderr and status into NAME.out, NAME.err, NAME.status.
run_to() {
	local name=$1 status=0
	shift
	timeout 60 "$@" >"$name.out" 2>"$name.err" </dev/null 3>&- || status=$?
	echo "$status" >"$name.status"
}

# same NAME OTHER: do both have the same stdout, stderr and status?
same() {
	diff -U 3 "$1.out" "$2.out"
	diff -U 3 "$1.err" "$2.err"
	diff -U 3 "$1.status" "$2.status"
}

# awake FILE: the counters in it are those of a shim that was awake.
awake() {
	grep -q '^idleflush: .*flushes=' "$1"
}

# serve NAME ENVIRONMENT... PROGRAM...: 150 requests, then a normal end.
serve() {
	local name=$1
	shift
	start_server "$name" "$@" --hello=listening --graceful
	timeout 30 "$PROGS/load" --port="$(port_of "$name")" --rate=3000 --count=150 --connections=8 \
		--timeout=20000 >"$(dir_of "$name")/load"
}

all_arrived() {
	[ "$(lines_of "$1" | grep -c '^req ')" -eq "${2:-150}" ]
}

assert_lines() {
	assert_equal "$(lines_of "$1" | awk '$1 == "req" { print $2 }' | sort -n)" "$(seq "${2:-150}")"
	assert_equal "$(lines_of "$1" | wc -l)" $((${2:-150} + 1))
	assert_equal "$(lines_of "$1" | head -n 1 | cut -d' ' -f1)" listening
}

# serves_fresh NAME ENVIRONMENT... PROGRAM...: the same, and its lines arrive while it runs.
serves_fresh() {
	serve "$@"
	wait_until 10 all_arrived "$1"
	stop_server "$1"
	assert_equal "$SERVER_STATUS" 0
	assert_equal "$(cat "$(dir_of "$1")/err")" ''
	assert_lines "$1"
}

# beside LIBRARY [VARIABLE=VALUE...]: in either order of preloading, with a C server and with Python.
beside() {
	local library=$1 order
	shift
	[ -e "$library" ] || skip "no ${library##*/} here"
	run_to alone env "$@" LD_PRELOAD="$library" /usr/bin/python3 -B "$WORK/all.py"
	assert_equal "$(cat alone.status)" 5
	# shellcheck disable=SC2153 # it is helper.bash's
	for order in "$library $LIB" "$LIB $library"; do
		run_to both env "$@" LD_PRELOAD="$order" IDLEFLUSH_STATS="$PWD/stats" \
			/usr/bin/python3 -B "$WORK/all.py"
		same alone both
		awake stats
		rm stats
		serves_fresh "epoll-${order%% *}" "$@" LD_PRELOAD="$order" "$PROGS/server"
		serves_fresh "threads-${order%% *}" "$@" LD_PRELOAD="$order" "$PROGS/server" \
			--model=threads
	done
}

@test "Without the shim and beside another library, lines come late" {
	serve plain LD_PRELOAD="$LIBS/libeatmydata.so" "$PROGS/server"
	refute wait_until 1 all_arrived plain
	stop_server plain
	assert_lines plain
}

@test "Lines are fresh beside jemalloc" {
	beside "$LIBS/libjemalloc.so.2"
}

@test "Lines are fresh beside tcmalloc" {
	beside "$LIBS/libtcmalloc_minimal.so.4"
}

@test "Lines are fresh beside tcmalloc with its profiler" {
	beside "$LIBS/libtcmalloc.so.4"
}

@test "Lines are fresh beside mimalloc" {
	beside "$LIBS/libmimalloc.so.2"
}

@test "Lines are fresh beside libeatmydata" {
	beside "$LIBS/libeatmydata.so"
}

@test "Lines are fresh beside faketime" {
	beside "$LIBS/faketime/libfaketimeMT.so.1" FAKETIME=-10d
}

@test "Lines are fresh beside faketime that runs ten times as fast" {
	beside "$LIBS/faketime/libfaketimeMT.so.1" 'FAKETIME=+0 x10'
}

@test "Lines are fresh beside another copy of the library" {
	cp "$LIB" other.so
	beside "$PWD/other.so" IDLEFLUSH_DISABLE=0
}

@test "Lines are fresh beside another library that flushes" {
	beside "$WORK/flusher.so"
}

@test "A call passes through every library behind the shim, in the order of loading" {
	local from=$ROOT/tests/fixtures/neighbours/chain.c order program
	cc -D_GNU_SOURCE -DLIBRARY=1 -O2 -shared -fPIC -o preloaded.so "$from"
	# The other way to find a symbol in a file.
	cc -D_GNU_SOURCE -DLIBRARY=2 -O2 -shared -fPIC -Wl,--hash-style=sysv -o linked.so "$from"
	cc -D_GNU_SOURCE -O2 -o alone "$from"
	cc -D_GNU_SOURCE -O2 -o linked "$from" -Wl,--no-as-needed "$PWD/linked.so"
	for program in alone linked; do
		run_to plain "./$program"
		run_to shim env LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$PWD/stats" "./$program"
		same plain shim
		awake stats
		rm stats
		run_to plain env LD_PRELOAD="$PWD/preloaded.so" "./$program"
		for order in "$LIB $PWD/preloaded.so" "$PWD/preloaded.so $LIB"; do
			run_to shim env LD_PRELOAD="$order" "./$program"
			same plain shim
		done
	done
	# The control: both were passed through.
	grep -qx 'shutdown 121' shim.out
	grep -qx 'dup 121' shim.out
}

# crashes NAME PRELOAD: what the crash leaves: the shell's status, stdout and stderr.
crashes() {
	# shellcheck disable=SC2016 # the inner shell's
	run_to "$1" env LD_PRELOAD="$2" /usr/bin/python3 -c 'import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.printf(b"a line of C\n")
os.kill(os.getpid(), signal.SIGSEGV)'
}

@test "Beside a library that reports a crash, it still does, and the last line comes out" {
	local order
	crashes alone "$WORK/segfault.so"
	assert_equal "$(cat alone.out)" ''
	assert_equal "$(cat alone.status)" 139
	grep -q 'Segmentation fault' alone.err
	for order in "$LIB $WORK/segfault.so" "$WORK/segfault.so $LIB"; do
		crashes both "$order"
		diff alone.err both.err
		diff alone.status both.status
		assert_equal "$(cat both.out)" 'a line of C'
	done
	beside "$WORK/segfault.so"
}

# --- sanitizers -----------------------------------------------------------------------------

# sanitized NAME RUNTIME: a server built with a sanitizer, whose runtime must be preloaded first. In a
# server that forks our thread starts late: ThreadSanitizer forbids a new thread after a fork in a
# process that had one, and LeakSanitizer complains in the child that the parent's is missing.
sanitized() {
	local model program="$WORK/server.$1" runtime start
	[ -x "$program" ] || skip "no $1 sanitizer here"
	runtime=$(gcc -print-file-name="$2")
	for model in epoll threads prefork; do
		serve "$1-$model" "$program" --model="$model"
		stop_server "$1-$model"
		assert_equal "$SERVER_STATUS" 0
		assert_equal "$(cat "$(dir_of "$1-$model")/err")" ''
		start=constructor
		[ "$model" != prefork ] || start=server
		serve "shim-$1-$model" LD_PRELOAD="$runtime $LIB" IDLEFLUSH_START=$start \
			"$program" --model="$model"
		wait_until 10 all_arrived "shim-$1-$model"
		stop_server "shim-$1-$model"
		assert_equal "$SERVER_STATUS" 0
		assert_equal "$(cat "$(dir_of "shim-$1-$model")/err")" ''
		assert_lines "shim-$1-$model"
	done
}

@test "Lines are fresh in a program with AddressSanitizer" {
	sanitized address libasan.so
}

@test "Lines are fresh in a program with ThreadSanitizer" {
	sanitized thread libtsan.so
}

@test "Lines are fresh in a program with UndefinedBehaviorSanitizer" {
	sanitized undefined libubsan.so
}

# --- tools ----------------------------------------------------------------------------------

# Programs in which our thread ran print their counters.
self_plain_and_shim() {
	run_to plain "$@"
	run_to shim env IDLEFLUSH_STATS="$PWD/stats" LD_PRELOAD="$LIB" "$@"
	assert_equal "$(tail -n 1 plain.out)" "done"
	awake stats
	sed -i 's/^threads 2$/threads 1/' shim.err
	same plain shim
}

@test "Lines are fresh with LD_BIND_NOW, and in a program without lazy binding" {
	export LD_BIND_NOW=1
	self_plain_and_shim "$WORK/self"
	serves_fresh now LD_BIND_NOW=1 LD_PRELOAD="$LIB" "$PROGS/server"
}

@test "Lines are fresh under valgrind, which finds no error of ours" {
	local program
	# Python would tell nothing more, and be ten times as slow under a tool.
	for program in self "self slow"; do
		# shellcheck disable=SC2086 # a program and its argument
		run_to plain valgrind -q --error-exitcode=99 "$WORK/"$program
		# shellcheck disable=SC2086
		run_to shim env LD_PRELOAD="$LIB" valgrind -q --error-exitcode=99 "$WORK/"$program
		sed -i '/^threads\|^pending/d' plain.err shim.err
		same plain shim
		assert_equal "$(cat shim.status)" 0
	done
}

@test "Under strace a program makes the same calls, and only our thread's calls are new" {
	local calls
	run_to plain strace -f -o plain.trace "$WORK/self"
	run_to shim strace -f -o shim.trace -E LD_PRELOAD="$LIB" "$WORK/self"
	sed -i 's/^threads 2$/threads 1/' shim.err
	same plain shim
	# Between the first and the last answer, in the program's own thread. An mmap is a page for the
	# table of connections; one fstat tells whether a socket is stdout.
	for name in plain shim; do
		awk 'NR == 1 { main = $1 } $1 == main && sub(/\(.*/, "", $2) {
			if ($2 == "sendto") { answers++ }
			if (answers >= 100 && answers < 600) print $2
		}' "$name.trace" | sort -u >"$name.calls"
	done
	calls=$(comm -13 plain.calls shim.calls | tr '\n' ' ')
	echo "new: $calls"
	for call in $calls; do
		case $call in
		futex | getpid) ;;
		*) fail "$call is new on the hot path" ;;
		esac
	done
}

@test "Under gdb a program runs, and can be interrupted and examined" {
	run_to plain gdb -q -nx --batch -ex 'set debuginfod enabled off' -ex 'break printf' -ex run \
		-ex 'bt 1' -ex delete -ex continue "$WORK/self"
	run_to shim gdb -q -nx --batch -ex 'set debuginfod enabled off' -ex "set environment LD_PRELOAD $LIB" \
		-ex 'break printf' -ex run -ex 'bt 1' -ex delete -ex continue "$WORK/self"
	assert_equal "$(grep -c '^request ' shim.out)" 300
	for name in plain shim; do
		grep -q '^#0 .*printf' "$name.out"
		grep -q 'exited normally' "$name.out"
		grep '^request\|^done' "$name.out" >"$name.lines"
	done
	diff plain.lines shim.lines
}

@test "A module loaded with RTLD_DEEPBIND bypasses the shim; its lines come with the heartbeat" {
	self_plain_and_shim "$WORK/self" modules "$WORK/module.so"
	run_to off env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 \
		IDLEFLUSH_HEARTBEAT=0 "$WORK/self" modules "$WORK/module.so" slow
	grep -q '^pending [1-9]' off.err
	run_to beat env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 \
		IDLEFLUSH_HEARTBEAT=10ms "$WORK/self" modules "$WORK/module.so" slow
	grep -q '^pending 0$' beat.err
	diff off.out beat.out
}

# --- limits ---------------------------------------------------------------------------------

# As a user that nobody else uses, so that its processes can be counted; it may enter only FOLDER.
as_user() {
	local folder
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	folder=$(mktemp -d "/tmp/neighbours.XXXXXX")
	chmod 755 "$folder"
	echo "$folder"
}

@test "A set-id program does not even load the library" {
	local folder
	folder=$(as_user)
	cp "$WORK/self" "$folder/self"
	cp "$LIB" "$folder/lib.so"
	chmod 4755 "$folder/self"
	run_to plain setpriv --reuid=64321 --regid=64321 --clear-groups "$folder/self"
	run_to shim setpriv --reuid=64321 --regid=64321 --clear-groups \
		env LD_PRELOAD="$folder/lib.so" "$folder/self"
	chmod 755 "$folder/self"
	run_to plainer setpriv --reuid=64321 --regid=64321 --clear-groups \
		env LD_PRELOAD="$folder/lib.so" "$folder/self"
	rm -r "$folder"
	grep -q '^threads 1$' shim.err
	same plain shim
	grep -q '^threads 2$' plainer.err
}

@test "Where the user may have no more threads the library sleeps, and the program is fine" {
	local folder user=(setpriv --reuid=64322 --regid=64322 --clear-groups prlimit --nproc=1)
	folder=$(as_user)
	cp "$WORK/self" "$folder/self"
	cp "$LIB" "$folder/lib.so"
	run_to plain "${user[@]}" "$folder/self"
	run_to shim "${user[@]}" env LD_PRELOAD="$folder/lib.so" "$folder/self"
	run_to debug "${user[@]}" env IDLEFLUSH_DEBUG=1 LD_PRELOAD="$folder/lib.so" "$folder/self"
	rm -r "$folder"
	same plain shim
	grep -q '^threads 1$' shim.err
	grep -q 'the thread cannot start: asleep' debug.err
}

@test "Where there is no memory for a thread the library sleeps, and the program is fine" {
	local kib found=0
	# shellcheck disable=SC2016 # the inner shell's
	local limited='ulimit -v "$0" && shift 0 && exec "$@"' shim="export LD_PRELOAD='$LIB'"
	# From a limit at which not even the loader starts, up to one that is ample.
	for kib in $(seq 2200 60 6000); do
		run_to plain bash -c "$limited" "$kib" "$WORK/self"
		[ "$(cat plain.status)" = 0 ] || continue
		run_to shim bash -c "$shim IDLEFLUSH_DEBUG=1; $limited" "$kib" "$WORK/self"
		# If the library itself does not fit, the loader says so; then the program's count fails.
		if [ "$(cat shim.status)" = 127 ] ||
			grep -q 'cannot be preloaded\|failed to map\|^threads 0$' shim.err; then
			continue
		fi
		assert_equal "$(cat shim.status)" 0
		diff plain.out shim.out
		# There is a thread, and then no memory for the program to count it.
		if grep -q '^threads 0$' shim.err; then
			continue
		fi
		if ! grep -q '^threads 1$' shim.err; then
			break
		fi
		grep -q 'asleep' shim.err
		found=$((found + 1))
	done
	echo "asleep under $found limits; awake with $kib KiB"
	assert [ "$found" -ge 1 ]
	grep -q '^threads 2$' shim.err
}

@test "A process can unshare its user namespace, whenever our thread starts" {
	local start
	unshare -U true 2>/dev/null || skip "no user namespaces here"
	run_to plain "$WORK/self" unshare
	assert_equal "$(head -n 1 plain.out)" 'unshare: ok'
	# The control: the thread of another library is in the way, as ours would be if it did not end first.
	run_to other env LD_PRELOAD="$WORK/flusher.so" "$WORK/self" unshare
	assert_equal "$(head -n 1 other.out)" 'unshare: Invalid argument'
	for start in constructor server; do
		run_to shim "$IDLEFLUSH" --start="$start" "$WORK/self" unshare
		grep -q '^threads 2$' shim.err
		sed -i 's/^threads 2$/threads 1/' shim.err
		same plain shim
	done
}

@test "unshare and chroot work as commands" {
	unshare -Ur true 2>/dev/null || skip "no user namespaces here"
	run_to plain unshare -Ur --fork --pid --kill-child "$WORK/self"
	run_to shim env LD_PRELOAD="$LIB" IDLEFLUSH_START=server \
		unshare -Ur --fork --pid --kill-child "$WORK/self"
	sed -i 's/^threads .*/threads/' plain.err shim.err
	same plain shim
	assert_equal "$(cat shim.status)" 0
	run_to plain unshare -Ur chroot / "$WORK/self"
	run_to shim env LD_PRELOAD="$LIB" IDLEFLUSH_START=server unshare -Ur chroot / "$WORK/self"
	sed -i 's/^threads .*/threads/' plain.err shim.err
	same plain shim
}

# What such a filter does to one call more: sandbox.bats.
@test "A server that sets a strict seccomp filter serves on" {
	local how
	for how in strict strict-prctl strict-all; do
		run_to plain "$WORK/self" "$how"
		[ "$(cat plain.status)" != 77 ] || skip "no seccomp here"
		run_to shim env LD_PRELOAD="$LIB" "$WORK/self" "$how"
		assert_equal "$(cat shim.status)" 0
		grep -q '^threads 2$' shim.err
		diff plain.out shim.out
	done
}
