#!/usr/bin/env bats
# calls.bats -- every interposed call does what it does without us, wherever it is made
# SPDX-License-Identifier: MIT
#
# No expectation is written down here. A program makes every call in each way that the call can end,
# and what it prints with the shim is compared with what it prints without. The calls are made in the
# program, by a library that begins before the shim and ends after it, in a signal handler, in a
# vfork child, in a child of a program with threads, and in a thread that is cancelled.

load helper

setup_file() {
	local from=$ROOT/tests/fixtures name
	WORK=$BATS_FILE_TMPDIR
	export WORK
	cc -D_GNU_SOURCE -std=c11 -O2 -shared -fPIC -o "$WORK/early.so" "$from/lib/calls_early.c"
	command -v musl-gcc >/dev/null || return 0
	for name in calls_table calls_cancel; do
		musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/$name" "$from/$name.c" -pthread
	done
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -shared -fPIC -o "$WORK/early_musl.so" \
		"$from/lib/calls_early.c"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

need_musl() {
	[ -x "$WORK/calls_table" ] || skip "no musl-gcc here"
}

# plain_and_preloaded PROGRAM...: puts its output and status into the files plain and preloaded.
plain_and_preloaded() {
	local status=0
	timeout 60 "$@" >plain 2>plain.err </dev/null || status=$?
	echo "exit $status" >>plain
	status=0
	timeout 60 env LD_PRELOAD="$LIB" "$@" >preloaded 2>preloaded.err </dev/null || status=$?
	echo "exit $status" >>preloaded
}

assert_same() {
	assert [ "$(wc -l <"$1")" -ge "$3" ]
	diff -U 0 "$1" "$2"
}

# same_in LINES PROGRAM...: prints the same plain and preloaded, at least LINES lines, to the end.
same_in() {
	plain_and_preloaded "${@:2}"
	assert_equal "$(tail -n 1 plain)" 'exit 0'
	assert_same plain preloaded "$1"
}

# early_and_late EARLY PRELOAD PROGRAM: with the library EARLY in PRELOAD, a list in the order that
# has it initialized before the shim; the files plain.early, plain.late and so on.
early_and_late() {
	timeout 60 env CALLS_OUT="$PWD/plain" LD_PRELOAD="$1" "$3" >plain.main 2>main.err </dev/null
	timeout 60 env CALLS_OUT="$PWD/preloaded" LD_PRELOAD="$2" "$3" >preloaded.main 2>main.err \
		</dev/null
	assert_same plain.main preloaded.main 800
	# Our library was not awake yet, and not awake any more. In between it was.
	assert_equal "$(head -qn 1 preloaded.early preloaded.late)" $'threads 1\nthreads 1'
	assert_equal "$(grep '^threads' main.err)" 'threads 2'
}

calls() {
	sed -nE 's/^CALL(_LIBC)?\((.*)\)$/\2/p' "$ROOT/shim/base/calls.def"
}

# The ways in which each call must have been tried. How they end is not written down anywhere.
ways_of() {
	local fd='a closed descriptor|a bad pointer|no bytes' vector
	vector='1024 parts|1025 parts|a huge count of parts|parts at a bad pointer|no parts'
	vector="$vector|a part at a bad pointer|a part of negative length|more than a size can say"
	case $1 in
	write | send | sendto) echo "$fd|a size out of memory|no room|interrupted|nobody reads" ;;
	writev | sendmsg | sendmmsg) echo "$fd|$vector|no room|interrupted|nobody reads" ;;
	sendfile) echo "$fd|no room|interrupted|nobody reads" ;;
	sendfile64) echo "a closed descriptor|a bad pointer" ;;
	splice) echo "$fd|an empty pipe|interrupted" ;;
	read | recv | recvfrom) echo "$fd|a size out of memory|nothing there|interrupted|the end" ;;
	readv | recvmsg | recvmmsg) echo "$fd|$vector|nothing there|interrupted|the end" ;;
	__re*_chk) echo "$fd|past the buffer|nothing there|interrupted|the end" ;;
	accept | accept4) echo "a closed descriptor|a bad pointer|nobody there|interrupted" ;;
	epoll_*) echo "a closed descriptor|a bad pointer|room for none|nothing there|interrupted" ;;
	poll | ppoll) echo "a bad pointer|none|too many|nothing there|interrupted" ;;
	__poll_chk | __ppoll_chk) echo "a bad pointer|past the array|nothing there|interrupted" ;;
	select | pselect) echo "a closed descriptor|a bad pointer|none|nothing there|interrupted" ;;
	wait | waitpid | waitid | wait3 | wait4) echo "a child|no child|a bad pointer|interrupted" ;;
	system) echo "a child|is there a shell|no such program" ;;
	pause) echo "interrupted" ;;
	sigsuspend) echo "interrupted|a bad set" ;;
	sigwait) echo "one that is pending|a bad set" ;;
	sigwaitinfo) echo "one that is pending|a bad set|a bad pointer|interrupted" ;;
	sigtimedwait) echo "nothing there|one that is pending|a bad set|a bad time|interrupted" ;;
	socket) echo "a stream|an unknown domain|an unknown type" ;;
	socketpair) echo "a stream|an unknown domain|a bad pointer" ;;
	connect) echo "a closed descriptor|a bad pointer|without waiting|no room|interrupted" ;;
	shutdown) echo "one side|not connected|a closed descriptor" ;;
	setsockopt) echo "least bytes|a closed descriptor|a bad pointer|too short" ;;
	close) echo "a file|again|descriptor -1" ;;
	nanosleep) echo "2 ms|no time|a wrong time|before now|a bad pointer|interrupted" ;;
	clock_nanosleep)
		echo "2 ms|a point in the past|an unknown clock|a wrong time|a bad pointer|interrupted"
		;;
	usleep) echo "2 ms|no time|interrupted" ;;
	sleep) echo "no time|interrupted" ;;
	fork) echo "a child" ;;
	__register_atfork) echo "no handlers" ;;
	pthread_create | thrd_create | pthread_cancel) echo "a thread" ;;
	close_range) echo "three|none of them open|the wrong way round|all the rest" ;;
	closefrom) echo "the rest|everything" ;;
	fcntl | fcntl64) echo "a duplicate|a closed descriptor" ;;
	dup) echo "a file|a closed descriptor" ;;
	dup2 | dup3) echo "onto a free number|onto itself|a closed one" ;;
	fopen | fopen64) echo "r|w|a|q|no such file|a bad pointer" ;;
	fdopen) echo "a file|a closed descriptor|an unknown mode" ;;
	freopen | freopen64) echo "another file|another mode|no such file" ;;
	fflush*) echo "a file|a full disk|a closed descriptor|interrupted|nobody reads" ;;
	getline | getdelim | __getdelim | f*_unlocked | __f*_chk | fgets | fread | getc | fgetc | __u*flow)
		echo "a line|another line|nothing there|interrupted|the end|past the end" ;;
	setvbuf) echo "no buffer|a buffer|by line|an unknown mode" ;;
	setlinebuf) echo "a file" ;;
	login_tty) echo "a closed descriptor" ;;
	fclose) echo "a full disk|a closed descriptor|no room|interrupted|nobody reads" ;;
	sigaction | __sigaction) echo "told|set and told|no signal|from a bad pointer|to a bad pointer" ;;
	sigaltstack) echo "told|set and told|too small" ;;
	siginterrupt) echo "on, the default|off, a handler|no signal" ;;
	*signal | sigset) echo "a handler|ignored|the default|no signal|signal 65|SIGKILL" ;;
	exit | _exit) echo "2[56].*" ;;
	_Exit) echo "5" ;;
	abort) echo "the default|ignored|a handler that returns|blocked" ;;
	fexecve) echo "a shell|no program at all|a closed descriptor|a bad pointer" ;;
	execveat | execve) echo "a shell|no such program|a bad pointer" ;;
	exec*) echo "a shell|no such program" ;;
	prctl) echo "a name|a bad pointer|an unknown option|keep capabilities" ;;
	capset) echo "as they are|a bad pointer|a bad header|an unknown version" ;;
	unshare) echo "nothing|unknown flags|a user namespace" ;;
	pthread_exit | thrd_exit) echo "of the only thread" ;;
	syscall) echo "an unknown number|a bad pointer|six arguments|no filter|a clone" ;;
	setns) echo "its own|a closed descriptor|no namespace" ;;
	esac
}

# tried_in FILE: has it each call in each of its ways?
tried_in() {
	local name ways way
	for name in $(calls); do
		ways=$(ways_of "$name")
		[ -n "$ways" ] || fail "$name: in which ways must it be tried?"
		while read -r way; do
			grep -qE "^$name +$way +-?[0-9a-z]+( |\$)" "$1" ||
				fail "$name: never tried with $way"
		done <<<"${ways//|/$'\n'}"
	done
}

@test "Every call has the result and errno that it has without the shim" {
	same_in 1000 "$PROGS/calls_table"
}

@test "Every interposed call is tried in each of its ways, and where its thread is cancelled" {
	local name
	"$PROGS/calls_table" >table 2>err </dev/null
	tried_in table
	"$PROGS/calls_cancel" >cancel </dev/null
	for name in $(calls); do
		grep -qE "(^|[ ,])$name (blocked|pending)" cancel || fail "$name is not"
	done
	# The control: a call that was not tried is found.
	calls() {
		echo newcall
	}
	run tried_in /dev/null
	assert_failure
}

@test "Every call has the result and errno that it has without the shim, in a musl program" {
	need_musl
	same_in 800 "$WORK/calls_table"
}

# Every wait then flushes first, and is made with a signal mask of its own.
@test "The shim changes no call that is made with a line pending" {
	local start
	for start in constructor threads; do
		export IDLEFLUSH_IDLE=100us IDLEFLUSH_START=$start IDLEFLUSH_STATS=$PWD/stats.$start
		same_in 1000 "$PROGS/calls_table" pending
		[ ! -x "$WORK/calls_table" ] || same_in 800 "$WORK/calls_table" pending
		grep -qE ' at_waits=[0-9]{2,} ' "stats.$start"
	done
}

@test "The shim changes no call in a signal handler, nor in one that came inside stdio" {
	same_in 1000 "$PROGS/calls_table" handler
	[ ! -x "$WORK/calls_table" ] || same_in 800 "$WORK/calls_table" handler
}

@test "The shim changes no call of a vfork child, nor of its parent afterwards" {
	same_in 2000 "$PROGS/calls_table" vfork
	grep -qx 'the child: 2a00' plain
	[ ! -x "$WORK/calls_table" ] || same_in 1600 "$WORK/calls_table" vfork
}

@test "The shim changes no call of a child of a program with threads" {
	same_in 1000 "$PROGS/calls_table" fork
	grep -qx 'the child: 2a00' plain
	[ ! -x "$WORK/calls_table" ] || same_in 800 "$WORK/calls_table" fork
}

@test "The shim changes no call of a library that is initialized before it" {
	early_and_late "$WORK/early.so" "$LIB $WORK/early.so" "$PROGS/calls_table"
	assert_same plain.early preloaded.early 1000
}

@test "The shim changes no call of a library that ends after it" {
	early_and_late "$WORK/early.so" "$LIB $WORK/early.so" "$PROGS/calls_table"
	assert_same plain.late preloaded.late 1000
}

@test "The shim changes no call of a library around it in a musl program" {
	need_musl
	early_and_late "$WORK/early_musl.so" "$WORK/early_musl.so $LIB" "$WORK/calls_table"
	assert_same plain.early preloaded.early 800
	assert_same plain.late preloaded.late 800
}

@test "A thread blocked in a call can be cancelled, and is unwound; no other call ends it" {
	same_in 80 "$PROGS/calls_cancel"
	assert_equal "$(grep -c 'blocked cancelled unwound$' plain)" 57
	grep -q 'fork pending returned' plain
}

@test "A thread blocked in a call can be cancelled in a musl program; no other call ends it" {
	need_musl
	same_in 60 "$WORK/calls_cancel"
	assert_equal "$(grep -c 'blocked cancelled unwound$' plain)" 33
	grep -q 'fork pending returned' plain
}

@test "Calls keep their results while the flusher is at work, and however it is set" {
	local settings
	timeout 60 "$PROGS/calls_table" >plain 2>/dev/null </dev/null
	# The flusher thread wakes every 10 ms; any difference now comes from that.
	for settings in "IDLEFLUSH_HEARTBEAT=10ms IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=100us" \
		IDLEFLUSH_START=server IDLEFLUSH_BUFFER=64K IDLEFLUSH_DEBUG=1 \
		IDLEFLUSH_SIGNALS=none "IDLEFLUSH_STATS=$PWD/stats" IDLEFLUSH_DISABLE=1; do
		# shellcheck disable=SC2086 # several of them
		timeout 60 env LD_PRELOAD="$LIB" $settings "$PROGS/calls_table" >preloaded \
			2>/dev/null </dev/null
		assert_same plain preloaded 1000
	done
	grep -q '^idleflush: .*responses=' stats
}
