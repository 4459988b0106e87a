#!/usr/bin/env bats
# stall.bats -- a stdout that is full, closed or replaced: nothing is delayed, nothing is lost
# SPDX-License-Identifier: MIT
#
# A collector that hangs is a reader with --stall. The same run without the shim shows what is due to
# libc and the server.
# bats file_tags=core

load helper

NO_HEARTBEAT=IDLEFLUSH_HEARTBEAT=0
OFTEN=IDLEFLUSH_HEARTBEAT=10ms
OFF=(IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0)

PIPE=65536 # bytes in a pipe

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	# shellcheck disable=SC2034 # start_server reads it
	READER=(--stall)
}

teardown() {
	touch go on end
	stop_all
}

# --- servers --------------------------------------------------------------------------------

read_on() {
	kill -USR1 "${READER_PID[$1]}"
}

# Fills the rest of the pipe with empty lines before anything is printed.
fill_pipe() {
	head -c "$PIPE" /dev/zero | tr '\0' '\n' |
		timeout 10 dd bs=4096 iflag=fullblock of="$(dir_of "$1")/pipe" 2>/dev/null
}

# Have all of them been read?
filling_read() {
	[ "$(lines_of "$1" | grep -c '^$')" = "$PIPE" ]
}

# traffic NAME RATE COUNT [CONNECTIONS [TIMEOUT_MS]]: the load's summary is in NAME/load, the ids
# answered in NAME/answered. A response that is delayed fails by the timeout.
traffic() {
	timeout 60 "$PROGS/load" --port="$(port_of "$1")" --rate="$2" --count="$3" \
		--connections="${4:-8}" --timeout="${5:-3000}" --answered="$(dir_of "$1")/answered" \
		>"$(dir_of "$1")/load" || true
}

load_of() {
	sed "s/.*\<$2=\([0-9]*\).*/\1/" "$(dir_of "$1")/load"
}

counter_of() {
	# The last line: a program that executes another one leaves a line, too.
	sed -n "s/^idleflush: .*\<$2=\([0-9]*\).*/\1/p" "$(dir_of "$1")/err" | tail -n 1
}

ids_of() {
	lines_of "$1" | awk '$1 == "req" { print $2 }'
}

# Every line once and in order, with the shim or without.
assert_requests() {
	assert_equal "$(ids_of "$1")" "$(seq "$2")"
}

@test "A server whose collector hangs answers until libc itself would block" {
	local name
	start_server plain "$PROGS/server" --line-size=256
	start_server shim preload "$PROGS/server" --line-size=256
	for name in plain shim; do
		# Some passes found no room.
		traffic "$name" 1000 400 128 1000
		assert [ "$(load_of "$name" ok)" -ge $((PIPE / 256 / 2)) ]
		assert [ "$(load_of "$name" ok)" -lt 400 ]
	done
	# Pages of a pipe that are not filled hold less; no more than that may be missing.
	assert [ $(($(load_of shim ok) * 2)) -ge "$(load_of plain ok)" ]

	# Every line that was printed is still there.
	for name in plain shim; do
		read_on "$name"
		wait_until 10 arrived "$name" "$(tail -n 1 "$(dir_of "$name")/answered")" ||
			[ "$name" = plain ]
		ids_of "$name" | sort >printed
		sort "$(dir_of "$name")/answered" >answered
		[ "$name" = plain ] || assert_equal "$(comm -13 printed answered)" ''
		assert_equal "$(uniq -d printed)" ''
	done
}

@test "A collector that hangs for a while delays no response" {
	local name
	start_server plain "$PROGS/server" --graceful
	start_server shim preload "$PROGS/server" --graceful
	for name in plain shim; do
		traffic "$name" 200 200 1 # or late requests pass each other
		assert_equal "$(load_of "$name" failed)" 0
		assert_equal "$(lines_of "$name")" ''
		read_on "$name"
		stop_server "$name"
		assert_requests "$name" 200
	done
}

@test "A pipe that is full does not stop a server that has room in its own buffer" {
	local name
	start_server plain "$PROGS/server" --graceful
	start_server shim preload IDLEFLUSH_STATS=1 $OFTEN "$PROGS/server" --graceful
	start_server threads preload IDLEFLUSH_STATS=1 $OFTEN "$PROGS/server" --graceful \
		--model=threads
	for name in plain shim threads; do
		fill_pipe "$name"
		traffic "$name" 200 60
		assert_equal "$(load_of "$name" failed)" 0
		read_on "$name"
		[ "$name" = plain ] || wait_until 5 arrived "$name" 60
		stop_server "$name"
		assert_equal "$SERVER_STATUS" 0
		assert_equal "$(ids_of "$name" | sort -n)" "$(seq 60)"
	done
	assert [ "$(counter_of shim no_room)" -ge 1 ]
	assert [ "$(counter_of shim flushes)" -ge 1 ]
}

@test "A pipe that is full keeps no thread of a process busy" {
	local before
	flusher_ticks() {
		cat "/proc/$(pid_of shim)/task"/*/schedstat | awk '{ sum += $1 } END { print int(sum / 1000000) }'
	}
	start_server shim preload $OFTEN "$PROGS/server"
	fill_pipe shim
	traffic shim 200 20
	before=$(flusher_ticks)
	refute wait_until 1 arrived shim 1
	# In the second that has passed, less than a tenth of the time was spent on attempts.
	assert [ $(($(flusher_ticks) - before)) -lt 100 ]
}

@test "Preforked workers that share a full pipe lose nothing" {
	start_server shim preload $OFTEN "$PROGS/server" --graceful --model=prefork
	fill_pipe shim
	traffic shim 200 120 16
	assert_equal "$(load_of shim failed)" 0
	read_on shim
	wait_until 5 arrived shim 120
	stop_server shim
	assert_equal "$(ids_of shim | sort -n)" "$(seq 120)"
}

@test "Preforked workers whose collector hangs delay no response, and lose nothing" {
	local name
	start_server plain "$PROGS/server" --graceful --model=prefork
	start_server shim preload "$PROGS/server" --graceful --model=prefork
	for name in plain shim; do
		# Fewer than one buffer holds, whichever worker gets them: libc alone would cut lines.
		traffic "$name" 1000 80 16
		assert_equal "$(load_of "$name" failed)" 0
		read_on "$name"
		stop_server "$name"
		assert_equal "$(ids_of "$name" | sort -n)" "$(seq 80)"
	done
}

@test "A server that is terminated ends although its collector hangs" {
	local name status
	start_server plain "$PROGS/server"
	start_server shim preload "$PROGS/server"
	for name in plain shim; do
		fill_pipe "$name"
		traffic "$name" 200 20
		kill "$(pid_of "$name")"
		wait_until 5 gone "$(pid_of "$name")"
		status=0
		wait "$(pid_of "$name")" || status=$?
		assert_equal "$status" 143
		read_on "$name"
	done
}

# --- O_NONBLOCK -----------------------------------------------------------------------------

# Runs a program with a stdout that is non-blocking already.
# shellcheck disable=SC2016
NONBLOCKING=(/usr/bin/python3 -c 'import os, sys
os.set_blocking(1, False)
os.execvp(sys.argv[1], sys.argv[1:])')

@test "libc's own flush into a full pipe that does not block fails, and loses bytes" {
	mkfifo pipe
	exec 8<>pipe
	head -c "$PIPE" /dev/zero | timeout 10 dd bs=4096 iflag=fullblock of=/dev/fd/8 2>/dev/null
	timeout 10 "$PROGS/steps" nonblock lines=40 fflush >&8 2>err
	exec 8>&-
	assert_equal "$(cat err)" 'fflush -1 errno 11 ferror 1'
}

@test "Stdout that does not block loses no line to a full pipe" {
	local name
	start_server plain "${NONBLOCKING[@]}" "$PROGS/server" --graceful
	start_server shim preload IDLEFLUSH_STATS=1 $OFTEN "${NONBLOCKING[@]}" "$PROGS/server" \
		--graceful
	for name in plain shim; do
		fill_pipe "$name"
		traffic "$name" 200 60
		assert_equal "$(load_of "$name" failed)" 0
		read_on "$name"
		# Plain, they come out at the end of the process; there is room by then.
		wait_until 5 filling_read "$name"
		[ "$name" = plain ] || wait_until 5 arrived "$name" 60
		stop_server "$name"
		assert_equal "$(ids_of "$name" | sort -n)" "$(seq 60)"
	done
	assert [ "$(counter_of shim no_room)" -ge 1 ]
}

@test "Stdout that does not block loses no line while the pipe fills" {
	local name
	start_server plain "${NONBLOCKING[@]}" "$PROGS/server" --graceful --line-size=256
	start_server shim preload "${NONBLOCKING[@]}" "$PROGS/server" --graceful --line-size=256
	for name in plain shim; do
		traffic "$name" 400 160
		assert_equal "$(load_of "$name" failed)" 0
		read_on "$name"
		stop_server "$name"
		assert_equal "$(ids_of "$name" | sort -n)" "$(seq 160)"
	done
}

# --- closed, nobody reads -------------------------------------------------------------------

# same STEP...: the program steps, with a stdout whose reader leaves once the file ready is there, ends
# alike with and without the shim: status, stderr, and the content of the pipe (in FIRST).
same() {
	local mode status
	for mode in plain shim; do
		rm -f go ready pipe
		mkfifo pipe
		exec 8<>pipe
		status=0
		if [ $mode = shim ]; then
			timeout 30 env LD_PRELOAD="$LIB" $OFTEN "$PROGS/steps" "$@" >pipe 2>$mode.err \
				8>&- 3>&- &
		else
			timeout 30 "$PROGS/steps" "$@" >pipe 2>$mode.err 8>&- 3>&- &
		fi
		wait_until 10 test -e ready
		exec 8>&-
		touch go
		wait $! || status=$?
		echo "exit $status" >>$mode.err
	done
	run -0 diff plain.err shim.err
	FIRST=$(cat shim.err)
}

@test "A program whose reader has left dies of SIGPIPE where it would have" {
	same lines=10 poll port-file=ready until=go poll lines=200 exit=3
	assert_equal "$FIRST" 'exit 141'
}

@test "A program whose reader has left dies of SIGPIPE in its last flush" {
	same port-file=ready until=go lines=10 poll exit=3
	assert_equal "$FIRST" 'exit 141'
}

@test "A program whose reader has left and that prints no more ends normally" {
	same port-file=ready until=go exit=3
	assert_equal "$FIRST" 'exit 3'
}

@test "A program that ignores SIGPIPE learns that the reader has left where it would have learned it" {
	same sigpipe=ignore port-file=ready until=go lines=10 poll fflush lines=10 poll fflush exit=3
	assert_equal "$FIRST" $'fflush -1 errno 32 ferror 1\nfflush -1 errno 32 ferror 1\nexit 3'
}

@test "A server goes on answering when its reader has left" {
	local name
	start_server plain "$PROGS/server" --graceful --line-size=200
	start_server shim preload $OFTEN "$PROGS/server" --graceful --line-size=200
	for name in plain shim; do
		traffic "$name" 1000 10
		kill "${READER_PID[$name]}"
		wait_until 5 gone "${READER_PID[$name]}"
		traffic "$name" 1000 200
		assert_equal "$(load_of "$name" failed)" 0
		stop_server "$name"
		assert_equal "$SERVER_STATUS" 0
	done
}

@test "A program that closed its stdout learns of it where it would have learned it" {
	same port-file=ready until=go close lines=10 poll fflush lines=100 fflush exit=3
	assert_equal "$(head -n 1 <<<"$FIRST")" 'fflush -1 errno 9 ferror 1'
	same port-file=ready until=go print=x close poll exit=3
	assert_equal "$FIRST" 'exit 3'
	same port-file=ready until=go close exit=3
	same port-file=ready until=go print=x fclose poll exit=3
	same port-file=ready sigpipe=ignore until=go print=x poll fclose exit=3
	same port-file=ready until=go fclose poll _exit=4
}

@test "A server that was started without a stdout goes on as it does alone" {
	local name
	start_server plain bash -c '"$@" >&-' - "$PROGS/server" --graceful --line-size=200
	start_server shim preload $OFTEN bash -c '"$@" >&-' - "$PROGS/server" --graceful \
		--line-size=200
	for name in plain shim; do
		traffic "$name" 1000 200
		assert_equal "$(load_of "$name" failed)" 0
		request "$(port_of "$name")" 201
	done
}

# --- another stdout -------------------------------------------------------------------------

# in_background FILE COMMAND...: with stdout appended to FILE.
in_background() {
	local out=$1
	shift
	timeout 30 "$@" >>"$out" 2>>err 3>&- &
	BACKGROUND=$!
}

wait_for() {
	wait "$BACKGROUND"
	assert_equal "$(cat err)" ''
}

@test "Lines are fresh in whatever stdout becomes, and each in the file it was printed to" {
	local how
	for how in dup2 dup3 freopen open; do
		rm -f go on old new
		in_background old env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=300ms "$PROGS/steps" \
			print=before poll until=go $how=new print=after poll until=on print=last
		wait_until 5 grep -q before old
		touch go
		wait_until 5 grep -q after new
		touch on
		wait_for
		assert_equal "$how: $(cat old)" "$how: before"
		assert_equal "$how: $(cat new)" "$how: after"$'\n'last
	done
}

@test "Without the shim no line comes out in whatever stdout becomes" {
	in_background old "$PROGS/steps" print=before poll port-file=ready until=go \
		dup2=new print=after poll port-file=set until=on
	wait_until 5 test -e ready
	refute wait_until 1 test -s old
	touch go
	wait_until 5 test -e set
	refute wait_until 1 test -s new
	touch on
	wait_for
}

@test "What is pending when stdout is replaced goes where it would have gone without us" {
	local how
	for how in dup2 dup3 freopen open; do
		rm -f new.*
		"$PROGS/steps" print=before $how=new.plain print=after >old.plain
		timeout 10 env LD_PRELOAD="$LIB" "${OFF[@]}" \
			"$PROGS/steps" print=before $how=new.shim print=after >old.shim
		run -0 cmp old.plain old.shim
		run -0 cmp new.plain new.shim
		assert_equal "$(cat old.shim new.shim)" $'before\nafter'
	done
}

# gave_up PID: its flusher made a pass, could not write, and sleeps until something changes.
gave_up() {
	local task now
	task=$(grep -lx idleflush "/proc/$1/task"/*/comm)
	now=$(sed -n 's/^voluntary_ctxt_switches:\t//p' "${task%comm}status")
	grep -q '^State:.S' "${task%comm}status" && [ "$now" = "${BEFORE-}" ] || ! BEFORE=$now
}

# musl's flush discards the bytes and sets ferror, whoever called it.
# bats test_tags=glibc
@test "A full file gives the program the error that it would have given" {
	local mode with
	for mode in plain shim; do
		rm -f ready go
		with=(A=b)
		[ "$mode" = plain ] || with=("LD_PRELOAD=$LIB" "$NO_HEARTBEAT")
		timeout 30 env --ignore-signal=XFSZ "${with[@]}" prlimit --fsize=100 \
			"$PROGS/steps" lines=3 poll port-file=ready until=go fflush \
			>$mode 2>$mode.err 3>&- &
		wait_until 5 test -e ready
		[ "$mode" = plain ] || wait_until 5 test -s shim
		[ "$mode" = plain ] || wait_until 5 gave_up "$(cat ready)"
		touch go
		wait $!
	done
	assert_equal "$(cat plain.err)" 'fflush -1 errno 27 ferror 1'
	run -0 cmp plain.err shim.err
	run -0 cmp plain shim
}

@test "A stdout that could not be flushed is flushed at once when it becomes a file" {
	local how
	# Not by close and open: what was printed before is not for the file that takes the number.
	for how in dup2 dup3 freopen; do
		rm -f ready go on new
		timeout 30 env LD_PRELOAD="$LIB" $NO_HEARTBEAT "$PROGS/steps" \
			print=before poll port-file=ready until=go \
			$how=new print=after poll until=on >/dev/null 3>&- &
		wait_until 5 test -e ready
		wait_until 5 gave_up "$(cat ready)"
		touch go
		wait_until 5 grep -q after new
		touch on
		wait $!
	done
}

@test "A program that closed stdout and opened a log in its place has its lines flushed" {
	in_background old env LD_PRELOAD="$LIB" $NO_HEARTBEAT "$PROGS/steps" \
		close poll open=new print=after poll until=on
	wait_until 5 grep -q after new
	touch on
	wait_for
}

# musl's daemon(3) closes stdout before it forks.
# bats test_tags=glibc
@test "A daemon's lines are fresh in the log it opens, each once" {
	in_background old env LD_PRELOAD="$LIB" $NO_HEARTBEAT "$PROGS/steps" \
		print=before daemon poll dup2=new print=after poll until=on print=last port-file=end
	wait_until 5 grep -q after new
	wait_for
	assert_equal "$(cat old)" before
	touch on
	wait_until 5 test -e end
	wait_until 5 grep -q last new
	assert_equal "$(cat new)" $'after\nlast'
}

# --- terminals ------------------------------------------------------------------------------

# on_terminal STEP...: runs steps on a terminal of its own; see shown.
on_terminal() {
	timeout 30 script -qfec \
		"env LD_PRELOAD='$LIB' IDLEFLUSH_STATS=stats $OFTEN '$PROGS/steps' $*" screen \
		>/dev/null 2>err </dev/null 3>&- &
	BACKGROUND=$!
}

# shown TEXT: is it on the terminal? (In the first line script repeats the command.)
shown() {
	tail -n +2 screen | grep -q "$1"
}

# bats test_tags=glibc
@test "Nothing is flushed to a terminal" {
	on_terminal print=hello 'piece=name?' poll port-file=ready until=go poll until=on
	wait_until 5 test -e ready
	wait_until 5 shown hello
	touch go
	# Dozens of heartbeats later:
	refute wait_until 1 shown 'name?'
	touch on
	wait_for
	shown 'name?'
	run -0 cat stats
	assert_output --partial ' flushes=0 at_waits=0 bytes=0 '
}

# bats test_tags=glibc
@test "Lines are fresh once stdout is no longer a terminal" {
	on_terminal print=hello poll dup2=new print=after poll until=on
	wait_until 5 grep -q after new
	touch on
	wait_for
	shown hello
}

# --- a socket -------------------------------------------------------------------------------

@test "Lines are fresh on a socket, and writes to it do not count as responses" {
	local dir
	dir=$(dir_of journal)
	mkdir -p "$dir"
	cat >journal.py <<-'END'
		import socket, subprocess, sys
		ours, theirs = socket.socketpair()
		server = subprocess.Popen(sys.argv[2:], stdout=theirs)
		theirs.close()
		with open(sys.argv[1], "wb", 0) as log:
		    while data := ours.recv(65536):
		        log.write(data)
		sys.exit(server.wait())
	END
	timeout 60 /usr/bin/python3 journal.py log env LD_PRELOAD="$LIB" IDLEFLUSH_STATS=stats \
		$NO_HEARTBEAT "$PROGS/server" --graceful --hello=listening \
		--port-file="$dir/port" --pid-file="$dir/pid" 3>&- &
	BACKGROUND=$!
	wait_until 10 test -e "$dir/port"
	wait_until 5 grep -q listening log
	traffic journal 500 50
	wait_until 5 grep -q '^req 50 ' log
	kill "$(cat "$dir/pid")"
	wait "$BACKGROUND"
	assert_equal "$(grep -c '^req ' log)" 50
	assert_equal "$(grep -o ' responses=[0-9]* ' stats)" ' responses=50 '
}

# bats test_tags=glibc
@test "A pipe that is full of short pieces takes less than its free bytes, and no flush blocks" {
	local command program
	cat >ample.c <<-'END'
		#include <poll.h>
		#include <stdio.h>
		#include <unistd.h>
		int main(void)
		{
			puts("musl writes this by itself");
			puts("a flush, which brings the larger buffer");
			while (access("go", F_OK))
				poll(NULL, 0, 10);
			for (int i = 0; i < 200; i++)
				printf("%099d\n", i);
			poll(NULL, 0, 200);
			puts("one more");
			fputs("went on\n", stderr);
			poll(NULL, 0, 10000);
			return 0;
		}
	END
	cc -O1 -o ample ample.c
	musl-gcc -O1 -o ample-musl ample.c
	# musl's stream goes out whole, so there the room must be known.
	for command in ./ample ./ample-musl; do
		rm -f pipe go
		mkfifo pipe
		exec 9<>pipe
		# shellcheck disable=SC2086 # words
		timeout 30 env LD_PRELOAD="$LIB" $command >pipe 2>err 9>&- 3>&- &
		program=$!
		run -0 timeout 20 head -n 2 <&9
		assert_output --partial 'a flush'
		for _ in {1..14}; do # of 16 pages, and 36 of 64 KiB are free
			head -c 2100 /dev/zero >&9
		done
		touch go
		wait_until 5 grep -q 'went on' err
		kill "$program"
		exec 9>&-
		wait "$program" || true
	done
}

# bats test_tags=glibc
@test "A wide stream is flushed only where there is room for its bytes, not its characters" {
	local ended size start
	cat >wide.c <<-'END'
		#include <locale.h>
		#include <poll.h>
		#include <stdlib.h>
		#include <unistd.h>
		#include <wchar.h>
		int main(int argc, char **argv)
		{
			static char bytes[65536];
			setlocale(LC_ALL, "C.UTF-8");
			write(1, bytes, atoi(argv[1]));
			for (int i = atoi(argv[2]); i; i--)
				putwchar(i % 50 ? 0x1F600 : '\n'); /* 4 bytes each */
			for (int i = 0; i < 3; i++)
				poll(NULL, 0, 10);
			_exit(3);
		}
	END
	cc -O1 -o wide wide.c
	rm -f pipe
	mkfifo pipe
	for size in '6000 16000' '28000 10000' '40000 5000'; do
		for start in constructor threads; do
			exec 9<>pipe # empty again, and nobody reads it
			ended=0
			# shellcheck disable=SC2086 # two words
			timeout 5 env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=100us \
				IDLEFLUSH_START="$start" ./wide $size >pipe || ended=$?
			assert_equal "$size $start $ended" "$size $start 3"
			exec 9>&-
		done
	done
}

@test "A line that found the pipe full comes out when there is room, though nothing else happens" {
	mkfifo pipe
	exec 9<>pipe
	head -c "$PIPE" /dev/zero >&9
	timeout 60 env LD_PRELOAD="$LIB" $NO_HEARTBEAT "$PROGS/steps" \
		print=before poll port-file=ready until=end >pipe 2>err 9>&- 3>&- &
	wait_until 5 test -e ready
	wait_until 5 reported_at_least "$(pgrep -P $!)" no_room 5 # past its first looks
	head -c "$PIPE" <&9 >/dev/null
	run -0 timeout 20 head -n 1 <&9
	assert_output before
	touch end
	exec 9>&-
	wait $!
}
