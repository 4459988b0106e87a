#!/usr/bin/env bats
# artifact.bats -- what the built library is: what it exports, what it needs, where it sleeps
# SPDX-License-Identifier: MIT
#
# Examines build/libidleflush.so as the loader will, not its source.

load helper

setup_file() {
	WORK=$BATS_FILE_TMPDIR
	export WORK
	cc -O2 -nostdlib -pie -fPIE -fno-stack-protector -o "$WORK/nolibc" \
		"$ROOT/tests/fixtures/lib/nolibc.c"
	# The program is linked with the library, because a set-id program ignores LD_PRELOAD.
	cc -O2 -o "$WORK/linked" "$ROOT/tests/fixtures/state.c" \
		-Wl,--no-as-needed "$LIB" -Wl,-rpath,"$BUILD"
}

dynamic_symbols() {
	nm -D "$@" "$LIB"
}

# The calls of calls.def, sorted.
interposed() {
	sed -n 's/^CALL[A-Z_]*(\([^)]*\))$/\1/p' "$ROOT/shim/base/calls.def" | sort
}

# A filter that answers with the state of the process: `threads=1 then=1 secure=0` is asleep.
state() {
	timeout 10 env "$@" | cat
}

@test "The library exports the calls of calls.def and nothing else" {
	run -0 dynamic_symbols --defined-only
	assert_equal "$(awk '{print $NF}' <<<"$output" | sort)" "$(interposed)"
	# All of them are functions defined here; none is weak or versioned.
	assert_equal "$(awk '{print $(NF - 1)}' <<<"$output" | sort -u)" T
}

@test "The library needs no other library" {
	run -0 readelf -dW "$LIB"
	assert_output --partial '(SONAME)'
	refute_output --partial '(NEEDED)'
	refute_output --partial '(RPATH)'
	refute_output --partial '(RUNPATH)'
}

@test "Every symbol that the library lacks is weak" {
	run -0 dynamic_symbols --undefined-only
	assert_output --partial ' w stdout'
	refute_output --regexp ' U '
}

@test "The library asks for no version of any symbol" {
	run -0 readelf -VW "$LIB"
	refute_output --partial 'Version needs'
	refute_output --partial 'Version definition'
	run -0 dynamic_symbols
	refute_output --partial '@'
}

@test "Every symbol is bound at load, and no memory is left writable that need not be" {
	run -0 readelf -dW "$LIB"
	assert_output --regexp 'FLAGS.*(BIND_NOW|NOW)'
	refute_output --partial TEXTREL
	run -0 readelf -lW "$LIB"
	assert_output --partial GNU_RELRO
	refute_output --regexp '(LOAD|GNU_STACK) .* RWE '
	assert_output --regexp 'GNU_STACK .* RW '
}

@test "The library uses no thread-local storage" {
	run -0 readelf -lW "$LIB"
	refute_output --regexp '^ *TLS '
}

# A call to such a name would be bound to whichever library comes first, or recurse.
@test "The library never calls a function that it exports" {
	local name
	run -0 readelf -rW "$LIB"
	# By name: what it imports. (The control: it imports something.)
	assert_output --partial ' dlsym '
	for name in $(interposed); do
		refute_output --regexp " $name( |@|\$)"
	done
}

@test "The library loads with every symbol bound at once" {
	run -0 timeout 10 env LD_BIND_NOW=1 LD_PRELOAD="$LIB" /bin/true
	assert_output ''
}

@test "A dynamic program without a libc runs as it does alone" {
	run -42 timeout 10 "$WORK/nolibc"
	assert_output 'no libc here'
	run -42 timeout 10 env LD_PRELOAD="$LIB" LD_BIND_NOW=1 "$WORK/nolibc"
	assert_output 'no libc here'
	# The library was loaded, and there was indeed no libc.
	run -42 timeout 10 env LD_DEBUG=files LD_PRELOAD="$LIB" "$WORK/nolibc"
	assert_output --partial "calling init: $LIB"
	refute_output --partial libc.so
}

@test "An ordinary program has the flusher thread from its start" {
	assert_equal "$(state "$PROGS/state")" 'threads=1 then=1 secure=0'
	assert_equal "$(state LD_PRELOAD="$LIB" "$PROGS/state")" 'threads=2 then=2 secure=0'
	assert_equal "$(state "$WORK/linked")" 'threads=2 then=2 secure=0'
}

@test "With IDLEFLUSH_START=server the thread starts when the program waits for work" {
	assert_equal "$(state LD_PRELOAD="$LIB" IDLEFLUSH_START=server "$PROGS/state")" \
		'threads=1 then=2 secure=0'
}

@test "IDLEFLUSH_DISABLE=1 puts the library to sleep" {
	assert_equal "$(state LD_PRELOAD="$LIB" IDLEFLUSH_DISABLE=0 "$PROGS/state")" \
		'threads=2 then=2 secure=0'
	assert_equal "$(state LD_PRELOAD="$LIB" IDLEFLUSH_DISABLE=1 "$PROGS/state")" \
		'threads=1 then=1 secure=0'
}

@test "With IDLEFLUSH_ONLY the library is awake in the programs that it names, and in no others" {
	local only
	for only in state stat? other,sta\*; do
		assert_equal "$(state LD_PRELOAD="$LIB" "IDLEFLUSH_ONLY=$only" "$PROGS/state")" \
			'threads=2 then=2 secure=0'
	done
	for only in other stat states,other; do
		assert_equal "$(state LD_PRELOAD="$LIB" "IDLEFLUSH_ONLY=$only" "$PROGS/state")" \
			'threads=1 then=1 secure=0'
	done
}

@test "A library that sleeps prints no counters" {
	local stats=$BATS_TEST_TMPDIR/stats
	run -0 state LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$stats" "$PROGS/state"
	assert_file_exist "$stats"
	rm "$stats"
	run -0 state LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$stats" IDLEFLUSH_DISABLE=1 "$PROGS/state"
	assert_file_not_exist "$stats"
}

@test "In a set-id program the library sleeps, whatever the environment says" {
	local stats=$BATS_TEST_TMPDIR/stats group
	cp "$WORK/linked" "$BATS_TEST_TMPDIR/setgid"
	for group in $(id -G) 65534; do
		chgrp "$group" "$BATS_TEST_TMPDIR/setgid" 2>/dev/null &&
			chmod g+s "$BATS_TEST_TMPDIR/setgid" || continue
		case $("$BATS_TEST_TMPDIR/setgid") in *secure=1*) break ;; esac
	done
	run -0 state LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$stats" IDLEFLUSH_DEBUG=1 \
		"$BATS_TEST_TMPDIR/setgid"
	case $output in
	*secure=0*) skip "no second group here, or a file system without set-id programs" ;;
	esac
	assert_line 'threads=1 then=1 secure=1'
	assert_file_not_exist "$stats"
}

# coreutils use the unlocked calls of stdio, relying on having one thread; see shim/sink/stdio_lock.h.
@test "The output of coreutils is the same to the byte" {
	local plain=$BATS_TEST_TMPDIR/plain preloaded=$BATS_TEST_TMPDIR/preloaded
	seq 1 300000 | cat >"$plain"
	timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms seq 1 300000 | cat >"$preloaded"
	cmp "$plain" "$preloaded"
	timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms cat "$plain" | cat >"$preloaded"
	cmp "$plain" "$preloaded"
	timeout 100 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms LC_ALL=C \
		sort -R --random-source="$plain" "$plain" | sort -n >"$preloaded"
	cmp "$plain" "$preloaded"
}
