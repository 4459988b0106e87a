#!/usr/bin/env bats
# wrappers.bats -- every interposed call does what it does without us, and nothing else
# SPDX-License-Identifier: MIT
#
# No expectation is written down here: a program calls everything in each way that it can end, and
# what it prints with the shim is compared with what it prints without.

load helper

setup_file() {
	WORK=$BATS_FILE_TMPDIR
	export WORK
	cc -D_GNU_SOURCE -std=c11 -O2 -shared -fPIC -o "$WORK/early.so" \
		"$ROOT/tests/fixtures/lib/calls_early.c"
	command -v musl-gcc >/dev/null || return 0
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/calls_table" "$ROOT/tests/fixtures/calls_table.c"
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/calls_cancel" "$ROOT/tests/fixtures/calls_cancel.c"
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -shared -fPIC -o "$WORK/early_musl.so" \
		"$ROOT/tests/fixtures/lib/calls_early.c"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

need_musl() {
	[ -x "$WORK/calls_table" ] || skip "no musl-gcc here"
}

# plain_and_preloaded PROGRAM...: its output and status in the files plain and preloaded.
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

# early_and_late EARLY PRELOAD PROGRAM: with the library EARLY in PRELOAD, a list in the order that
# has it initialized before the shim; the files plain.early, plain.late and so on.
early_and_late() {
	timeout 60 env CALLS_OUT="$PWD/plain" LD_PRELOAD="$1" "$3" >main 2>main.err </dev/null
	timeout 60 env CALLS_OUT="$PWD/preloaded" LD_PRELOAD="$2" "$3" >main 2>main.err </dev/null
	# Ours was not there yet, and there no more. In between it was.
	assert_equal "$(head -qn 1 preloaded.early preloaded.late)" $'threads 1\nthreads 1'
	assert_equal "$(grep '^threads' main.err)" 'threads 2'
}

@test "Every call has the result and errno that it has without the shim" {
	plain_and_preloaded "$PROGS/calls_table"
	assert_same plain preloaded 400
}

@test "Every call has the result and errno that it has without the shim, in a musl program" {
	need_musl
	plain_and_preloaded "$WORK/calls_table"
	assert_same plain preloaded 300
}

@test "Every interposed call is among those compared" {
	local name
	plain_and_preloaded "$PROGS/calls_table"
	while read -r name; do
		grep -q "^$name " plain || fail "$name is not"
	done < <(sed -n 's/^CALL(\(.*\))$/\1/p' "$ROOT/shim/calls.def")
}

@test "The shim changes no call of a library that is initialized before it" {
	early_and_late "$WORK/early.so" "$LIB $WORK/early.so" "$PROGS/calls_table"
	assert_same plain.early preloaded.early 400
}

@test "The shim changes no call of a library that ends after it" {
	early_and_late "$WORK/early.so" "$LIB $WORK/early.so" "$PROGS/calls_table"
	assert_same plain.late preloaded.late 400
}

@test "The shim changes no call of a library around it in a musl program" {
	need_musl
	early_and_late "$WORK/early_musl.so" "$WORK/early_musl.so $LIB" "$WORK/calls_table"
	assert_same plain.early preloaded.early 300
	assert_same plain.late preloaded.late 300
}

@test "A thread blocked in a call can be cancelled, and is unwound" {
	plain_and_preloaded "$PROGS/calls_cancel"
	assert_equal "$(grep -vc 'cancelled unwound$' plain)" 1 # the exit status
	assert_same plain preloaded 25
}

@test "A thread blocked in a call can be cancelled in a musl program" {
	need_musl
	plain_and_preloaded "$WORK/calls_cancel"
	assert_equal "$(grep -vc 'cancelled unwound$' plain)" 1
	assert_same plain preloaded 20
}

@test "Calls keep their results while the flusher is at work" {
	# Its thread looks every 10 ms; what differs now differs because of it.
	timeout 60 "$PROGS/calls_table" >plain 2>/dev/null </dev/null
	timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms IDLEFLUSH_IDLE=100us \
		IDLEFLUSH_MAX_AGE=100us "$PROGS/calls_table" >preloaded 2>/dev/null </dev/null
	assert_same plain preloaded 400
}
