#!/usr/bin/env bats
# python.bats -- Python's own buffers: servers whose lines neither stdbuf nor fflush reaches
# SPDX-License-Identifier: MIT
#
# Debian's servers on Debian's Python, unmodified. The defect is shown without the shim first, and that
# `stdbuf -oL` does not help. Proofs that take long are in tests/proofs/python.

load helper

PYTHON=${PYTHON:-/usr/bin/python3} # others: only what needs no package
APPS=$ROOT/tests/fixtures/python
SERVE=("$PYTHON" -B "$APPS/serve.py")
SHIM=(env "LD_PRELOAD=$LIB") # unlike preload, the command in the background is the program itself
SIGNALLED=(flask http.server wsgiref waitress tornado) # they die of SIGTERM
GRACEFUL=(gunicorn-sync gunicorn-gthread uvicorn uvicorn-workers)
# Every flush but the last one, at the end, is turned off.
OFF=(IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0)

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	touch ticks.go os.fork.go fork.go spawn.go forkserver.go
	if [ -n "${STDIN-}" ]; then
		exec {STDIN}>&- || true
	fi
	stop_all
}

# ask NAME PATH: prints the body of the response.
ask() {
	curl -sS --max-time 20 "http://127.0.0.1:$(port_of "$1")/$2"
}

count_of() {
	lines_of "$1" | grep -c "^$2\( \|\$\)"
}

# has_lines NAME TEXT COUNT: have COUNT lines that begin with TEXT arrived?
has_lines() {
	[ "$(count_of "$1" "$2")" = "$3" ]
}

# has_text FILE TEXT: is there such a line?
has_text() {
	grep -qx "$2" "$1"
}

# late COMMAND KIND...: one request to each is answered, and its line does not arrive.
late() {
	local kind how=$1
	shift
	for kind in "$@"; do
		# shellcheck disable=SC2086 # none, or the words of stdbuf
		start_server "$kind" $how "${SERVE[@]}" "$kind"
		request "$(port_of "$kind")" 1
	done
	refute wait_until 2 any_arrived "$@"
}

# fresh KIND: the lines of two requests arrive, the second after a quiet time, each once, and not by
# the heartbeat.
fresh() {
	local id
	start_server "$1" preload IDLEFLUSH_HEARTBEAT=0 "${SERVE[@]}" "$1"
	for id in 1 2; do
		request "$(port_of "$1")" "$id"
		wait_until 5 arrived "$1" "$id"
	done
	assert_equal "$(count_of "$1" req)" 2
}

# The program's stdin stays open until end_of_input.
start_program() {
	local name=$1
	shift
	mkfifo "$name.in"
	"$@" <"$name.in" >"$name.out" 2>"$name.err" 3>&- &
	PROGRAM=$!
	exec {STDIN}>"$name.in"
}

end_of_input() {
	exec {STDIN}>&-
	STDIN=
	wait "$PROGRAM"
}

# --- without the shim -----------------------------------------------------------------------

@test "Without the shim, lines of Python servers do not arrive" {
	late '' "${SIGNALLED[@]}" "${GRACEFUL[@]}"
	# Servers that die of the signal lose their lines; the others print them at their end.
	for kind in "${SIGNALLED[@]}"; do
		stop_server "$kind"
		refute arrived "$kind" 1
	done
	stop_server uvicorn
	arrived uvicorn 1
}

@test "stdbuf -oL does not help a Python server" {
	late 'stdbuf -oL' "${SIGNALLED[@]}" "${GRACEFUL[@]}"
}

# --- with it --------------------------------------------------------------------------------

@test "Flask's development server has fresh lines" {
	fresh flask
}

@test "http.server and wsgiref have fresh lines" {
	fresh http.server
	fresh wsgiref
}

@test "waitress and tornado have fresh lines" {
	fresh waitress
	fresh tornado
}

@test "gunicorn's sync workers have fresh lines" {
	fresh gunicorn-sync
}

@test "gunicorn's gthread workers have fresh lines" {
	fresh gunicorn-gthread
}

@test "uvicorn has fresh lines" {
	fresh uvicorn
}

@test "uvicorn's workers have fresh lines" {
	fresh uvicorn-workers
}

# prints LINE FILE: is that a line of the file?
prints() {
	grep -qx "$1" "$2"
}

@test "A lone line from before a wait or a sleep comes before the idle time is over" {
	local late=(IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=1h IDLEFLUSH_HEARTBEAT=0)
	start_server wsgiref preload "${late[@]}" "${SERVE[@]}" wsgiref
	request "$(port_of wsgiref)" 1
	wait_until 5 arrived wsgiref 1
	preload "${late[@]}" "$PYTHON" "$APPS/ticks.py" | cat >ticks 3>&- &
	wait_until 5 prints tick ticks
	touch ticks.go
	wait $!
}

@test "What is printed at the start arrives before any request, once from each worker" {
	local kind
	for kind in http.server gunicorn-sync uvicorn uvicorn-workers; do
		start_server "$kind" preload IDLEFLUSH_HEARTBEAT=0 "${SERVE[@]}" "$kind"
	done
	wait_until 5 arrived_text http.server hello
	wait_until 5 arrived_text uvicorn startup
	wait_until 5 has_lines gunicorn-sync hello 2
	wait_until 5 has_lines uvicorn-workers startup 2
	# And each comes from a process of its own.
	assert_equal "$(lines_of uvicorn-workers | grep '^startup' | sort -u -k3,3 | wc -l)" 2
}

@test "What an app prints while it predicts arrives before it has answered" {
	local kind asking
	for kind in flask gunicorn-sync gunicorn-gthread uvicorn; do
		start_server "$kind" preload "${SERVE[@]}" "$kind"
		ask "$kind" predict/1 >"$kind.answer" 3>&- &
		asking=$!
		wait_until 5 arrived_text "$kind" "predict 1 begins"
		wait "$asking"
		assert_equal "$(cat "$kind.answer")" xxxxxxxxxxxx
		wait_until 5 arrived_text "$kind" "predict 1 ends"
	done
}

@test "What is printed after the response was sent, and between its parts, arrives" {
	start_server uvicorn preload IDLEFLUSH_HEARTBEAT=0 "${SERVE[@]}" uvicorn
	ask uvicorn later/1
	wait_until 5 arrived_text uvicorn "later 1"
	ask uvicorn stream/2 >/dev/null
	wait_until 5 arrived_text uvicorn "streamed 2"
	start_server gunicorn-sync preload IDLEFLUSH_HEARTBEAT=0 "${SERVE[@]}" gunicorn-sync
	ask gunicorn-sync stream/3 >/dev/null
	wait_until 5 arrived_text gunicorn-sync "streamed 3"
	assert_equal "$(count_of gunicorn-sync part)" 3
}

# --- the end --------------------------------------------------------------------------------

@test "The last lines of a server that stops by itself are out, also those of its handlers and atexit functions" {
	local kind
	for kind in "${GRACEFUL[@]}"; do
		start_server "$kind" preload "${OFF[@]}" "${SERVE[@]}" "$kind"
		request "$(port_of "$kind")" 1
	done
	for kind in "${GRACEFUL[@]}"; do
		stop_server "$kind"
		assert_equal "$SERVER_STATUS" 0
		assert_equal "$(count_of "$kind" 'req 1')" 1
		arrived_text "$kind" bye
	done
}

@test "The last lines of a server that dies of SIGTERM are out, and it still dies of it" {
	local kind
	for kind in "${SIGNALLED[@]}"; do
		start_server "$kind" preload "${OFF[@]}" "${SERVE[@]}" "$kind"
		request "$(port_of "$kind")" 1
		stop_server "$kind"
		assert_equal "$SERVER_STATUS" $((128 + 15))
		assert_equal "$(count_of "$kind" 'req 1')" 1
	done
}

printed() {
	[ "$(od -An -td8 "$1")" -gt "$2" ] 2>/dev/null
}

@test "A program that prints all the time loses no line when it is terminated" {
	local round program reader arrived
	for round in 1 2 3; do
		: >count
		mkfifo "pipe.$round"
		cat "pipe.$round" >out 3>&- &
		reader=$!
		"${SHIM[@]}" "${OFF[@]}" "$PYTHON" "$APPS/endless.py" count >"pipe.$round" 2>err 3>&- &
		program=$!
		wait_until 10 printed count 5000
		kill -TERM "$program"
		wait "$program" || true
		wait "$reader"
		arrived=$(grep -x 'line [0-9][0-9]*' out | tail -n 1)
		assert [ "${arrived#line }" -ge "$(od -An -td8 count)" ]
	done
}

@test "A program that ends itself by a signal loses no line" {
	# As uvicorn since 0.29 does once it has shut down. Without the shim: nothing is printed.
	local program='
import signal
print("bye")
signal.raise_signal(signal.SIGTERM)'
	run -143 "$PYTHON" -c "$program"
	assert_output ''
	run -143 preload "${OFF[@]}" "$PYTHON" -c "$program"
	assert_output bye
}

@test "os._exit and os.exec lose no line" {
	run -0 preload "${OFF[@]}" "$PYTHON" -c 'import os; print("one"); os._exit(0)'
	assert_output one
	run -0 preload "${OFF[@]}" "$PYTHON" -c '
import os
print("one")
try:
    os.execv("/nowhere", ["x"])
except OSError:
    print("two")
os.execv("/bin/echo", ["echo", "three"])'
	assert_output $'one\ntwo\nthree'
	# Without the shim: the first prints nothing.
	run -0 "$PYTHON" -c 'import os; print("one"); os._exit(0)'
	assert_output ''
}

@test "A program that ends as soon as the interpreter is up loses no line" {
	# The main thread makes no pending call: our hooks are not in Python yet.
	local program='import posix; print("one"); posix._exit(0)'
	local other='import posix; print("one"); posix.execv("/bin/echo", ["echo", "two"])'
	run -0 "$PYTHON" -S -E -c "$program"
	assert_output ''
	run -0 preload "${OFF[@]}" "$PYTHON" -S -E -c "$program"
	assert_output one
	run -0 "$PYTHON" -S -E -c "$other"
	assert_output two
	run -0 preload "${OFF[@]}" "$PYTHON" -S -E -c "$other"
	assert_output $'one\ntwo'
}

@test "Short programs end as usual, wherever our thread is" {
	local round
	for ((round = 0; round < 40; round++)); do
		run -0 timeout 10 env LD_PRELOAD="$LIB" "$PYTHON" -S -c "
for i in range($round * 500): pass
print('line')"
		assert_output line
	done
}

# --- processes ------------------------------------------------------------------------------

# once FILE: no line of it is there twice.
once() {
	run -0 uniq -d <(sort "$1")
	assert_output ''
}

workers_began() {
	[ "$(grep -c '^worker [0-2]$' "$1")" = 3 ]
}

# Before 3.9 an import of ours could come into one of the program's: PYTHON=python3.8 RUNS=2000.
@test "A start fails at no import, wherever our thread is" {
	local start
	for ((start = 0; start < ${RUNS:-20}; start++)); do
		run -0 timeout 20 env LD_PRELOAD="$LIB" "$PYTHON" -c 'import argparse, json, socket'
		assert_output ''
	done
}

@test "Each process of os.fork and multiprocessing has fresh lines, each line once" {
	local method methods=(os.fork fork spawn forkserver) pids=()
	for method in "${methods[@]}"; do
		"${SHIM[@]}" "$PYTHON" "$APPS/workers.py" "$method" 3 "$method.go" >"$method.out" 3>&- &
		pids+=($!)
	done
	for method in "${methods[@]}"; do
		wait_until 10 workers_began "$method.out"
		touch "$method.go"
	done
	wait "${pids[@]}"
	for method in "${methods[@]}"; do
		assert_equal "$(grep -c 'ends$' "$method.out")" 4
		once "$method.out"
	done
}

@test "Without the shim, lines from before a fork come from each worker" {
	"$PYTHON" "$APPS/workers.py" storm 5 >plain
	assert [ "$(wc -l <plain)" -gt 20 ]
}

@test "Many forks at once come to an end, and each line comes out once" {
	timeout 100 env LD_PRELOAD="$LIB" "$PYTHON" "$APPS/workers.py" storm 300 >out
	assert_equal "$(wc -l <out)" 601
	once out
}

# Debian 12 has 3.11.
python_that_counts_threads() {
	local python
	for python in "$PYTHON" python3.14 python3.13 python3.12 ~/.pyenv/versions/3.1[2-9]*/bin/python3; do
		if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
			echo "$python"
			return
		fi
	done
	return 1
}

@test "A Python that warns of threads at a fork warns only of the program's own threads" {
	local python forks='
import os, threading
def fork():
    if not os.fork(): os._exit(0)
    os.wait()
fork()
print("no thread yet")
threading.Thread(target=threading.Event().wait, daemon=True).start()
fork()'
	python=$(python_that_counts_threads) || skip "no Python since 3.12 is here"
	for shim in A=b LD_PRELOAD="$LIB"; do
		run -0 env "$shim" "$python" -u -c "$forks"
		assert_line --index 0 'no thread yet'
		assert_line --index 1 --partial 'is multi-threaded'
	done
}

# --- what programs do to sys.stdout ---------------------------------------------------------

@test "A replaced sys.stdout is respected, and the real one is fresh beneath it" {
	local kind
	for kind in plain none logger raising slow closed deleted odd-fileno; do
		start_program "$kind" "${SHIM[@]}" "$PYTHON" "$APPS/stdouts.py" "$kind"
		wait_until 10 has_text "$kind.out" hello
		end_of_input
		assert_equal "$(cat "$kind.out")" $'before\nhello\nthe end'
		assert_equal "$(cat "$kind.err")" ''
	done
}

@test "A replaced sys.stdout whose flush sleeps delays neither a fork nor the end" {
	local before
	before=$(now_us)
	run -0 timeout 20 env LD_PRELOAD="$LIB" "$PYTHON" -c '
import os, sys, time, select
from threading import current_thread, main_thread
class Slow:
    def write(self, text): sys.__stdout__.write(text)
    def flush(self):
        if current_thread() is not main_thread():
            open("flushing", "w").close()
            time.sleep(30)
sys.stdout = Slow()
print("line")
while not os.path.exists("flushing"): select.select([], [], [], 0.01)
for i in range(5):
    if not os.fork(): os._exit(0)
    os.wait()'
	assert [ $(($(now_us) - before)) -lt 8000000 ]
	assert_output line
}

@test "pytest captures what it captures without the shim" {
	run -0 timeout 20 env LD_PRELOAD="$LIB" "$PYTHON" -c '
import contextlib, io, select, sys
kept = io.StringIO()
with contextlib.redirect_stdout(kept):
    print("caught")
    select.select([], [], [], 0.1)
assert kept.getvalue() == "caught\n"
print("not caught")'
	assert_output 'not caught'
}

# --- the GIL --------------------------------------------------------------------------------

@test "A thread that keeps the GIL for seconds delays Python's lines only" {
	local program
	"${SHIM[@]}" "$PYTHON" "$APPS/hog.py" >out 2>err 3>&- &
	program=$!
	wait_until 10 has_text out 'from libc'
	refute has_text err hogged
	refute has_text out 'from python'
	wait "$program"
	has_text err hogged
	has_text out 'from python'
}

@test "What a program printed before it reads comes with the heartbeat, whatever ran at its start" {
	local pids=()
	printf '%s\n' 'import socket, time' 'one, other = socket.socketpair()' 'time.sleep(0.1)' \
		'print("line")' 'one.recv(1)' >reads.py
	timeout -s KILL 60 "$PYTHON" reads.py >plain 3>&- &
	pids+=($!)
	timeout -s KILL 60 "${SHIM[@]}" "$PYTHON" reads.py >shim 3>&- &
	pids+=($!)
	wait_until 20 has_text shim line
	refute has_text plain line
	kill "${pids[@]}"
}

# From CPython 3.9 to 3.11, where a thread was made, which may be faulthandler's, it takes some seconds.
@test "What a program printed before it computes without ever waiting comes while it does so" {
	local pids=()
	cat >computes.py <<-'END'
		import sys, threading, time
		if sys.argv[1:]:
		    threading.Thread(target=threading.Event().wait, daemon=True).start()
		print("line")
		end = time.monotonic() + 60
		while time.monotonic() < end:
		    pass
	END
	"$PYTHON" computes.py >plain 3>&- &
	pids+=($!)
	"${SHIM[@]}" IDLEFLUSH_HEARTBEAT=20ms "$PYTHON" computes.py thread >threaded 3>&- &
	pids+=($!)
	"${SHIM[@]}" IDLEFLUSH_HEARTBEAT=20ms "$PYTHON" computes.py >shim 3>&- &
	pids+=($!)
	wait_until 50 has_text shim line
	wait_until 50 has_text threaded line
	refute has_text plain line
	kill -KILL "${pids[@]}"
	wait "${pids[@]}" 2>/dev/null || true
}

switches_of() {
	sed -n 's/^voluntary_ctxt_switches:\s*//p' "$1/status"
}

@test "A sleeping interpreter is left alone" {
	local task before beats
	start_program sleeping "${SHIM[@]}" "$PYTHON" -c 'import sys; print("line"); sys.stdin.read()'
	wait_until 10 has_text sleeping.out line
	for task in /proc/"$PROGRAM"/task/*; do
		! grep -qx idleflush-py "$task/comm" || break
	done
	assert_equal "$(cat "$task/comm")" idleflush-py
	before=$(switches_of "$task")
	beats=$(reported "$PROGRAM" heartbeats)
	wait_until 20 reported_at_least "$PROGRAM" heartbeats $((beats + 3))
	# One flush may come for what it did before.
	assert [ "$(switches_of "$task")" -le $((before + 1)) ]
	end_of_input
}

@test "A program whose streams have no buffer is checked once a second at most" {
	local visits
	start_server unbuffered preload PYTHONUNBUFFERED=1 "${SERVE[@]}" http.server
	"$PROGS/load" --port="$(port_of unbuffered)" --rate=100 --count=200 >load
	visits=$(switches_of "$(grep -lx idleflush-py /proc/"$(pid_of unbuffered)"/task/*/comm | xargs dirname)")
	# When it starts it waits for the interpreter, a millisecond at a time.
	assert [ "$visits" -lt 120 ]
}

@test "The interpreter's queue of pending calls is left to the program where nobody empties it" {
	start_server waits preload "$PYTHON" -B "$APPS/main_waits.py"
	run -0 "$PROGS/load" --port="$(port_of waits)" --connections=1 --rate=400 --count=1200
	wait_until 5 arrived waits 1200
	# The queue has 31 places. The response body says how many were free.
	assert [ "$(ask waits queue/0)" -ge 30 ]
}

@test "A stalled collector does not stop a Python server, and gets every line later" {
	local name
	# shellcheck disable=SC2034 # start_server reads it
	READER=(--stall)
	# Fewer lines than would block a plain server, too: 64 KiB of pipe, and its own buffers.
	for name in plain preload; do
		start_server "$name" "${name/plain/env}" "${SERVE[@]}" uvicorn
		run -0 "$PROGS/load" --port="$(port_of "$name")" --rate=1000 --count=1500
		refute arrived "$name" 1
	done
	kill -USR1 "${READER_PID[preload]}"
	wait_until 10 has_lines preload req 1500
}

# --- embedded -------------------------------------------------------------------------------

libpython() {
	find /usr/lib -name 'libpython3*.so.1.0' | head -n 1
}

@test "An interpreter that a program loads late is found, also when it is loaded a second time" {
	start_program embed "${SHIM[@]}" "$PROGS/embed" "$(libpython)"
	wait_until 10 has_text embed.out first
	refute has_text embed.out ending
	echo >&"$STDIN"
	wait_until 10 has_text embed.out second
	echo >&"$STDIN"
	end_of_input
	assert_equal "$(cat embed.out)" $'first\nending\nsecond\nending'
}

@test "Without the shim, an embedded interpreter's line does not arrive" {
	start_program embed "$PROGS/embed" "$(libpython)"
	refute wait_until 4 has_text embed.out first
	echo >&"$STDIN"
	echo >&"$STDIN"
	end_of_input
}

# In CPython 3.12 and later nobody can see who has the GIL.
@test "No thread state of ours is in the traceback of a crash, nor of a watchdog while C code keeps the GIL" {
	local _
	cat >watched.py <<-'END'
		import faulthandler
		print("line")
		faulthandler.dump_traceback_later(0.1)
		sum(range(80_000_000)) # keeps the GIL
		faulthandler._sigsegv()
	END
	for _ in {1..3}; do
		run timeout 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=20ms /usr/bin/python3 -X faulthandler watched.py
		assert_equal "$status" 139
		assert_line --partial 'Timeout'
		assert_line --partial 'Fatal Python error: Segmentation fault'
		refute_output --partial 'no Python frame'
	done
	for _ in {1..10}; do
		run timeout 20 env LD_PRELOAD="$LIB" /usr/bin/python3 -X faulthandler -c 'import faulthandler; faulthandler._sigsegv()'
		refute_output --partial 'no Python frame'
	done
}
