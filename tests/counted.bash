# counted.bash -- runs servers, and reads how many responses idleflush counted
# SPDX-License-Identifier: MIT
#
#   load helper
#   load counted
#   teardown() { end_all_counted; }
#
#   port=$(free_port)
#   count NAME PORT [VARIABLE=VALUE...] COMMAND...   returns once something listens on PORT
#   end_counted NAME [SIGNAL]
#   assert_equal "$(responses_of NAME)" 1000
#
# A server's files are in "$(dir_of NAME)": stats, out, err.
# shellcheck shell=bash

CLIENT=$ROOT/tests/fixtures/framing_client.py
export CLIENT

declare -gA COUNTED_PID=()

answers() {
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Does anybody listen on PORT? Asked without a connection, which the server might count.
listens() {
	local hex
	printf -v hex '0100007F:%04X' "$1"
	grep -q " \($hex\|00000000:${hex#*:}\) [0-9A-F]*:0000 0A " /proc/net/tcp
}

count() {
	local name=$1 port=$2 dir
	dir=$(dir_of "$name")
	shift 2
	mkdir -p "$dir"
	setsid env --default-signal=INT,QUIT LD_PRELOAD="$LIB" IDLEFLUSH_STATS="$dir/stats" "$@" \
		>"$dir/out" 2>"$dir/err" </dev/null 3>&- &
	COUNTED_PID[$name]=$!
	wait_until 20 listens "$port"
}

# start_fixture NAME [VARIABLE=VALUE...]: the fixture server, by start_server, with stats as well.
start_fixture() {
	start_server "$1" preload IDLEFLUSH_STATS="$(dir_of "$1")/stats" "${@:2}" \
		"$PROGS/framing_server"
}

# All responses of all processes of the server, from the lines that they printed at their ends.
responses_of() {
	local line sum=0
	while read -r line; do
		line=${line#* responses=}
		sum=$((sum + ${line%% *}))
	done <"$(dir_of "$1")/stats"
	echo "$sum"
}

group_gone() {
	! kill -0 -- "-$1" 2>/dev/null
}

end_counted() {
	local pid=${COUNTED_PID[$1]}
	kill -"${2:-TERM}" "$pid"
	wait_until 20 gone "$pid"
	wait "$pid" || true
	wait_until 20 group_gone "$pid"
	unset "COUNTED_PID[$1]"
}

# For teardown: ends what count started, whether the test passed or not.
end_all_counted() {
	local name pid
	for name in "${!COUNTED_PID[@]}"; do
		pid=${COUNTED_PID[$name]}
		echo "--- $name: its stderr"
		tail -n 20 "$(dir_of "$name")/err"
		kill -TERM -- "-$pid" 2>/dev/null || true
		wait_until 5 group_gone "$pid" 2>/dev/null ||
			kill -KILL -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		unset "COUNTED_PID[$name]"
	done
}
