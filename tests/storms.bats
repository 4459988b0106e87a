#!/usr/bin/env bats
# storms.bats -- a lot of everything: no hang, no crash, every line exactly once
# SPDX-License-Identifier: MIT
#
# The counts are small here; `make check-storms` has the full ones, `make soak` the long run.

load helper

FORKS=${STORM_FORKS:-1000}
CONNECTIONS=${STORM_CONNECTIONS:-3000}
EXITS=${STORM_EXITS:-10}
STOPS=${STORM_STOPS:-15}
ALARM_SECONDS=${STORM_ALARM_SECONDS:-2}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_all
	# shellcheck disable=SC2086 # a list of them
	kill ${STARTED-} 2>/dev/null || true
}

req_count() {
	lines_of "$1" | grep -c '^req ' || true
}

all_arrived() {
	[ "$(req_count "$1")" -ge "$2" ]
}

# Each of 1 to N once, and nothing else.
assert_each_once() {
	assert_equal "$(lines_of "$1" | awk '{ print $2 }' | sort -n | cksum)" "$(seq "$2" | cksum)"
}

# What the fixture printed while it forked: `thread I`, and the count at the end.
assert_storm() {
	local count
	count=$(($(wc -l <"$1") - 1))
	assert_equal "$(tail -n 1 "$1")" "printed $count"
	assert_equal "$(head -n -1 "$1" | cksum)" "$(seq -f 'thread %.0f' "$count" | cksum)"
}

@test "A process that forks thousands of times while a thread prints has each line once, in order" {
	timeout 1700 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=10ms \
		"$PROGS/forks" storm "$FORKS" >out
	assert_storm out
}

@test "Connections that come and go on the same numbers while 8 threads write" {
	local kept=$((CONNECTIONS / 2)) port
	start_server storm preload IDLEFLUSH_STATS=1 "$PROGS/server" --model=threads --graceful
	port=$(port_of storm)
	"$PROGS/load" --port="$port" --count="$kept" --rate=2000 --connections=8 \
		--timeout=30000 >load.kept 3>&- &
	STARTED=$!
	"$PROGS/load" --port="$port" --count="$CONNECTIONS" --rate=4000 --connections=8 \
		--close --ids-from=$((kept + 1)) --timeout=30000 >load.closed
	wait "$STARTED"
	STARTED=
	wait_until 10 all_arrived storm $((kept + CONNECTIONS))
	stop_server storm
	assert_equal "$SERVER_STATUS" 0
	assert_each_once storm $((kept + CONNECTIONS))
	grep -q " responses=$((kept + CONNECTIONS)) " "$(dir_of storm)/err"
}

# glibc's own last flush takes no locks. So lines that are printed meanwhile may be missing or come
# twice, also without us. What was printed before it is there.
# exits_well [VARIABLE=VALUE...]
exits_well() {
	local i status
	for ((i = 0; i < EXITS; i++)); do
		status=0
		timeout 20 env "$@" ./exits 2>before >out || status=$?
		assert_equal "$status" 0
		awk 'NR == FNR { last[$1] = $2; next }
			$2 == n[$1] + 1 { n[$1]++ }
			END { for (t in last) if (n[t] < last[t]) { print t, n[t], last[t]; exit 1 } }' \
			before out
	done
}

@test "An exit while 16 threads print does not hang, and what was printed before is there" {
	cc -O2 -o exits "$ROOT/tests/fixtures/neighbours/exits.c" -pthread
	exits_well IDLEFLUSH_DISABLE=1
	exits_well LD_PRELOAD="$LIB"
	exits_well LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=100us \
		IDLEFLUSH_HEARTBEAT=10ms
}

@test "A signal handler that runs thousands of times a second and makes calls of every kind" {
	local build count
	for build in cc musl-gcc; do
		command -v "$build" >/dev/null || continue
		"$build" -D_GNU_SOURCE -O2 -o alarms "$ROOT/tests/fixtures/neighbours/alarms.c"
		# Through a pipe, in which the shim checks for room.
		set -o pipefail
		timeout 100 env LD_PRELOAD="$LIB" IDLEFLUSH_IDLE=100us IDLEFLUSH_MAX_AGE=100us \
			IDLEFLUSH_HEARTBEAT=10ms ./alarms "$ALARM_SECONDS" 2>err | cat >out
		set +o pipefail
		assert [ "$(sed -n 's/^alarms \([0-9]*\) wrong 0$/\1/p' err)" -ge 100 ]
		count=$(($(wc -l <out) - 1))
		assert_equal "$(tail -n 1 out)" "printed $count"
		assert_equal "$(head -n -1 out | cksum)" "$(seq -f 'line %.0f' "$count" | cksum)"
	done
}

# The FIFO is held open, as a supervisor does; otherwise the writer would die with its reader.
@test "A collector that reads byte by byte, dies and comes back through a FIFO misses nothing" {
	local requests=2000 collector
	mkfifo fifo
	exec 8<>fifo
	: >collected
	timeout 100 env LD_PRELOAD="$LIB" "$PROGS/server" --model=threads --graceful \
		--port-file=port >&8 2>err 3>&- 8>&- &
	STARTED=$!
	wait_until 10 test -e port
	# The last byte that it read is in the middle of a line.
	timeout 60 dd bs=1 count=10007 <&8 >>collected 2>/dev/null 3>&- 8>&- &
	collector=$!
	# More than the pipe and all buffers hold: some of the answers have to wait for the next one.
	"$PROGS/load" --port="$(cat port)" --count="$requests" --rate=4000 --connections=8 \
		--timeout=60000 >load 3>&- 8>&- &
	wait "$collector"
	assert_equal "$(wc -c <collected)" 10007
	cat <&8 >>collected 3>&- 8>&- &
	collector=$!
	STARTED="$STARTED $collector"
	wait_until 30 test -s load
	grep -q "ok=$requests " load
	wait_until 10 eval "[ \"\$(grep -c '^req ' collected)\" -eq $requests ]"
	assert_equal "$(awk '{ print $2 }' collected | sort -n | cksum)" "$(seq "$requests" | cksum)"
	assert_equal "$(cat err)" ''
}

is_stopped() {
	grep -q '^State:.T' "/proc/$1/status"
}

@test "A server that is stopped and continued again and again loses no line" {
	local i requests=$((STOPS * 100))
	start_server storm preload "$PROGS/server" --model=threads --graceful
	"$PROGS/load" --port="$(port_of storm)" --count="$requests" --rate=2000 --connections=8 \
		--timeout=60000 >load 3>&- &
	STARTED=$!
	for ((i = 1; i <= STOPS; i++)); do
		kill -STOP "$(pid_of storm)"
		wait_until 5 is_stopped "$(pid_of storm)"
		kill -CONT "$(pid_of storm)"
		wait_until 20 all_arrived storm $((i * 50))
	done
	wait "$STARTED"
	STARTED=
	wait_until 10 all_arrived storm "$requests"
	stop_server storm
	assert_equal "$SERVER_STATUS" 0
	assert_each_once storm "$requests"
}

# faketime changes all clocks, CLOCK_MONOTONIC too, which no administrator can set.
@test "Lines are fresh while the clock is set forward and back" {
	local fake step id=0
	fake=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
	[ -e "$fake" ] || skip "no faketime here"
	echo '+0' >clock
	start_server storm LD_PRELOAD="$LIB $fake" FAKETIME_TIMESTAMP_FILE="$PWD/clock" \
		FAKETIME_NO_CACHE=1 IDLEFLUSH_HEARTBEAT=0 "$PROGS/server" --graceful
	for step in +0 +1d +2d +0 -1d +0; do
		echo "$step" >clock
		request "$(port_of storm)" $((++id))
		wait_until 10 arrived storm "$id"
	done
	stop_server storm
	assert_each_once storm 6
}

@test "Lines are fresh whether the monotonic clock has just begun or has run for ten years" {
	local up offset id=0
	unshare --time --fork true 2>/dev/null || skip "no time namespaces here"
	up=$(cut -d. -f1 /proc/uptime)
	for offset in -"$up" 315360000; do
		start_server "clock$offset" unshare --time --monotonic="$offset" --fork --kill-child \
			env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 "$PROGS/server" --graceful
		for id in 1 2 3; do
			request "$(port_of "clock$offset")" "$id"
			wait_until 10 arrived "clock$offset" "$id"
		done
		kill -KILL "$(pid_of "clock$offset")"
		await_server "clock$offset"
		assert_each_once "clock$offset" 3
	done
}
