#!/usr/bin/env bats
# filters.bats -- programs that read lines and print lines, most of them to stdio without locks
# SPDX-License-Identifier: MIT

load helper

setup_file() {
	export WORK=$BATS_FILE_TMPDIR
	cc -O2 -Wall -D_GNU_SOURCE -o "$WORK/unlocked" "$ROOT/tests/fixtures/filters/unlocked.c" -pthread
	seq -f 'x line %.0f of a file that is long enough to fill every buffer' 60000 >"$WORK/text"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_piped
}

has_lines() {
	[ "$(wc -l <out)" -ge "$1" ]
}

# each_line_comes: what is sent comes out, a line at a time.
each_line_comes() {
	local i
	for i in 1 2 3; do
		echo "x line $i" >&"$PIPED_IN"
		wait_until 5 has_lines "$i"
	done
}

# What is run for each filter; each prints a line for a line.
FILTERS=("grep x" "grep -v y" "sed s/x/y/" "cut -c1-9" "cut -d: -f1" "tr x y" "uniq" "gawk {print}"
	"paste -" "fold" "nl" "expand" "head -n 9")

@test "without the shim what a filter prints waits for more, and not with stdbuf" {
	local filter
	for filter in "grep x" "gawk {print}" "stdbuf -oL tr x y"; do
		# shellcheck disable=SC2086 # words
		start_piped $filter
		echo "x line 1" >&"$PIPED_IN"
		if [[ $filter != stdbuf* ]]; then
			refute wait_until 1 has_lines 1
		else # the control: this one does not hold it back
			wait_until 5 has_lines 1
		fi
		end_piped
		has_lines 1
	done
}

@test "each line that a filter prints comes at once, and no thread is made for it" {
	local filter
	for filter in "${FILTERS[@]}"; do
		# shellcheck disable=SC2086 # words
		start_piped LD_PRELOAD="$LIB" $filter
		each_line_comes
		assert_equal "$(ls "/proc/$PIPED/task")" "$PIPED"
		end_piped
		assert_equal "$(wc -l <out)" 3
		assert_equal "$PIPED_STATUS" 0
	done
}

@test "a filter that is terminated has printed what it had read" {
	start_piped LD_PRELOAD="$LIB" grep x
	each_line_comes
	kill -TERM "$PIPED"
	end_piped
	assert_equal "$PIPED_STATUS" 143
	assert_equal "$(cat out)" $'x line 1\nx line 2\nx line 3'
}

@test "in a pipeline of tail, grep, sed and awk each stage passes a line on at once" {
	local i
	: >log
	# shellcheck disable=SC2016 # for the inner shells
	start_piped LD_PRELOAD="$LIB" sh -c 'sh -c "echo \$\$ >tail.pid; exec tail -n +1 -f log" |
		grep x | sed s/x/y/ | gawk "{print \$3}"'
	for i in 1 2 3; do
		echo "x line $i" >>log
		wait_until 5 has_lines "$i"
	done
	kill "$(cat tail.pid)"
	end_piped
	assert_equal "$(cat out)" $'1\n2\n3'
}

# connect_to PORT: a connection in SOCKET.
connect_to() {
	{ exec {SOCKET}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

@test "nc and grep pass a line that comes by the network on at once" {
	local i port
	port=$(free_port)
	start_piped LD_PRELOAD="$LIB" sh -c "nc -l -N 127.0.0.1 $port | grep x"
	wait_until 5 connect_to "$port"
	for i in 1 2 3; do
		echo "x line $i" >&"$SOCKET"
		wait_until 5 has_lines "$i"
	done
	exec {SOCKET}>&-
	end_piped
}

@test "whatever the size of the pieces, filters print the same bytes as without the shim" {
	local filter
	for filter in "${FILTERS[@]}" "sort -r" "tac" "wc" "uniq -c" "sed -n \$p" "sed \$!N;P;D" "grep -c x"; do
		# shellcheck disable=SC2086 # words
		$filter <"$WORK/text" | md5sum >plain
		# shellcheck disable=SC2086 # words
		dd if="$WORK/text" bs=777 2>/dev/null | preload $filter | md5sum >preloaded
		diff plain preloaded
	done
}

@test "a filter with a second thread is left alone" {
	start_piped LD_PRELOAD="$LIB" "$WORK/unlocked" copy
	each_line_comes
	end_piped
	start_piped LD_PRELOAD="$LIB" "$WORK/unlocked" thread
	echo "x line 1" >&"$PIPED_IN"
	refute wait_until 1 has_lines 1
	kill "$PIPED"
	end_piped
}

@test "a program whose library writes without locks is treated as such" {
	cc -O2 -D_GNU_SOURCE -shared -fPIC -Dmain=real_main -o libreal.so \
		"$ROOT/tests/fixtures/filters/unlocked.c"
	echo 'int real_main(int, char **); int main(int n, char **v) { return real_main(n, v); }' >main.c
	cc -o main main.c -L. -lreal -Wl,-rpath,"$PWD"
	preload IDLEFLUSH_DEBUG=1 ./main fork 2>told | cat >out
	assert_equal "$(cat out)" $'before\nafter'
	grep -q 'at waits only: the program writes to stdio without locks' told
	run -0 "$IDLEFLUSH" --check ./main
	assert_output --partial 'C stdio without locks'
	# The control: with a library that does not, it is not.
	sed 's/putchar_unlocked/putchar/' "$ROOT/tests/fixtures/filters/unlocked.c" >locked.c
	cc -O2 -D_GNU_SOURCE -shared -fPIC -Dmain=real_main -o libreal.so locked.c
	preload IDLEFLUSH_DEBUG=1 ./main fork 2>told | cat >out
	grep -q 'idleflush: awake$' told
	run "$IDLEFLUSH" --check ./main
	refute_output --partial 'without locks'
}

@test "no line without a lock comes twice where signal handlers wait in the middle of it" {
	preload "$WORK/unlocked" storm | cat >out
	seq -f 'line %.0f' 0 2999999 | cmp - out
}

@test "a child of a filter does not print what its parent had pending" {
	preload "$WORK/unlocked" fork | cat >out
	assert_equal "$(cat out)" $'before\nafter'
}
