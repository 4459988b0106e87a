#!/usr/bin/env bats
# creds.bats -- a program can change its rights and namespaces as if it had no thread of ours
# SPDX-License-Identifier: MIT
#
# The kernel keeps these for each thread. So each test has a control that fails because of a second
# thread of the program, as it would because of ours.

load helper

creds() {
	env "$@" | cat
	return "${PIPESTATUS[0]}"
}

setup() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	MUSL=$BATS_TEST_TMPDIR/creds
	! command -v musl-gcc >/dev/null ||
		musl-gcc -D_GNU_SOURCE -std=c11 -o "$MUSL" "$ROOT/tests/fixtures/creds.c"
}

@test "A program may keep capabilities over a change of user, and change its groups then" {
	run creds "$PROGS/creds" keepcaps own
	assert [ "$status" != 0 ]
	run -0 creds LD_PRELOAD="$LIB" "$PROGS/creds" keepcaps
	assert_output 'before=2 after=1 later=2'
	run -0 creds LD_PRELOAD="$LIB" setpriv --reuid=65534 --clear-groups true
}

# bats test_tags=musl
@test "A musl program may keep capabilities over a change of user, and change its groups then" {
	[ -x "$MUSL" ] || skip "no musl-gcc here"
	run creds "$MUSL" keepcaps own
	assert [ "$status" != 0 ]
	run -0 creds LD_PRELOAD="$LIB" "$MUSL" keepcaps
	assert_output 'before=2 after=1 later=2'
}

@test "A program may enter a user namespace" {
	run -0 creds "$PROGS/creds" unshare || skip "no user namespaces here"
	run -1 creds "$PROGS/creds" unshare own
	assert_output --partial 'Invalid argument'
	run -0 creds LD_PRELOAD="$LIB" "$PROGS/creds" unshare
	assert_output 'before=2 after=1 later=2'
}

@test "A sandboxed program has no thread of ours, neither outside of the sandbox nor in it" {
	# A process ends with its last thread; ours would keep it alive.
	run -124 creds timeout 2 "$PROGS/creds" seccomp own
	run -0 creds LD_PRELOAD="$LIB" timeout 10 "$PROGS/creds" seccomp
	assert_output sandboxed
}

@test "A program that changes neither rights nor namespaces keeps the thread" {
	run -0 creds LD_PRELOAD="$LIB" "$PROGS/creds" threads
	assert_output 'before=2 after=2 later=2'
}
