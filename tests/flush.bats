#!/usr/bin/env bats
# flush.bats -- when pending lines come out, and when they do not
# SPDX-License-Identifier: MIT
#
# Each cause of a flush is tested with the others turned off. The control is the same run with that
# cause turned off, too, or without the shim.
# bats file_tags=core

load helper

# Turns off every cause; a test turns on its own.
NO_IDLE=IDLEFLUSH_IDLE=1h
NO_MAX_AGE=IDLEFLUSH_MAX_AGE=0
NO_HEARTBEAT=IDLEFLUSH_HEARTBEAT=0

WAITS=(accept accept4 epoll_wait epoll_pwait poll ppoll select pselect)
[[ $PROGS == */musl || $PROGS == */memcheck ]] || WAITS+=(epoll_pwait2 __poll_chk __ppoll_chk)
READS=(read readv recv recvfrom recvmsg recvmmsg client_read client_recvmsg pipe_read pipe_readv)
SLEEPS=(sleep usleep nanosleep clock_nanosleep pause sigsuspend)

setup_file() {
	WORK=$BATS_FILE_TMPDIR
	export WORK
	command -v musl-gcc >/dev/null || return 0
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$WORK/server" "$ROOT/tests/fixtures/server.c"
}

teardown() {
	stop_all
}

# One number of the reader's summary, of the counters, of the age of a request's line in us.
summary_of() {
	sed "s/.*\<$2=\([0-9]*\).*/\1/" "$(dir_of "$1")/summary"
}

counter_of() {
	sed -n "s/^idleflush: .*\<$2=\([0-9]*\).*/\1/p" "$(dir_of "$1")/err"
}

age_of() {
	awk -v id="$2" '$2 == "req" && $3 == id { print $1 }' "$(dir_of "$1")/lines"
}

# One connection, so that the lines come in the order of the requests.
traffic() {
	"$PROGS/load" --port="$(port_of "$1")" --rate="$2" --count="$3" --connections=1 \
		>"$(dir_of "$1")/load"
}

any_came() {
	local name
	for name in "$@"; do
		[ ! -s "$(dir_of "$name")/lines" ] || return 0
	done
	return 1
}

# Each line once, in the order of the requests; no other line.
assert_requests() {
	assert_equal "$(lines_of "$1" | awk '{ print $1, $2 }')" "$(seq -f 'req %g' "$2")"
}

# task_of NAME: the folder of its flusher thread in /proc.
task_of() {
	local task
	for task in "/proc/$(pid_of "$1")/task"/*; do
		if [ "$(cat "$task/comm")" = idleflush ]; then
			echo "$task"
		fi
	done
}

# Idle times of seconds, here and below: a wait that comes a quarter of it after the one before flushes
# at once, on a busy machine too.
@test "A line comes out once the server has been quiet for the idle time" {
	start_server slow preload IDLEFLUSH_IDLE=2s $NO_MAX_AGE $NO_HEARTBEAT "$PROGS/server"
	request "$(port_of slow)" 1
	wait_until 10 arrived slow 1
	assert [ "$(age_of slow 1)" -ge 1500000 ]

	start_server off preload $NO_IDLE $NO_MAX_AGE $NO_HEARTBEAT "$PROGS/server"
	request "$(port_of off)" 1
	refute wait_until 1 arrived off 1
}

@test "A line comes out within milliseconds with the default settings" {
	local id
	start_server quick preload "$PROGS/server"
	# The machine may be busy for a moment, but not every time.
	for id in 1 2 3 4 5; do
		request "$(port_of quick)" "$id"
		wait_until 5 arrived quick "$id"
		[ "$(age_of quick "$id")" -ge 100000 ] || return 0
	done
	fail "$(lines_of quick)"
}

@test "Under steady traffic a line comes out at the maximum age" {
	start_server steady preload IDLEFLUSH_IDLE=10s IDLEFLUSH_MAX_AGE=200ms $NO_HEARTBEAT \
		"$PROGS/server"
	traffic steady 100 100
	# The traffic took a second and has just ended; the idle time is not over.
	arrived steady 1
	assert [ "$(age_of steady 1)" -ge 100000 ]
	wait_until 5 arrived steady 100
	assert_requests steady 100
}

# While the traffic lasts the thread sleeps with a timeout, but not past the maximum age of a line.
@test "Under steady traffic no line is much older than the maximum age" {
	start_server steady preload IDLEFLUSH_IDLE=20s IDLEFLUSH_MAX_AGE=100ms $NO_HEARTBEAT \
		"$PROGS/server"
	traffic steady 100 400
	wait_until 10 arrived steady 400
	assert_requests steady 400
	# Without that, every second line or so would be older, by up to a quarter of the idle time.
	assert [ "$(awk '$1 >= 1000000' "$(dir_of steady)/lines" | wc -l)" -le 40 ]
}

@test "With a maximum age of 0, lines wait for as long as the traffic lasts" {
	start_server steady preload IDLEFLUSH_IDLE=4s $NO_MAX_AGE $NO_HEARTBEAT "$PROGS/server"
	traffic steady 100 60
	refute arrived steady 1
	wait_until 15 arrived steady 60
	stop_server steady
	assert_requests steady 60
	assert_equal "$(summary_of steady reads)" 1
}

@test "A line printed before the first connection comes out at once" {
	start_server plain "$PROGS/server" --hello=listening
	start_server fresh preload $NO_HEARTBEAT "$PROGS/server" --hello=listening
	start_server threads preload $NO_HEARTBEAT "$PROGS/server" --hello=listening --model=threads
	wait_until 5 arrived_text fresh 'listening pid'
	wait_until 5 arrived_text threads 'listening pid'
	refute wait_until 1 arrived_text plain 'listening pid'
}

@test "A thread that is about to wait for work has its lines flushed, whichever call it waits in" {
	local call
	for call in "${WAITS[@]}"; do
		start_server "$call" preload $NO_HEARTBEAT "$PROGS/waits" "$call" $'ready\n'
	done
	for call in "${WAITS[@]}"; do
		wait_until 5 arrived_text "$call" ready
	done
}

@test "A thread that reads from a connection or a pipe waits for work as well" {
	local call
	for call in "${READS[@]}"; do
		start_server "$call" preload $NO_HEARTBEAT "$PROGS/waits" "$call" $'ready\n'
	done
	for call in "${READS[@]}"; do
		wait_until 5 arrived_text "$call" ready
	done
}

@test "A lone line after a burst is flushed at the wait that follows it, as before the burst" {
	local seen
	passed() {
		[ $(($(now_us) - seen)) -gt 150000 ]
	}
	start_server burst preload IDLEFLUSH_IDLE=100ms $NO_MAX_AGE $NO_HEARTBEAT IDLEFLUSH_STATS=1 \
		"$PROGS/server" --graceful
	traffic burst 5000 200
	wait_until 5 arrived burst 200
	for id in 201 202 203 204 205 206; do
		seen=$(now_us)
		wait_until 5 passed
		request "$(port_of burst)" "$id"
		wait_until 5 arrived burst "$id"
	done
	stop_server burst
	assert [ "$(counter_of burst at_waits)" -ge 6 ]
}

@test "A thread that sleeps, or waits for a signal, has its lines flushed first" {
	local call
	for call in "${SLEEPS[@]}"; do
		start_server "$call" preload $NO_HEARTBEAT "$PROGS/waits" "$call" $'ready\n'
	done
	for call in "${SLEEPS[@]}"; do
		wait_until 5 arrived_text "$call" ready
	done
}

@test "Where our thread never starts, a thread about to wait flushes by itself" {
	local call
	for call in "${WAITS[@]}" "${READS[@]}" "${SLEEPS[@]}"; do
		start_server "$call" preload IDLEFLUSH_START=threads "$PROGS/waits" "$call" $'ready\n'
	done
	for call in "${WAITS[@]}" "${READS[@]}" "${SLEEPS[@]}"; do
		wait_until 5 arrived_text "$call" ready
		run -0 cat "/proc/$(pid_of "$call")/task"/*/comm
		assert_equal "${#lines[@]}" 1
	done
}

@test "Without the shim no line of a thread that waits comes out" {
	local call
	for call in "${WAITS[@]}" "${READS[@]}" "${SLEEPS[@]}"; do
		start_server "$call" "$PROGS/waits" "$call" $'ready\n'
	done
	refute wait_until 1 any_came "${WAITS[@]}" "${READS[@]}" "${SLEEPS[@]}"
}

@test "A thread that waits for another thread has its lines flushed by the heartbeat" {
	start_server off preload $NO_HEARTBEAT "$PROGS/waits" semaphore $'ready\n'
	start_server on preload IDLEFLUSH_HEARTBEAT=100ms "$PROGS/waits" semaphore $'ready\n'
	wait_until 5 arrived_text on ready
	refute wait_until 1 arrived_text off ready
}

# bats test_tags=slow-under-valgrind
@test "Lines of a thread that never waits for a descriptor come out with the heartbeat" {
	start_server plain "$PROGS/server" --ticker=20
	start_server off preload $NO_HEARTBEAT "$PROGS/server" --ticker=20
	start_server on preload IDLEFLUSH_HEARTBEAT=100ms "$PROGS/server" --ticker=20
	wait_until 5 arrived_text on 'tick 20 '
	refute arrived_text plain tick
	refute arrived_text off tick
	# Several ticks in one write, not one by one.
	stop_server on
	assert [ "$(summary_of on reads)" -lt "$(summary_of on lines)" ]
}

@test "With every flush turned off, an orderly end loses no line" {
	local program
	for program in "$PROGS/server" "$PROGS/server --model=threads"; do
		# shellcheck disable=SC2086 # a program and its argument
		start_server end preload $NO_IDLE $NO_MAX_AGE $NO_HEARTBEAT $program --graceful
		traffic end 1000 20
		refute any_came end
		stop_server end
		assert_equal "$SERVER_STATUS" 0
		assert_requests end 20
	done
}

@test "An exit under load loses no line that the program printed" {
	start_server end preload "$PROGS/server" --exit-after=200
	"$PROGS/load" --port="$(port_of end)" --rate=2000 --count=300 --close \
		--answered="$BATS_TEST_TMPDIR/answered" || true
	await_server end
	assert_equal "$SERVER_STATUS" 0
	lines_of end | awk '$1 == "req" { print $2 }' | sort >"$BATS_TEST_TMPDIR/printed"
	sort "$BATS_TEST_TMPDIR/answered" >"$BATS_TEST_TMPDIR/wanted"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/wanted")" 200
	run -0 comm -13 "$BATS_TEST_TMPDIR/printed" "$BATS_TEST_TMPDIR/wanted"
	assert_output ''
	run -0 uniq -d "$BATS_TEST_TMPDIR/printed"
	assert_output ''
}

# bats test_tags=glibc
@test "A line printed by several calls is not cut, up to the maximum age" {
	# The flusher wakes every few milliseconds; printing a line takes four.
	start_server whole preload IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=2s \
		"$PROGS/server" --print=pieces --piece-gap=2000
	traffic whole 100 100
	wait_until 5 arrived whole 100
	assert_requests whole 100
	stop_server whole
	assert_equal "$(summary_of whole cut)" 0
	assert [ "$(summary_of whole reads)" -ge 5 ]

	# The control: with hardly any time for their end, lines are cut, but none is lost.
	start_server cut preload IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=100us \
		"$PROGS/server" --print=pieces --piece-gap=2000
	traffic cut 100 100
	wait_until 5 arrived cut 100
	assert_requests cut 100
	stop_server cut
	assert [ "$(summary_of cut cut)" -ge 1 ]
}

@test "A prompt without a newline comes out, too" {
	# shellcheck disable=SC2034 # start_server reads it
	READER=(--raw)
	start_server plain "$PROGS/waits" poll 'your name? '
	start_server fresh preload $NO_HEARTBEAT "$PROGS/waits" poll 'your name? '
	start_server mixed preload $NO_HEARTBEAT "$PROGS/waits" poll $'hello\nyour name? '
	wait_until 5 any_came fresh
	assert_equal "$(cat "$(dir_of fresh)/lines")" 'your name? '
	wait_until 5 grep -q name "$(dir_of mixed)/lines"
	assert_equal "$(cat "$(dir_of mixed)/lines")" $'hello\nyour name? '
	refute wait_until 1 any_came plain
}

# bats test_tags=glibc
@test "A prompt is kept back for the maximum age, the lines before it are not" {
	# shellcheck disable=SC2034
	READER=(--raw)
	start_server mixed preload IDLEFLUSH_MAX_AGE=3s $NO_HEARTBEAT \
		"$PROGS/waits" poll $'hello\nyour name? '
	wait_until 5 any_came mixed
	assert_equal "$(cat "$(dir_of mixed)/lines")" hello
	wait_until 10 grep -q name "$(dir_of mixed)/lines"
}

# bats test_tags=musl
@test "A musl program's lines are fresh" {
	[ -x "$WORK/server" ] || skip "no musl-gcc here"
	# The first line comes out by itself: musl checks for a terminal at the first flush only.
	start_server plain "$WORK/server" --hello=listening
	start_server fresh preload $NO_HEARTBEAT "$WORK/server" --hello=listening
	for name in plain fresh; do
		request "$(port_of $name)" 1
		request "$(port_of $name)" 2
	done
	wait_until 5 arrived fresh 2
	refute wait_until 1 arrived plain 2
	stop_server fresh
	assert_equal "$(lines_of fresh | cut -d' ' -f1,2)" $'listening pid\nreq 1\nreq 2'
}

@test "The counters at exit say what was done" {
	local name
	name='^idleflush: pid=[0-9]+ program=[^ ]+ responses=[0-9]+ flushes=[0-9]+ at_waits=[0-9]+ bytes=[0-9]+'
	name+=' no_room=[0-9]+ heartbeats=[0-9]+ oldest_ms=[0-9]+( [a-z_]+=[0-9]+)*$'
	start_server counted preload IDLEFLUSH_STATS=1 "$PROGS/server" --graceful --hello=listening
	for id in 1 2 3 4 5; do
		request "$(port_of counted)" "$id"
		wait_until 5 arrived counted "$id"
	done
	pid=$(pid_of counted)
	stop_server counted
	run -0 cat "$(dir_of counted)/err"
	assert_equal "${#lines[@]}" 1
	assert_output --regexp "$name"
	assert_equal "$(counter_of counted pid)" "$pid"
	assert_output --partial ' program=server '
	assert_equal "$(counter_of counted responses)" 5
	assert_equal "$(counter_of counted no_room)" 0
	assert_equal "$(counter_of counted bytes)" "$(lines_of counted | wc -c)"
	assert [ "$(counter_of counted flushes)" -ge 5 ]
	assert [ "$(counter_of counted flushes)" -le 20 ]
	assert [ "$(counter_of counted oldest_ms)" -lt 5000 ]
}

@test "The counters go to a file, one line a process, or nowhere" {
	local stats=$BATS_TEST_TMPDIR/stats
	start_server none preload "$PROGS/server" --graceful
	stop_server none
	assert_equal "$(cat "$(dir_of none)/err")" ''

	start_server filed preload IDLEFLUSH_STATS="$stats" "$PROGS/server" \
		--graceful --model=prefork --workers=2
	stop_server filed
	assert_equal "$(cat "$(dir_of filed)/err")" ''
	assert_equal "$(grep -c '^idleflush: pid=[0-9]* program=server ' "$stats")" 3
	assert_equal "$(cut -d' ' -f2 "$stats" | sort -u | wc -l)" 3
}

@test "The counter of the oldest line is the age of that line when it came out" {
	start_server old preload IDLEFLUSH_STATS=1 IDLEFLUSH_IDLE=2s $NO_MAX_AGE $NO_HEARTBEAT \
		"$PROGS/server" --graceful
	# Two, for after a slow start the first is flushed by a wait at once.
	request "$(port_of old)" 1
	request "$(port_of old)" 2
	wait_until 10 arrived old 2
	stop_server old
	assert [ "$(counter_of old oldest_ms)" -ge 1500 ]
	assert [ "$(counter_of old oldest_ms)" -lt 10000 ]
}

@test "The flusher is a thread named idleflush that takes none of the program's signals" {
	local task blocked sig
	start_server named preload "$PROGS/server"
	task=$(task_of named)
	assert [ -n "$task" ]
	blocked=$((16#$(sed -n 's/^SigBlk:\t//p' "$task/status")))
	for sig in 1 2 3 10 12 13 14 15 17; do
		assert [ $((blocked >> (sig - 1) & 1)) = 1 ]
	done
	# The program's own thread is not affected.
	assert_equal "$(sed -n 's/^SigBlk:\t//p' "/proc/$(pid_of named)/status")" 0000000000000000
}

# switches NAME: how often its thread has gone to sleep. woke NAME COUNT: at least that often?
switches() {
	sed -n 's/^voluntary_ctxt_switches:\t//p' "$(task_of "$1")/status"
}
woke() {
	[ "$(switches "$1")" -ge "$2" ]
}

@test "The thread of an idle server wakes up less and less often, and once a heartbeat when there is work" {
	local seen
	# rests NAME: does its flusher thread sleep for a second?
	rests() {
		! wait_until 1 woke "$1" $(($(switches "$1") + 1)) 2>/dev/null
	}

	start_server off preload $NO_HEARTBEAT "$PROGS/server" --hello=listening
	start_server on preload IDLEFLUSH_HEARTBEAT=20ms "$PROGS/server" --hello=listening
	wait_until 5 arrived_text on listening
	wait_until 5 woke on 5
	wait_until 20 rests on
	wait_until 20 rests off

	seen=$(switches on)
	request "$(port_of on)" 1
	wait_until 5 woke on $((seen + 5))
	seen=$(switches off)
	request "$(port_of off)" 1
	wait_until 5 arrived off 1
	refute wait_until 1 woke off $((seen + 5))
}

# Our thread may just be leaving the program's descriptor table when the program makes a thread, and
# must come back: here nobody makes a call that would start it again. One start in 50 lost it.
@test "A program that makes a thread at once keeps ours" {
	local i pids=()
	cd "$BATS_TEST_TMPDIR"
	cat >joins.c <<-'END'
		#include <pthread.h>
		#include <signal.h>
		#include <stdio.h>
		#include <time.h>
		#include <unistd.h>
		static void *print_and_wait(void *unused)
		{
			pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
			pthread_cond_t never = PTHREAD_COND_INITIALIZER;
			struct timespec until;
			printf("line\n");
			pthread_mutex_lock(&mutex);
			for (int i = 0; i < 200 && access("enough", F_OK); i++) {
				clock_gettime(CLOCK_REALTIME, &until);
				until.tv_nsec += 100000000;
				if (until.tv_nsec >= 1000000000)
					until.tv_sec++, until.tv_nsec -= 1000000000;
				pthread_cond_timedwait(&never, &mutex, &until);
			}
			kill(getpid(), SIGKILL);
			return unused;
		}
		int main(void)
		{
			pthread_t thread;
			pthread_create(&thread, NULL, print_and_wait, NULL);
			pthread_join(thread, NULL);
		}
	END
	cc -O1 -pthread -o joins joins.c
	many() { # many FILE VARIABLE...: the lines of a hundred of them
		for ((i = 0; i < 100; i++)); do
			{ env "${@:2}" ./joins | cat >>"$1"; } 2>/dev/null 3>&- &
			pids+=($!)
		done
	}
	has_lines() {
		[ "$(wc -l <"$1")" -ge "$2" ]
	}
	many plain PLAIN=1
	many ours LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms
	wait_until 15 has_lines ours 100
	touch enough
	wait "${pids[@]}" || true
	assert_equal "$(wc -l <ours)" 100
	assert_equal "$(wc -l <plain)" 0
}

# Its waits end about when a heartbeat comes. The thread must not take that for an idle process, be
# woken by the end of the wait, and wake up once more because the flush at the wait delayed the heartbeat.
@test "A program that waits for as long as a heartbeat wakes the thread once in each" {
	cd "$BATS_TEST_TMPDIR"
	cat >ticks.c <<-'END'
		#include <dirent.h>
		#include <poll.h>
		#include <stdio.h>
		#include <string.h>
		#include <time.h>
		static long switches(void) /* of the thread of that name */
		{
			char path[300], line[100];
			long n = -1, found = -1;
			struct dirent *entry;
			DIR *tasks = opendir("/proc/self/task");
			while ((entry = readdir(tasks))) {
				snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
				FILE *status = fopen(path, "r");
				for (int ours = 0; status && fgets(line, sizeof(line), status);) {
					ours |= !strcmp(line, "Name:\tidleflush\n");
					if (ours && sscanf(line, "voluntary_ctxt_switches: %ld", &n) == 1)
						found = n;
				}
				if (status)
					fclose(status);
			}
			closedir(tasks);
			return found;
		}
		static double now(void)
		{
			struct timespec t;
			clock_gettime(CLOCK_MONOTONIC, &t);
			return t.tv_sec + t.tv_nsec / 1e9;
		}
		int main(void)
		{
			double since = 0;
			long before = 0;
			for (int i = 0; i < 40; i++) {
				if (i == 10)
					since = now(), before = switches();
				printf("tick\n");
				poll(NULL, 0, 100);
			}
			printf("%ld wake-ups in %.0f heartbeats\n", switches() - before,
			       (now() - since) / 0.1);
			return before <= 0;
		}
	END
	cc -O1 -o ticks ticks.c
	run env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms ./ticks
	assert_success
	assert_line tick
	read -r wakeups _ _ heartbeats _ <<<"${lines[-1]}"
	echo "${lines[-1]}"
	assert [ "$wakeups" -ge $((heartbeats / 2)) ] # or the thread is not at work
	assert [ "$wakeups" -le $((heartbeats * 5 / 4 + 3)) ] # 42 to 51 in 30 where it is
}

# The thread of an idle process sleeps for longer than a heartbeat. What comes after the wait may be a
# computation that never waits, so the wait wakes it, whatever call it is and nothing being pending.
@test "When a read or an accept returns in an idle server, it wakes the thread to its heartbeat" {
	local call port
	cd "$BATS_TEST_TMPDIR"
	cat >idle.c <<-'END'
		#include <fcntl.h>
		#include <netinet/in.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			struct sockaddr_in address = {.sin_family = AF_INET};
			socklen_t size = sizeof(address);
			int listener = socket(AF_INET, SOCK_STREAM, 0), fd = -1;
			FILE *port = fopen(argv[argc - 1], "w");
			char byte;
			listen(listener, 1);
			getsockname(listener, (struct sockaddr *)&address, &size);
			fprintf(port, "%d\n", ntohs(address.sin_port));
			fclose(port);
			if (!strcmp(argv[1], "pipe")) {
				fd = open("pipe", O_RDWR);
				write(fd, "\1\1\1\1\1", 5); /* no request: a file, from now on */
				for (int i = 0; i < 5; i++)
					read(fd, &byte, 1);
			} else if (strcmp(argv[1], "accept")) {
				fd = accept(listener, NULL, NULL);
			}
			access("/waits", F_OK);
			if (!strcmp(argv[1], "recv"))
				recv(fd, &byte, 1, 0);
			else if (fd >= 0)
				read(fd, &byte, 1);
			else
				accept(listener, NULL, NULL);
			access("/waited", F_OK);
			_exit(0);
		}
	END
	cc -O1 -o idle idle.c
	slept() { # slept CALL: has its thread slept through five heartbeats, each twice as long?
		[ "$(sed -n '/"\/waits"/,$p' "$1.trace" | grep -c ETIMEDOUT)" -ge 5 ]
	}
	woken() { # woken CALL: did the thread that waited wake it when the wait returned?
		sed -n '/"\/waits"/,/"\/waited"/p' "$1.trace" | grep -q 'FUTEX_WAKE'
	}
	# wait_in CALL HEARTBEAT CONDITION...
	wait_in() {
		local call=$1 pid
		strace -f -o "$call.trace" -e trace=access,faccessat,futex -E LD_PRELOAD="$LIB" \
			-E IDLEFLUSH_HEARTBEAT="$2" ./idle "$call" "$call.port" \
			2>&1 </dev/null 3>&- | cat >/dev/null 3>&- &
		pid=$!
		wait_until 10 test -s "$call.port"
		port=$(cat "$call.port")
		case $call in
		pipe) exec 7<>pipe ;;
		re*) exec 7<>"/dev/tcp/127.0.0.1/$port" ;;
		esac
		wait_until 10 grep -q /waits "$call.trace"
		"${@:3}"
		if [ "$call" = accept ]; then
			exec 7<>"/dev/tcp/127.0.0.1/$port"
		else
			echo >&7
		fi
		wait "$pid"
		exec 7>&-
	}
	mkfifo pipe
	for call in accept recv read pipe; do
		wait_in "$call" 10ms wait_until 10 slept "$call"
		woken "$call" || fail "$call: $(cat "$call.trace")"
		rm "$call".* # not the FIFO
	done
	# The control: without a heartbeat nothing is to be woken.
	wait_in accept 0 true
	run -1 woken accept
}

# As with a condition variable, a wait that we do not see: here a read that is a raw system call.
@test "Once a line was late because the thread of an idle process slept, it sleeps so no more" {
	local seen
	cd "$BATS_TEST_TMPDIR"
	cat >unseen.c <<-'END'
		#include <fcntl.h>
		#include <stdio.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			int fd = open("work", O_RDWR);
			char byte;
			fclose(fopen(argv[argc - 1] + sizeof("--port-file=") - 1, "w"));
			for (int i = 0; syscall(SYS_read, fd, &byte, 1) == 1; i++)
				printf("line %d\n", i);
		}
	END
	cc -O1 -o unseen unseen.c
	mkfifo work
	start_server server preload IDLEFLUSH_HEARTBEAT=20ms ./unseen
	wait_until 5 woke server 6
	exec 7<>work
	echo >&7
	wait_until 10 arrived_text server 'line 0'
	# Each of 40 heartbeats wakes it. If they came ever later, they would take 40 s.
	seen=$(switches server)
	wait_until 20 woke server $((seen + 40))
	exec 7>&-
}

# bats test_tags=glibc
@test "A line comes out although threads hold the lock of stdout nearly all the time" {
	cd "$BATS_TEST_TMPDIR"
	cat >held.c <<-'END'
		#include <pthread.h>
		#include <stdio.h>
		#include <time.h>
		#include <unistd.h>
		static void compute(long ns)
		{
			struct timespec from, now;
			clock_gettime(CLOCK_MONOTONIC, &from);
			do
				clock_gettime(CLOCK_MONOTONIC, &now);
			while ((now.tv_sec - from.tv_sec) * 1000000000L + now.tv_nsec - from.tv_nsec < ns);
		}
		static void *hold(void *unused)
		{
			for (;;) {
				flockfile(stdout);
				compute(20000);
				funlockfile(stdout);
				compute(300);
			}
			return unused;
		}
		int main(void)
		{
			pthread_t thread;
			puts("a line");
			pthread_create(&thread, NULL, hold, NULL);
			pthread_create(&thread, NULL, hold, NULL);
			alarm(20);
			for (;;)
				usleep(10000);
		}
	END
	cc -O1 -o held held.c -pthread
	./held > >(cat >plain) 3>&- &
	plain=$!
	LD_PRELOAD=$LIB ./held > >(cat >preloaded) 3>&- &
	wait_until 15 grep -qx 'a line' preloaded
	assert_equal "$(cat plain)" ''
	kill -KILL "$plain" $!
	wait "$plain" $! 2>/dev/null || true
}

# bats test_tags=glibc
@test "What a flush has just written does not come out again when the program ends" {
	cd "$BATS_TEST_TMPDIR"
	shim_with slow_calls.c
	cat >partial.c <<-'END'
		#include <poll.h>
		#include <stdio.h>
		int main(void)
		{
			printf("a line\nno end");
			poll(NULL, 0, 40);
			return 0;
		}
	END
	cc -O1 -o partial partial.c
	run -0 timeout 20 env LD_PRELOAD="$LIB" ./partial
	assert_output $'a line\nno end'
}
