#!/usr/bin/env bats
# sandbox.bats -- in a process that has set a seccomp filter nothing of ours makes a system call
# SPDX-License-Identifier: MIT
#
# Each program runs plainly and with the shim, and is compared. Its filter allows no call that it
# does not make itself; the control makes one, and is killed.

load helper

setup() {
	[ -x "$PROGS/sandbox" ] || skip "no test program of this libc"
	"$PROGS/sandbox" prctl kill _exit >/dev/null 2>&1 || skip "no seccomp filters here"
}

# alike ARGUMENT...: sandbox(ARGUMENT...) has the same output and status with the shim.
alike() {
	local lib status
	for lib in '' "$LIB"; do
		status=0
		timeout 10 env ${lib:+LD_PRELOAD="$lib"} "$PROGS/sandbox" "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 ||
			status=$?
		echo "$* exit $status $(cat "$BATS_TEST_TMPDIR/out")" >"$BATS_TEST_TMPDIR/${lib:+shim}told"
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR/shimtold")" "$(cat "$BATS_TEST_TMPDIR/told")"
}

# killed ARGUMENT...: the status of sandbox(ARGUMENT...) that waits, when TERM ends it.
killed() {
	local pid status=0
	env "$@" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	pid=$!
	wait_until 10 grep -q after "$BATS_TEST_TMPDIR/out"
	kill -TERM "$pid"
	wait_until 10 gone "$pid" || kill -KILL "$pid"
	wait "$pid" || status=$?
	echo "$status"
}

# bats test_tags=core
@test "A filter ends a program that makes one call more than it allows" {
	run "$PROGS/sandbox" prctl kill call
	assert_equal "$status" 159
	run "$PROGS/sandbox" prctl trap call
	assert_equal "$status" 159
	run -0 "$PROGS/sandbox" prctl errno call
}

# bats test_tags=core
@test "A sandboxed program ends as it does without the shim" {
	local by action end
	for by in prctl syscall syscall_prctl; do
		for action in kill errno trap; do
			for end in _exit exit fork receive; do
				alike "$by" "$action" "$end"
			done
		done
	done
}

# bats test_tags=core
@test "A sandboxed program dies of a signal as it does without the shim" {
	local action
	for action in kill errno trap; do
		assert_equal "$(killed "$PROGS/sandbox" prctl $action wait)" 143
		assert_equal "$(killed LD_PRELOAD="$LIB" "$PROGS/sandbox" prctl $action wait)" 143
	done
}

# bats test_tags=core
@test "No thread of ours is left outside of a filter" {
	local by
	for by in prctl syscall syscall_prctl; do
		run -0 env LD_PRELOAD="$LIB" "$PROGS/sandbox" $by errno thread
		assert_line 1
	done
}

# bats test_tags=core
@test "After a filter that the kernel refused the shim works as before" {
	run "$PROGS/sandbox" prctl errno refused
	assert_equal "$status" 143
	refute_output --partial after
	run env LD_PRELOAD="$LIB" "$PROGS/sandbox" prctl errno refused
	assert_equal "$status" 143
	assert_output --partial after
}

@test "A program that sets a filter is told asleep, and why" {
	run env LD_PRELOAD="$LIB" IDLEFLUSH_DEBUG=1 "$PROGS/sandbox" prctl errno _exit
	assert_output --partial 'idleflush: the program sets a seccomp filter: asleep'
}
