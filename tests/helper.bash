# helper.bash -- what every suite uses: paths, servers with a reader, waiting, stopping
# SPDX-License-Identifier: MIT
#
#   load helper
#   teardown() { stop_all; }
#
#   start_server NAME [preload [VARIABLE=VALUE...]] PROGRAM [ARGUMENT...]
#   request "$(port_of NAME)" 7
#   wait_until 5 arrived NAME 7
#   stop_server NAME
#
# A server's files are in "$(dir_of NAME)": lines (AGE_US LINE, as they arrived), summary (of the
# reader, at its end), err (stderr), port, and pid if it was given --pid-file="$(dir_of NAME)/pid".
# Nothing has a fixed port, nor a name outside of the test's own directory: `bats --jobs` may run
# all. Nothing outlives its test.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load
load /usr/lib/bats/bats-assert/load
load /usr/lib/bats/bats-file/load

ROOT=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd)
BUILD=${BUILD:-$ROOT/build}  # or build/asan, say: see tests/sanitized
PROGS=${PROGS:-$BUILD/tests} # or build/musl: see musl.bats
IDLEFLUSH=$BUILD/idleflush
LIB=${LIB:-$BUILD/libidleflush.so}
export ROOT BUILD PROGS IDLEFLUSH LIB

# If a shell has it set, no Python test proves anything.
unset PYTHONUNBUFFERED
: "${BATS_TEST_TIMEOUT:=120}"

# Words for the reader of the next servers, e.g. READER=(--stall).
READER=()
# Global: bats sources this file inside a function.
declare -gA SERVER_PID=() READER_PID=()
# The exit status of the server that stop_server ended, or await_server saw end, last.
export SERVER_STATUS=
# The same of the program that end_piped ended.
export PIPED_STATUS=

# bats before 1.9 has no skip in setup_file: `cannot_run REASON; return` there, skip_if_cannot here.
cannot_run() {
	export CANNOT_RUN=$1
}

skip_if_cannot() {
	[ -z "${CANNOT_RUN-}" ] || skip "$CANNOT_RUN"
}

# preload [VARIABLE=VALUE...] COMMAND...: runs it under the shim.
preload() {
	env LD_PRELOAD="$LIB" "$@"
}

# shim_with FILE.c: the shim as LIB, linked with that file, whose __wrap_system_call makes its calls.
shim_with() {
	LIB=$BATS_TEST_TMPDIR/libidleflush.so
	cc -D_GNU_SOURCE -std=c11 -O1 -fPIC -fvisibility=hidden -fno-stack-protector -U_FORTIFY_SOURCE \
		-shared -nostdlib -Wl,-z,now -Wl,--wrap=system_call -o "$LIB" \
		"$ROOT/tests/fixtures/lib/$1" "$BUILD"/obj/*/*.o "$BUILD"/obj/*/*/*.o
}

# builds_of PROGRAM: the fixture as built for glibc, and for musl where that is here.
builds_of() {
	local program
	for program in "$PROGS/$1" "$BUILD/musl/$1"; do
		[ ! -x "$program" ] || echo "$program"
	done
}

now_us() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# wait_until SECONDS COMMAND...: tries the command again and again, at least twice.
wait_until() {
	local seconds=$1 end
	shift
	end=$(($(now_us) + seconds * 1000000))
	until "$@"; do
		if (($(now_us) > end)); then
			echo "after $seconds s still not: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

# A port that nobody listens on and that no other test of this run has.
free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 12000))
		if mkdir "$BATS_RUN_TMPDIR/port.$port" 2>/dev/null &&
			! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
}

dir_of() {
	echo "$BATS_TEST_TMPDIR/$1"
}

pid_of() {
	echo "${SERVER_PID[$1]}"
}

port_of() {
	cat "$(dir_of "$1")/port"
}

# The lines that have arrived so far, without their ages.
lines_of() {
	cut -d' ' -f2- "$(dir_of "$1")/lines"
}

# arrived NAME ID: has the line of that request been read from the pipe?
arrived() {
	grep -q "^[0-9-]* req $2\( \|\$\)" "$(dir_of "$1")/lines"
}

# arrived_text NAME TEXT: the same for a line that begins with TEXT.
arrived_text() {
	grep -q "^[0-9-]* $2" "$(dir_of "$1")/lines"
}

# any_arrived NAME...: the line of request 1, at any of them?
any_arrived() {
	local name
	for name in "$@"; do
		if arrived "$name" 1; then
			echo "$name: the line arrived"
			return 0
		fi
	done
	return 1
}

# reported PID NAME: the count of that name in the report of --check --pid.
reported() {
	"$IDLEFLUSH" --check --pid "$1" | sed -n "s/.* $2=\([0-9]*\).*/\1/p"
}

reported_at_least() {
	[ "$(reported "$1" "$2")" -ge "$3" ]
}

# request PORT ID: returns when the response is there, fails if it does not come.
request() {
	"$PROGS/load" --port="$1" --ids-from="$2" --close
}

# Its stdout is a pipe, its signals are as a terminal would leave them (a background command of a
# shell ignores INT), and it leads a process group of its own, so that stop_all finds its workers.
start_server() {
	local name=$1 dir
	dir=$(dir_of "$name")
	shift
	if [ "$1" = preload ]; then
		shift
		set -- "LD_PRELOAD=$LIB" "$@"
	fi
	mkdir -p "$dir"
	rm -f "$dir/port" "$dir/pipe"
	mkfifo "$dir/pipe"
	: >"$dir/lines"

	"$PROGS/reader" --summary="$dir/summary" "${READER[@]}" \
		<"$dir/pipe" >"$dir/lines" 3>&- &
	READER_PID[$name]=$!
	setsid env --default-signal=INT,QUIT "$@" --port-file="$dir/port" \
		>"$dir/pipe" 2>"$dir/err" </dev/null 3>&- &
	SERVER_PID[$name]=$!

	wait_until 10 test -e "$dir/port"
}

# Sends SIGNAL (TERM) to the server's first process and waits for the end of all of it.
stop_server() {
	kill -"${2:-TERM}" "${SERVER_PID[$1]}"
	await_server "$1"
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# Waits for the end of a server that stops by itself, and for its reader to have read the rest.
await_server() {
	SERVER_STATUS=0
	wait_until 10 gone "${SERVER_PID[$1]}"
	wait "${SERVER_PID[$1]}" || SERVER_STATUS=$?
	wait_until 10 gone "${READER_PID[$1]}"
	wait "${READER_PID[$1]}" || true
	unset "SERVER_PID[$1]" "READER_PID[$1]"
}

# What one needs to understand a failed test.
show_server() {
	echo "--- $1: the last lines that arrived, and its stderr"
	tail -n 5 "$(dir_of "$1")/lines"
	tail -n 20 "$(dir_of "$1")/err"
}

# A daemon has left its process group; it is ours if its stdout is the pipe that we gave it.
daemon_of() {
	local pid dir
	dir=$(dir_of "$1")
	pid=$(cat "$dir/pid" 2>/dev/null) || return 0
	if [ "$(readlink "/proc/$pid/fd/1")" = "$dir/pipe" ]; then
		echo "$pid"
	fi
}

end_server() {
	local server=${SERVER_PID[$1]} reader=${READER_PID[$1]} daemon
	daemon=$(daemon_of "$1")

	# To the whole group; a stalled reader reads on.
	kill -TERM -- "-$server" ${daemon:+"$daemon"} 2>/dev/null || true
	kill -USR1 "$reader" 2>/dev/null || true
	if ! wait_until 5 gone "$reader" 2>/dev/null; then
		kill -KILL -- "-$server" ${daemon:+"$daemon"} 2>/dev/null || true
		wait_until 1 gone "$reader" 2>/dev/null || kill -KILL "$reader" 2>/dev/null || true
	fi
	wait "$server" "$reader" 2>/dev/null || true
	unset "SERVER_PID[$1]" "READER_PID[$1]"
}

# --- a program that is no server: its files out and err are in the current folder

# start_piped [VARIABLE=VALUE...] COMMAND...: it is PIPED; its stdout is a pipe to `out`, and its stdin
# stays open, for what is written to PIPED_IN, until end_piped.
start_piped() {
	rm -f in pipe
	mkfifo in pipe
	cat pipe >out 3>&- &
	PIPED_READER=$!
	env "$@" <in >pipe 2>err 3>&- &
	PIPED=$!
	exec {PIPED_IN}>in
}

# Waits for its end, and for all that it printed; its exit status is in PIPED_STATUS.
end_piped() {
	PIPED_STATUS=0
	[ -n "${PIPED-}" ] || return 0
	exec {PIPED_IN}>&-
	wait "$PIPED" || PIPED_STATUS=$?
	wait "$PIPED_READER"
	PIPED=
}

# For teardown: ends what start_server started, and waits for it.
stop_all() {
	local name
	for name in "${!SERVER_PID[@]}"; do
		if [ -z "${BATS_TEST_COMPLETED:-}" ]; then
			show_server "$name"
		fi
		end_server "$name"
	done
}
