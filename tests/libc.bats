#!/usr/bin/env bats
# libc.bats -- in a libc that lacks what it needs, the library sleeps and every call passes through
# SPDX-License-Identifier: MIT
#
# A program with no libc at all is in artifact.bats, older and newer glibcs are in systems.bats.

load helper

@test "In an unknown libc each call reaches it, and none is missed" {
	cd "$BATS_TEST_TMPDIR"
	cc -O2 -shared -fPIC -nostdlib -fno-stack-protector -fno-builtin -Wl,-soname,libtiny.so \
		-o libtiny.so "$ROOT/tests/fixtures/libc/tiny.c"
	cc -O2 -fPIE -pie -nostdlib -fno-stack-protector -fno-builtin -Wl,-rpath,"$PWD" \
		-o program "$ROOT/tests/fixtures/libc/program.c" libtiny.so
	run -42 timeout 10 ./program
	assert_output 'a libc of its own'
	run -42 timeout 10 env LD_PRELOAD="$LIB" IDLEFLUSH_DEBUG=1 ./program
	assert_output 'a libc of its own'
	# The unknown libc was loaded, and glibc was not.
	run -42 timeout 10 env LD_DEBUG=files LD_PRELOAD="$LIB" ./program
	assert_output --partial "calling init: $LIB"
	refute_output --partial libc.so
}
