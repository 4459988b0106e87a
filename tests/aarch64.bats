#!/usr/bin/env bats
# aarch64.bats -- the cross-built library on an emulated aarch64: a smoke suite
# SPDX-License-Identifier: MIT

load helper

# Under emulation the table of calls takes long.
export BATS_TEST_TIMEOUT=600

ROOTFS=/usr/aarch64-linux-gnu # where the cross compiler's libc is

# By calling qemu, not by binfmt_misc, which this machine would have to be set up for.
arm() {
	qemu-aarch64-static -L "$ROOTFS" "$@"
}

setup_file() {
	if [ "$(uname -m)" = aarch64 ]; then
		cannot_run "this is aarch64: the other suites run on it"
		return
	fi
	for tool in aarch64-linux-gnu-gcc qemu-aarch64-static; do
		command -v "$tool" >/dev/null || {
			cannot_run "no $tool here (gcc-aarch64-linux-gnu, qemu-user-static)"
			return
		}
	done
	ARM=$BATS_FILE_TMPDIR
	export ARM
	# Not with the options and the job server of the make that may run us.
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$ROOT" ARCH=aarch64 B="$ARM" \
		all "$ARM/tests/server" "$ARM/tests/state" "$ARM/tests/calls_table" >"$ARM/log" 2>&1 || {
		cat "$ARM/log" >&2
		return 1
	}
	aarch64-linux-gnu-gcc -O2 -o "$ARM/unlocked" -D_GNU_SOURCE -x c - <<-END
		#include <stdio.h>
		int main(void) { return putc_unlocked('x', stdout) != 'x'; }
	END
	aarch64-linux-gnu-gcc -O2 -nostdlib -pie -fPIE -fno-stack-protector -o "$ARM/nolibc" \
		"$ROOT/tests/fixtures/lib/nolibc.c"
}

setup() {
	skip_if_cannot
}

teardown() {
	stop_all
}

# start_arm NAME [VARIABLE=VALUE...] PROGRAM [ARGUMENT...]: emulated, under the shim.
start_arm() {
	local name=$1 settings=()
	shift
	while [[ $1 == *=* ]]; do
		settings+=(-E "$1")
		shift
	done
	start_server "$name" qemu-aarch64-static -L "$ROOTFS" -E LD_PRELOAD="$ARM/libidleflush.so" \
		"${settings[@]}" "$@"
}

@test "make ARCH=aarch64 builds a library and a launcher for aarch64" {
	run -0 readelf -h "$ARM/libidleflush.so" "$ARM/idleflush"
	assert_equal "$(grep -c 'Machine: *AArch64' <<<"$output")" 2
	run -0 arm "$ARM/idleflush" --version
	assert_line "idleflush $(cat "$ROOT/VERSION")"
}

@test "The library for aarch64 needs no other library, and every symbol that it lacks is weak" {
	run -0 readelf -dW "$ARM/libidleflush.so"
	refute_output --partial '(NEEDED)'
	run -0 aarch64-linux-gnu-nm -D "$ARM/libidleflush.so"
	refute_output --regexp ' U '
	assert_equal "$(awk '$2 == "T" { print $3 }' <<<"$output" | sort)" \
		"$(nm -D --defined-only "$LIB" | awk '{ print $3 }' | sort)"
}

@test "Lines are fresh on aarch64, whatever serves" {
	local model id
	start_server plain qemu-aarch64-static -L "$ROOTFS" "$ARM/tests/server" --hello=listening
	for model in epoll threads prefork; do
		start_arm "$model" "$ARM/tests/server" --model="$model" --hello=listening
		for id in 1 2; do
			request "$(port_of "$model")" "$id"
			wait_until 10 arrived "$model" "$id"
		done
		assert_equal "$(lines_of "$model" | cut -d' ' -f1,2)" $'listening pid\nreq 1\nreq 2'
	done
	request "$(port_of plain)" 1
	refute wait_until 1 arrived plain 1
}

@test "A server on aarch64 that is terminated loses no line" {
	start_arm dying IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 \
		"$ARM/tests/server" --print-when=before
	request "$(port_of dying)" 1
	refute arrived dying 1
	stop_server dying
	assert_equal "$SERVER_STATUS" 143
	arrived dying 1
}

@test "The launcher for aarch64 finds its library, and recognizes a program for another machine" {
	run -125 arm "$ARM/idleflush" --strict "$PROGS/state"
	assert_output --partial 'built for another architecture'
}

# Without sa_restorer, which is not set there, and without crashes in children of a program with
# threads, which qemu does not survive.
calls_of() {
	arm "$@" "$ARM/tests/calls_table" </dev/null 2>/dev/null |
		sed 's/ restorer [01]//; /^Bail out! /d; / bad pointer /d'
}

@test "Calls on aarch64 have the results that they have without the shim" {
	calls_of >"$BATS_TEST_TMPDIR/plain"
	calls_of -E LD_PRELOAD="$ARM/libidleflush.so" >"$BATS_TEST_TMPDIR/preloaded"
	assert [ "$(wc -l <"$BATS_TEST_TMPDIR/plain")" -ge 800 ]
	run -0 diff -U 0 "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/preloaded"
}

@test "The library for aarch64 makes no thread in programs that write without locks, nor without a libc" {
	assert_equal "$(arm -E LD_PRELOAD="$ARM/libidleflush.so" -E IDLEFLUSH_DEBUG=1 "$ARM/unlocked" 2>&1 | cat)" \
		'idleflush: awake, at waits only: the program writes to stdio without locks
x'
	run -42 arm -E LD_PRELOAD="$ARM/libidleflush.so" "$ARM/nolibc"
	assert_output 'no libc here'
}
