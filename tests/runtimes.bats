#!/usr/bin/env bats
# runtimes.bats -- Perl, OCaml, D, and C++ off C stdio: servers, odd handles, many flushes
# SPDX-License-Identifier: MIT

load helper

# For the large counts: make check-runtimes.
STARTS=${STARTS:-60}
ALARMS=${ALARMS:-300}

setup_file() {
	local here=$ROOT/tests/fixtures/runtimes
	export HERE=$here WORK=$BATS_FILE_TMPDIR
	cp "$here"/*.ml "$WORK"
	g++ -O0 -o "$WORK/beast" "$here/beast.cc" -pthread &
	g++ -O0 -DUNSYNC -o "$WORK/httplib" "$ROOT/tests/fixtures/httplib.cc" -lcpp-httplib -pthread
	(cd "$WORK" && ocamlopt -o server unix.cmxa server.ml && ocamlopt -o many unix.cmxa many.ml &&
		ocamlopt -o hold unix.cmxa hold.ml && ocamlopt -o alarms unix.cmxa alarms.ml &&
		ocamlc -o many.byte unix.cma many.ml)
	gdc -O1 -o "$WORK/d" "$here/server.d"
	wait
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	touch go
	end_piped
	stop_all
}

# start NAME [preload [VARIABLE=VALUE...]]: the server of that name.
start() {
	local name=$1
	shift
	case $name in
	daemon | mojo) start_server "$name" "$@" perl "$HERE/$name.pl" ;;
	starman) start_server "$name" "$@" bash "$HERE/starman.bash" "$(free_port)" ;;
	ocaml) start_server "$name" "$@" "$WORK/server" ;;
	*) start_server "$name" "$@" "$WORK/$name" ;;
	esac
}

# is_fresh NAME STATUS: lone lines arrive, each once, the last one too, and it ends with STATUS.
is_fresh() {
	local i
	start "$1" preload IDLEFLUSH_HEARTBEAT=0
	for i in 1 2 3 4 5; do
		request "$(port_of "$1")" "$i"
		wait_until 5 arrived "$1" "$i"
	done
	request "$(port_of "$1")" 6
	wait_until 5 arrived "$1" 6
	stop_server "$1"
	assert_equal "$SERVER_STATUS" "$2"
	assert_equal "$(lines_of "$1" | grep -o '^req [0-9]*' | sort -u | wc -l)" 6
	assert_equal "$(lines_of "$1" | grep -c '^req')" 6
}

@test "without the shim, lines of servers in Perl, OCaml, D and unsynchronized C++ do not arrive" {
	local name names=(daemon mojo starman ocaml d httplib beast)
	for name in "${names[@]}"; do
		start "$name"
		request "$(port_of "$name")" 1
	done
	refute wait_until 1 any_arrived "${names[@]}"
}

@test "HTTP::Daemon has fresh lines and dies of SIGTERM with none missing" {
	is_fresh daemon 143
}

@test "Mojolicious has fresh lines and dies of SIGTERM with none missing" {
	is_fresh mojo 143
}

@test "Starman's workers have fresh lines" {
	is_fresh starman 0
}

@test "an OCaml server has fresh lines and dies of SIGTERM with none missing" {
	is_fresh ocaml 143
}

@test "a D server has fresh lines and dies of SIGTERM with none missing" {
	is_fresh d 143
}

@test "cpp-httplib and Boost.Beast with cout off C stdio have fresh lines and lose none to SIGTERM" {
	is_fresh httplib 143
	is_fresh beast 143
}

@test "--runtimes=none leaves the buffers of Perl, OCaml and C++ alone" {
	local name names=(daemon ocaml beast)
	for name in "${names[@]}"; do
		start "$name" preload IDLEFLUSH_RUNTIMES=none
		request "$(port_of "$name")" 1
	done
	refute wait_until 1 any_arrived "${names[@]}"
}

@test "a program that is not perl but has Perl in it is left alone" {
	cp "$(command -v perl)" embedding
	start_server host preload ./embedding "$HERE/daemon.pl"
	request "$(port_of host)" 1
	refute wait_until 1 arrived host 1
}

@test "a Perl whose STDOUT is tied, closed, encoded, in memory or duplicated prints what it did" {
	perl "$HERE/odd.pl" file 2>plain.err | cat >plain
	assert_equal "$(tail -n 1 plain)" 'at the end'
	mv file plain.file
	preload perl "$HERE/odd.pl" file 2>preloaded.err | cat >preloaded
	diff plain preloaded
	diff plain.err preloaded.err
	diff plain.file file
}

@test "of many flushes at the waits of Perl and OCaml each line comes once, in its order" {
	local count=10000
	seq -f 'line %.0f' "$count" >expected
	preload perl "$HERE/many.pl" "$count" | cat >perl.out
	cmp perl.out expected
	for how in many many.byte; do
		preload "$WORK/$how" "$count" | cat >ocaml.out
		grep '^line' ocaml.out | cmp - expected
		assert_equal "$(grep -c '^child' ocaml.out)" 10
		assert_equal "$(sort -u ocaml.out | wc -l)" $((count + 10))
	done
}

@test "a calm OCaml program lends its buffer to our thread, and each line comes once, in its order" {
	local count=20000
	preload IDLEFLUSH_IDLE=20ms IDLEFLUSH_STATS=stats "$WORK/many" "$count" calm 2>/dev/null | cat >ocaml.out
	grep '^line' ocaml.out | cmp - <(seq -f 'line %.0f' "$count")
	assert_equal "$(sort -u ocaml.out | wc -l)" $((count + 20))
	tail -n 1 stats | grep -oE 'flushes=[0-9]+ at_waits=[0-9]+' | tr -c '0-9\n' ' ' >counts
	read -r flushes at_waits <counts
	assert [ "$flushes" -gt "$at_waits" ]
}

# last_line_of_busy [VARIABLE=VALUE]: SIGTERM comes while it prints. Is the last line there?
last_line_of_busy() {
	rm -f err
	start_piped "$@" "$WORK/many" 1000000 calm
	wait_until 10 grep -q '^500$' err
	kill "$PIPED"
	end_piped
	assert_equal "$PIPED_STATUS" 143
	grep -qx "line $(tail -n 1 err)" out
}

@test "a busy OCaml program dies of SIGTERM only when it has lent its buffer, with no line missing" {
	local i
	refute last_line_of_busy
	for ((i = 0; i < STARTS / 6; i++)); do
		last_line_of_busy LD_PRELOAD="$LIB"
	done
}

@test "where signal handlers leave the waits of Perl and OCaml, each line comes once, in its order" {
	seq -f 'line %.0f' "$ALARMS" >expected
	perl "$HERE/alarms.pl" "$ALARMS" | cmp - expected
	preload perl "$HERE/alarms.pl" "$ALARMS" | cmp - expected
	"$WORK/alarms" "$ALARMS" | cmp - expected
	preload "$WORK/alarms" "$ALARMS" | cmp - expected
}

# holds TEXT: what the report says of the program that was started last.
holds() {
	"$IDLEFLUSH" --check --pid "$PIPED" | grep -qx " *$1"
}

# start_holding COMMAND...: it has flushed its first line, and holds the second one back.
start_holding() {
	rm -f go.flushed out
	start_piped LD_PRELOAD="$LIB" "$@" go
	wait_until 20 grep -sqx flushed out
	touch go.flushed
}

@test "--check --pid reports what Perl and OCaml hold back" {
	start_holding perl "$HERE/hold.pl"
	wait_until 20 holds "5 bytes in Perl's STDOUT"
	"$IDLEFLUSH" --check --json --pid "$PIPED" | grep -q '"pending_perl":5,'
	touch go
	end_piped
	assert_equal "$(cat out)" $'flushed\nheld'
	rm go
	start_holding "$WORK/hold"
	wait_until 20 holds "5 bytes in OCaml's stdout"
	"$IDLEFLUSH" --check --json --pid "$PIPED" | grep -q '"pending_ocaml":5,'
	touch go
	end_piped
	assert_equal "$(cat out)" $'flushed\nheld'
}

@test "a Perl and an OCaml that start and end at once lose no line and end as ever" {
	local i
	for ((i = 0; i < STARTS; i++)); do
		preload perl -e "print qq(line $i\n); exit $i % 256" | cat >>out
		assert_equal "${PIPESTATUS[0]}" $((i % 256))
		preload "$WORK/many" 2 | cat >>ocaml.out
	done
	assert_equal "$(cat out)" "$(seq -f 'line %.0f' 0 $((STARTS - 1)))"
	assert_equal "$(sort ocaml.out | uniq -c | tr -s ' ')" " $STARTS line 1"$'\n'" $STARTS line 2"
}
