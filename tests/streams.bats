#!/usr/bin/env bats
# streams.bats -- stdout before its first print, and C streams that the program opens: on stdout's
# file, and log files that --files names
# SPDX-License-Identifier: MIT
#
# bats file_tags=core

load helper

LOG=log.txt
WEBFSD=(webfsd -F -i 127.0.0.1 -r . -l /dev/stdout)

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ENDS=() PIDS=()
}

teardown() {
	[ -z "${WEBFSD_PID-}" ] || stop_webfsd
	end_programs
}

# start_program [VARIABLE=VALUE...] COMMAND...: its stdin stays open until end_programs.
start_program() {
	local end
	rm -f in
	mkfifo in
	env "$@" <in >out 2>err 3>&- &
	PIDS+=($!)
	exec {end}>in
	ENDS+=("$end")
}

end_programs() {
	local end
	for end in "${ENDS[@]}"; do
		exec {end}>&-
	done
	ENDS=()
	[ ${#PIDS[@]} = 0 ] || wait "${PIDS[@]}" || true
	PIDS=()
}

# has FILE [COUNT]: does it have COUNT lines?
has() {
	[ "$(grep -c 'a line' "$1" 2>/dev/null)" = "${2-1}" ]
}

# start_webfsd WORD...: its stdout is a pipe to the file "log".
start_webfsd() {
	local port
	port=$(free_port)
	URL=http://127.0.0.1:$port
	echo hello >page
	mkfifo pipe
	cat pipe >log 3>&- &
	PIDS+=($!)
	env "$@" "${WEBFSD[@]}" -p "$port" >pipe 2>err 3>&- &
	WEBFSD_PID=$!
	wait_until 10 ask
}

stop_webfsd() {
	kill -TERM "$WEBFSD_PID"
	wait "$WEBFSD_PID" || true
	WEBFSD_PID=
	end_programs
	rm pipe
}

# Some versions of webfsd log each request twice.
logged() {
	grep -c 'GET /page' log || true
}

logged_more() {
	[ "$(logged)" -gt "$1" ]
}

ask() {
	curl -sS -o answer "$URL/page"
}

# --- on stdout's file -----------------------------------------------------------------------

# bats test_tags=glibc,packages
@test "webfsd's log on /dev/stdout is fresh, each line once; without the shim, and with stdbuf, it waits" {
	local how before
	for how in A=b 'stdbuf -oL'; do
		# shellcheck disable=SC2086 # the words of stdbuf
		start_webfsd $how
		ask
		refute wait_until 1 logged_more 0
		stop_webfsd
	done
	mv log plain
	start_webfsd LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0
	wait_until 5 logged_more 0
	before=$(logged)
	ask
	wait_until 5 logged_more "$before"
	stop_webfsd
	assert_equal "$(logged)" "$(grep -c 'GET /page' plain)"
}

@test "A stream on stdout's file is fresh, however it was opened" {
	local how
	for how in fopen fopen64 fdopen freopen freopen64; do
		start_program LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 "$PROGS/streams" "$how" /dev/stdout
		wait_until 5 has out
		end_programs
		has out
	done
}

# bats test_tags=glibc
@test "A stderr that the program made buffered is fresh" {
	start_program "$PROGS/streams" stderr -
	refute wait_until 1 has err
	end_programs
	start_program LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 "$PROGS/streams" stderr -
	wait_until 5 has err
}

# --- files that are named -------------------------------------------------------------------

# bats test_tags=glibc
@test "Without the shim, and without a name, a log file's line waits, and stdbuf -oL does not help" {
	local before
	for before in A=b 'stdbuf -oL' "LD_PRELOAD=$LIB" "LD_PRELOAD=$LIB IDLEFLUSH_FILES=other.*"; do
		# shellcheck disable=SC2086 # words
		start_program $before "$PROGS/streams" fopen "$PWD/$LOG"
		refute wait_until 1 has "$LOG"
		end_programs
		has "$LOG"
		rm "$LOG"
	done
}

@test "The lines of a log file that --files names are fresh, however it was opened" {
	local how
	for how in fopen fopen64 fdopen freopen freopen64; do
		start_program "$IDLEFLUSH" --heartbeat=0 --files="other,*/$LOG" \
			"$PROGS/streams" "$how" "$PWD/$LOG"
		wait_until 5 has "$LOG"
		end_programs
		has "$LOG"
		rm "$LOG"
	done
}

@test "A log file is found by its whole path where the program gives a relative one" {
	start_program "$IDLEFLUSH" --heartbeat=0 --files="$PWD/$LOG" "$PROGS/streams" fopen "$LOG"
	wait_until 5 has "$LOG"
}

@test "A log file has its last line when the program dies of SIGTERM" {
	local before
	for before in A=b "LD_PRELOAD=$LIB IDLEFLUSH_FILES=*.txt"; do
		# shellcheck disable=SC2086 # words
		start_program IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 $before \
			"$PROGS/streams" fopen "$LOG"
		wait_until 5 test -e "$LOG"
		wait_until 5 sleeps "${PIDS[0]}"
		kill -TERM "${PIDS[0]}"
		end_programs
		[ "$before" != A=b ] || refute has "$LOG"
	done
	has "$LOG"
}

# The program is in poll, so the line has been printed.
sleeps() {
	grep -q '^State:.*sleeping' "/proc/$1/status"
}

# are_fresh COUNT: so many log files have their line.
are_fresh() {
	[ "$(grep -l 'a line' "$LOG".* 2>/dev/null | wc -l)" = "$1" ]
}

@test "Of 1100 log files 1024 are fresh, and the others as without the shim, which --debug says" {
	ulimit -n 2000 || skip "no more than $(ulimit -n) files"
	start_program "$IDLEFLUSH" --debug --files='*.txt.*' "$PROGS/streams" many "$LOG"
	wait_until 10 are_fresh 1024
	assert_file_contains err 'too many log files are open'
	run "$IDLEFLUSH" --check --pid="${PIDS[0]}"
	assert_line --partial '(no more can be kept fresh; any further log files are not)'
	end_programs
	are_fresh 1100
}

# --- forks and races ------------------------------------------------------------------------

@test "A log file's line from before a fork comes out once" {
	start_program "$PROGS/streams" fork "$LOG"
	end_programs
	has "$LOG" 3 # once from each process
	rm "$LOG"
	start_program "$IDLEFLUSH" --files='*.txt' "$PROGS/streams" fork "$LOG"
	wait_until 5 has "$LOG"
	end_programs
	has "$LOG"
	grep -qx 'child 0' "$LOG"
	grep -qx 'child 1' "$LOG"
}

@test "streams that are opened, reopened and closed while they are flushed lose nothing" {
	run -0 timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_FILES="*/$LOG" IDLEFLUSH_IDLE=10us \
		IDLEFLUSH_STATS=stats "$PROGS/streams" churn "$PWD/$LOG"
	assert_equal "$(sort "$LOG" | uniq -c | grep -c '^ *1 thread [0-3] round [0-9]* \(begins\|ends\)$')" 40000
	# The control: there was a race.
	assert [ "$(sed -n 's/.*flushes=\([0-9]*\).*/\1/p' stats)" -gt 20 ]
}

# --- what it costs --------------------------------------------------------------------------

switches() {
	local task
	for task in /proc/"${PIDS[0]}"/task/*; do
		if grep -qx idleflush "$task/comm"; then
			sed -n 's/^voluntary_ctxt_switches:\s*//p' "$task/status"
		fi
	done
}

# How often the program itself has waited, for ten milliseconds each time.
waits() {
	sed -n 's/^voluntary_ctxt_switches:\s*//p' "/proc/${PIDS[0]}/task/${PIDS[0]}/status"
}

has_waited() {
	[ "$(waits)" -ge "$1" ]
}

settled() {
	local before=${NOW-}
	NOW=$(switches)
	[ -n "$NOW" ] && [ "$NOW" = "$before" ]
}

# first_print NAME WORD... -- STEP...: what first_print says, into the files NAME.err, .out and .file.
first_print() {
	local name=$1 words=()
	shift
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	rm -f file
	env "${words[@]}" timeout 20 "$PROGS/first_print" "$@" 2>"$name.err" | cat >"$name.out"
	assert_equal "${PIPESTATUS[0]}" 0
	touch file
	mv file "$name.file"
}

# as_plain STEP...: the same with the shim.
as_plain() {
	local kind
	first_print plain -- "$@"
	first_print ours LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 -- "$@"
	for kind in err out file; do
		diff --label "plain: $*" --label "with the shim: $*" plain.$kind ours.$kind
	done
}

# stdout has our buffer from the start, and libc does not look for a terminal where one was set.
@test "A program whose stdout becomes a terminal before its first print is line-buffered there" {
	local way ways=(dup2 dup3 close close_range freopen login_tty 'fork dup2' 'clone dup2'
		'clone close' forkpty 'forkpty fork' 'forkpty wait' 'fork forkpty' 'fork wait login_tty'
		'fork wait forkpty wait')
	[ "$(uname -m)" = aarch64 ] || ways+=('raw_fork dup2')
	# Here it has a buffer from the start.
	first_print own -- own dup2 print
	assert_equal "$(cat own.err)" $'a part: pending 6, by line 0\na line: pending 17, by line 0'
	for way in "${ways[@]}"; do
		# shellcheck disable=SC2086 # several steps
		as_plain $way print
		[[ $PROGS == */musl ]] || assert_equal "$(cat ours.err)" \
			$'a part: pending 6, by line 1\na line: pending 0, by line 1'
	done
}

@test "A program sets before its first print how its stdout is buffered, as without the shim" {
	local how way
	for how in full line none own setbuf setbuffer setlinebuf locking wide flush file seek; do
		as_plain $how print
		as_plain flush $how print
		# After a seek it would be line-buffered on a terminal, and without the shim it is not.
		[[ $how == @(file|seek) ]] || for way in dup2 forkpty freopen; do
			as_plain $how $way print
			as_plain $way $how print
		done
	done
}

# writes_of WORD...: how many it takes to print 135,168 bytes into a pipe.
writes_of() {
	strace -f -o trace -e trace=write,writev "$@" | cat >out
	assert_equal "$(wc -l <out)" 4096
	grep -cE '^[0-9]+ +writev?\(1,' trace
}

@test "The first bytes of a program that prints much at once are written 64K at a time, too" {
	[[ $PROGS != */musl ]] || skip "musl's setvbuf cannot be undone"
	assert [ "$(writes_of "$PROGS/first_print" many)" -ge 33 ]
	assert [ "$(writes_of -E LD_PRELOAD="$LIB" -E IDLEFLUSH_BUFFER=libc "$PROGS/first_print" many)" -ge 33 ]
	assert_equal "$(writes_of -E LD_PRELOAD="$LIB" -E IDLEFLUSH_HEARTBEAT=0 "$PROGS/first_print" many)" 3
}

@test "A stream that is unbuffered, line-buffered or empty causes no wake-up while the program waits" {
	local how before
	for how in unbuffered line empty; do
		start_program LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 "$PROGS/streams" "$how" /dev/stdout
		[ "$how" = empty ] || wait_until 5 has out
		wait_until 5 settled
		before=$(switches)
		wait_until 20 has_waited $(($(waits) + 50))
		assert_equal "$(switches)" "$before"
		end_programs
	done
}

@test "What the program has pending for other files stays pending while stdout is flushed" {
	cat >"$BATS_TEST_TMPDIR/other.c" <<-'END'
		#include <poll.h>
		#include <stdio.h>
		#include <sys/stat.h>
		int main(void)
		{
			FILE *other = fopen("other", "w");
			struct stat file;

			fputs("it waits\n", other);
			puts("it is fresh");
			poll(NULL, 0, 300);
			fstat(fileno(other), &file);
			fprintf(stderr, "%ld bytes\n", (long)file.st_size);
			fstat(1, &file);
			fprintf(stderr, "%ld bytes\n", (long)file.st_size);
			return 0;
		}
	END
	cd "$BATS_TEST_TMPDIR"
	cc -O1 -o other.program other.c
	timeout 20 env LD_PRELOAD="$LIB" ./other.program >stdout 2>sizes
	run -0 cat sizes
	assert_output $'0 bytes\n12 bytes'
}

@test "A stream that was closed is not read again, whatever gets its memory" {
	cd "$BATS_TEST_TMPDIR"
	cat >closed.c <<-'END'
		#include <poll.h>
		#include <stdint.h>
		#include <stdio.h>
		#include <stdlib.h>
		int main(void)
		{
			FILE *file = fopen("/dev/stdout", "w");
			uintptr_t was = (uintptr_t)file, *taken = NULL;

			fputs("a line\n", file);
			fclose(file);
			for (size_t size = 400; size < 700 && (uintptr_t)taken != was; size += 8) {
				taken = malloc(size);
				for (size_t i = 0; i < size / sizeof(*taken); i++)
					taken[i] = i * 4096 + 1;
			}
			puts((uintptr_t)taken == was ? "taken" : "not taken");
			poll(NULL, 0, 100);
			puts("another");
			poll(NULL, 0, 100);
			return 0;
		}
	END
	cc -O1 -w -o closed closed.c
	./closed | cat >plain
	timeout 20 env LD_PRELOAD="$LIB" ./closed | cat >shim
	assert_equal "$(cat plain)" $'a line\ntaken\nanother'
	diff plain shim
}

# No wait of the program's lets our thread share the descriptor table again.
@test "Lines for a file that has taken a pipe's place come though the program only computes" {
	cd "$BATS_TEST_TMPDIR"
	cat >replaced.c <<-'END'
		#include <fcntl.h>
		#include <stdlib.h>
		#include <sys/stat.h>
		#include <time.h>
		#include "own_table.h"
		int main(int argc, char **argv)
		{
			int file = open("file", O_CREAT | O_TRUNC | O_WRONLY, 0600);
			time_t end = time(NULL) + atoi(argv[1]);
			struct stat now = {.st_size = 0};

			await_own_table();
			puts("for the pipe");
			fflush(stdout);
			if (argc > 2)
				freopen("file", "w", stdout);
			else
				dup2(file, 1);
			puts("for the file");
			while (!now.st_size && time(NULL) <= end)
				fstat(file, &now);
			fputs(now.st_size ? "it came" : "it never came", stderr);
		}
	END
	cc -D_GNU_SOURCE -O1 -w -I"$ROOT/tests/fixtures" -o replaced replaced.c
	for way in '' freopen; do
		# shellcheck disable=SC2086 # none or one
		./replaced 1 $way 2>err | cat >pipe
		assert_equal "$(<err)" "it never came"
		# shellcheck disable=SC2086
		timeout 60 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms ./replaced 20 $way 2>err | cat >pipe
		assert_equal "$(<err)" "it came"
		assert_equal "$(<pipe)" "for the pipe"
		assert_equal "$(<file)" "for the file"
	done
}
