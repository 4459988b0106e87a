#!/usr/bin/env bats
# errno.bats -- errno is the program's own, whatever the shim's own calls do to it
# SPDX-License-Identifier: MIT
#
# libc's calls hardly ever change errno when they succeed, so that a wrapper which forgets to restore
# it would go unnoticed. Here every call that the shim makes leaves 4242 there: lib/dirty.c for those
# of libc, lib/dirty_calls.c for its own system calls.

load helper

setup_file() {
	DIRTY=$BATS_FILE_TMPDIR/dirty.so
	export DIRTY
	cc -D_GNU_SOURCE -std=c11 -O1 -shared -fPIC -o "$DIRTY" "$ROOT/tests/fixtures/lib/dirty.c"
}

setup() {
	shim_with dirty_calls.c
}

# errnos [VARIABLE=VALUE...]: what the program says of calls that changed its errno.
errnos() {
	timeout 60 env "$@" "$PROGS/errnos" 2>&1 >"$BATS_TEST_TMPDIR/out" </dev/null |
		grep -v '^idleflush: pid='
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -ge 20 ]
}

@test "Without the shim a successful call leaves errno alone, with libc as it is and with dirty.so" {
	run -0 errnos
	assert_output ''
	run -0 errnos LD_PRELOAD="$DIRTY"
	assert_output ''
}

@test "With dirty.so a call that the shim uses changes errno even when it succeeds" {
	run -0 env LD_PRELOAD="$DIRTY" /usr/bin/python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
ctypes.set_errno(77)
libc.pthread_sigmask(0, None, None)
print(ctypes.get_errno())'
	assert_output 4242
}

@test "No call that succeeds changes errno, nor does our constructor" {
	run -0 errnos LD_PRELOAD="$LIB $DIRTY"
	assert_output ''
}

@test "A call that starts the thread does not change errno" {
	run -0 errnos LD_PRELOAD="$LIB $DIRTY" IDLEFLUSH_START=server
	assert_output ''
}

@test "A call that prints a line for --debug does not change errno" {
	run -0 errnos LD_PRELOAD="$LIB $DIRTY" IDLEFLUSH_DEBUG=1
	refute_output --partial errno
	assert_output --partial 'connection'
}

@test "A wait of a Python program, at which its streams are checked, does not change errno" {
	run -0 timeout 60 env LD_PRELOAD="$LIB $DIRTY" /usr/bin/python3 -c '
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)

def keeps(call, *words):
    ctypes.set_errno(77)
    result = call(*words)
    if result < 0 or ctypes.get_errno() != 77:
        print(call.__name__, result, ctypes.get_errno())

for n in range(40):
    keeps(libc.poll, None, 0, 20)
child = os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "0.1")
keeps(libc.waitpid, child, None, 0)
print("done")'
	assert_output "done"
}
