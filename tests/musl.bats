#!/usr/bin/env bats
# musl.bats -- the library file that serves glibc serves musl, whose stdio differs
# SPDX-License-Identifier: MIT
#
# `make bats-musl` runs the core suites with musl programs. Here are the differences of musl: a buffer
# of 1 KiB, the first line at once (see also flush.bats), locks that stay taken in a forked child.

load helper

# Every flush of ours is turned off.

setup_file() {
	command -v musl-gcc >/dev/null || {
		cannot_run "no musl-gcc here (musl-tools)"
		return
	}
	WORK=$BATS_FILE_TMPDIR
	export WORK
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/server" "$ROOT/tests/fixtures/server.c"
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/state" "$ROOT/tests/fixtures/state.c"
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/forker" "$ROOT/tests/fixtures/musl/forker.c"
}

setup() {
	skip_if_cannot
}

teardown() {
	stop_all
}

# traffic NAME COUNT: one request after the other.
traffic() {
	"$PROGS/load" --port="$(port_of "$1")" --connections=1 --rate=1000 --count="$2"
}

came() {
	lines_of "$1" | grep -c '^req' || true
}

all_came() {
	[ "$(came "$1")" -ge "$2" ]
}

@test "One file is awake in programs of both libcs" {
	run -0 readelf -lW "$WORK/state" "$PROGS/state"
	assert_output --partial 'interpreter: /lib/ld-musl-'
	assert_output --partial '/ld-linux-'
	assert_equal "$(env LD_PRELOAD="$LIB" "$WORK/state" | cat)" 'threads=2 then=2 secure=0'
	assert_equal "$(env LD_PRELOAD="$LIB" "$PROGS/state" | cat)" 'threads=2 then=2 secure=0'
}

@test "Without the shim a buffer of 1 KiB lets lines out in blocks; with it no line waits" {
	start_server plain "$WORK/server" --line-size=300
	start_server fresh preload "$WORK/server" --line-size=300
	traffic plain 10
	traffic fresh 10
	wait_until 5 all_came fresh 10
	wait_until 5 all_came plain 2
	refute wait_until 1 all_came plain 10
	assert_equal "$(lines_of fresh | cut -d' ' -f1,2)" "$(seq -f 'req %g' 10)"
}

@test "Lines longer than the buffer come whole and in order" {
	start_server fresh preload "$WORK/server" --line-size=3000
	traffic fresh 50
	wait_until 5 all_came fresh 50
	assert_equal "$(lines_of fresh | cut -d' ' -f1,2)" "$(seq -f 'req %g' 50)"
	assert_equal "$(lines_of fresh | awk '{ print length }' | sort -u)" 2999
}

@test "The buffer of 1 KiB is replaced by a larger one" {
	local name lone=(IDLEFLUSH_IDLE=2s IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0)
	start_server small preload "${lone[@]}" IDLEFLUSH_BUFFER=libc "$WORK/server" --line-size=300 --graceful
	start_server large preload "${lone[@]}" "$WORK/server" --line-size=300 --graceful
	# It is put in at a flush, and musl takes it at the next one.
	for name in small large; do
		traffic "$name" 1
	done
	for name in small large; do
		wait_until 10 all_came "$name" 1
		traffic "$name" 1
	done
	for name in small large; do
		wait_until 10 all_came "$name" 2
	done
	traffic small 20
	traffic large 20
	# Two flushes at waits may have followed each other; libc's own come at each KiB.
	assert [ "$(came small)" -gt 10 ]
	assert [ "$(came large)" -le 4 ]
	stop_server large
	assert_equal "$(came large)" 22
}

@test "A flush during a fork leaves no lock taken in the child" {
	# The control: musl's fork does not reset the lock that another thread holds.
	run -1 timeout 60 "$WORK/forker" 20000 naive
	assert_output --partial hung

	timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=100us \
		"$WORK/forker" 3000 2>"$BATS_TEST_TMPDIR/err" | sort >"$BATS_TEST_TMPDIR/out"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/err")" ''
	seq -f 'child %.0f' 3000 >"$BATS_TEST_TMPDIR/expected"
	seq -f 'line %.0f' 3000 >>"$BATS_TEST_TMPDIR/expected"
	sort "$BATS_TEST_TMPDIR/expected" | diff - "$BATS_TEST_TMPDIR/out"
}

@test "A call that musl lacks fails with ENOSYS where a program finds it in the shim" {
	musl-gcc -D_GNU_SOURCE -O2 -o "$WORK/lacking" "$ROOT/tests/fixtures/lacking.c"
	run -0 "$WORK/lacking"
	assert_output "$(printf '%s: not there\n' execveat ssignal sysv_signal __sigaction)"
	run -0 timeout 10 env LD_PRELOAD="$LIB" "$WORK/lacking"
	assert_output "$(printf '%s: Function not implemented\n' execveat ssignal sysv_signal __sigaction)"
}
