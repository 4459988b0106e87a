#!/usr/bin/env bats
# systems.bats -- the library that was built here, on releases with an older and a newer glibc
# SPDX-License-Identifier: MIT
#
# Debian 11 has glibc 2.31, whose threads and dlsym are in other libraries; Debian 13 has 2.41.
# `make check-systems` runs the core suites on them.
# shellcheck disable=SC2016 # a dollar in single quotes is for a shell of that system

load helper
load system

RELEASES=(bullseye trixie)

setup_file() {
	export SHARED=$BATS_FILE_TMPDIR
	local release
	for release in "${RELEASES[@]}"; do
		make_system "$release" "$SHARED/$release" || return 0
		in_system "$release" true || {
			cannot_run "no root can be entered here"
			return 0
		}
	done
	cp "$LIB" "$ROOT"/tests/fixtures/{server.c,state.c,*.h} "$SHARED"
	# The command is linked statically, as in a release archive, to run anywhere.
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$ROOT" B="$SHARED/build" CFLAGS='-O1 -fPIE' \
		LDFLAGS=-static-pie "$SHARED/build/idleflush" 3>&-
	mv "$SHARED/build/idleflush" "$SHARED"
	for release in "${RELEASES[@]}"; do
		in_system "$release" sh -c 'cd "$0"
			cc -D_GNU_SOURCE -std=c11 -O2 -o server.$1 server.c -pthread
			cc -D_GNU_SOURCE -std=c11 -O2 -o state.$1 state.c
			cc -D_GNU_SOURCE -std=c11 -O2 -o threads.$1 state.c -Wl,--no-as-needed -pthread' \
			"$SHARED" "$release"
	done
}

setup() {
	skip_if_cannot
}

teardown() {
	stop_all
}

# in_system RELEASE COMMAND...
in_system() {
	unshare --mount sh "$ROOT/tests/fixtures/systems/enter.sh" "$SHARED/$1" "$SHARED" "${@:2}"
}

# start_in RELEASE NAME [VARIABLE=VALUE...] [ARGUMENT of the server...]
start_in() {
	local release=$1 name=$2 settings=()
	shift 2
	while [[ ${1-} == *=* && $1 != --* ]]; do
		settings+=("$1")
		shift
	done
	start_server "$name" unshare --mount sh "$ROOT/tests/fixtures/systems/enter.sh" \
		"$SHARED/$release" "$BATS_RUN_TMPDIR" env "${settings[@]}" "$SHARED/server.$release" "$@"
}

@test "Programs of an older and of a newer release run as they do alone" {
	local release command expected
	for release in "${RELEASES[@]}"; do
		for command in true 'echo $$ | wc -l' 'ls / | sort | head -n 3' 'exec perl -e "print 42"' \
			'kill -TERM $$' 'bash -c "exit 7"' 'seq 1000 | awk "{ s += \$1 } END { print s }"' \
			'tar -c /etc | tar -t | sort | md5sum' 'dpkg -l | md5sum' \
			'echo "int main(void) { return 3; }" >/tmp/3.c && cc -o /tmp/3 /tmp/3.c && /tmp/3'; do
			run timeout 60 unshare --mount sh "$ROOT/tests/fixtures/systems/enter.sh" \
				"$SHARED/$release" "$SHARED" /bin/sh -c "$command"
			expected="$release $command: $status $output"
			run timeout 60 unshare --mount sh "$ROOT/tests/fixtures/systems/enter.sh" \
				"$SHARED/$release" "$SHARED" env LD_PRELOAD="$SHARED/libidleflush.so" /bin/sh -c "$command"
			assert_equal "$release $command: $status $output" "$expected"
		done
	done
}

@test "Lines of a server built on an older or newer release are fresh, and without the library not" {
	local release model id
	for release in "${RELEASES[@]}"; do
		start_in "$release" "$release-plain" --hello=listening
		for model in epoll threads prefork; do
			start_in "$release" "$release-$model" LD_PRELOAD="$SHARED/libidleflush.so" \
				--model="$model" --hello=listening
			for id in 1 2; do
				request "$(port_of "$release-$model")" "$id"
				wait_until 10 arrived "$release-$model" "$id"
			done
			assert_equal "$(lines_of "$release-$model" | cut -d' ' -f1,2)" $'listening pid\nreq 1\nreq 2'
		done
		request "$(port_of "$release-plain")" 1
	done
	for release in "${RELEASES[@]}"; do
		refute wait_until 1 arrived "$release-plain" 1
	done
}

@test "A server built on an older or newer release that is terminated loses no line" {
	local release
	for release in "${RELEASES[@]}"; do
		start_in "$release" "$release" LD_PRELOAD="$SHARED/libidleflush.so" \
			IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 --print-when=before
		request "$(port_of "$release")" 1
		refute arrived "$release" 1
		# Nothing was flushed yet, so it cannot tell.
		run -125 "$IDLEFLUSH" --check --pid "$(pid_of "$release")"
		assert_line 'state      awake'
		assert_line --regexp '^pending    [1-9][0-9]* bytes in 2 C streams'
		stop_server "$release"
		assert_equal "$SERVER_STATUS" 143
		arrived "$release" 1
	done
}

@test "What --check says holds on an older release: before glibc 2.34 a program without threads sleeps" {
	local release program expected
	for release in "${RELEASES[@]}"; do
		for program in state threads; do
			expected=1
			if in_system "$release" env LD_PRELOAD="$SHARED/libidleflush.so" \
				"$SHARED/$program.$release" | grep -q threads=2; then
				expected=0
			fi
			run "-$expected" in_system "$release" "$SHARED/idleflush" --check "$SHARED/$program.$release"
			echo "$release $program $expected" >>"$BATS_TEST_TMPDIR/words"
			[ "$expected" = 0 ] || assert_line 'libc       glibc before 2.34 without libpthread: the library stays asleep'
		done
	done
	assert_equal "$(cat "$BATS_TEST_TMPDIR/words")" \
		$'bullseye state 1\nbullseye threads 0\ntrixie state 0\ntrixie threads 0'
}
