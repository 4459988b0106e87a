#!/usr/bin/env bats
# last_words.bats -- nothing is lost when a process dies, and it dies as it would have without us
# SPDX-License-Identifier: MIT
#
# Every way to die is run plain first. That run must lose lines, or the test proves nothing, and the
# run with the shim must have the same wait status. DEATHS=N makes more runs of each; see also
# tests/proofs/deaths.
# bats file_tags=core
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell, and sets stderr_lines

load helper

WATCH=$BUILD/tests/dying_watch
: "${DEATHS:=2}"

# Every other flush is turned off.
QUIET=(IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0)

FROM_OUTSIDE=wait:TERM,wait:INT,wait:HUP,wait:QUIT,wait:SEGV,wait:BUS,wait:FPE,wait:ILL,wait:ABRT,wait:SYS
RAISED=raise-term,raise-int,raise-hup,raise-quit,raise-segv,raise-bus,raise-fpe,raise-ill,raise-abrt,raise-sys,kill-term,kill-abrt
ONE_CRASH=segv,wild-segv,bus,fpe,ill,sys,overflow-altstack,abort
CRASHES=$ONE_CRASH,two-faults
ENDS=_exit,_Exit,quick_exit,quick_exit-printing
EXECS=execve,execv,execvp,execvpe,execl,execlp,execle,fexecve,execveat,failed-exec
EXITS=exit,two-exits # libc flushes by itself

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# watch plain|shim [OPTION...] SCENE WAY,WAY...: a line of figures for each way, in the file plain or
# shim; it is shown if the test fails.
watch() {
	local to=$1 library=()
	[ "$to" = plain ] || library=(--preload="$LIB")
	shift
	set -- --runs="$DEATHS" --after=2000 "${library[@]}" "$@"
	env "${QUIET[@]}" "$WATCH" "${@:1:$#-2}" --ways="${*: -1}" "$PROGS/dying" "${*: -2:1}" %WAY 10 500 >"$to"
	sed "s/^/$to /" "$to"
}

# Prints what is wrong in the file shim, compared with the file plain. In any case each way must have
# ended as it would have, and no run may have hung. Further conditions, by word:
#   whole    no line lost, doubled or torn; kept: none lost; seldom: none lost in nine runs of ten
#   control  every way lost lines without us; control:N: of a hundred ways N did
#   prompt   it took at most the bound of 250 ms longer; the fastest run counts, for machines are busy
#   core     the same signal, siginfo and instruction, and no register altered
wrong() {
	awk -v words=" $* " '
		function wants(word) { return index(words, " " word) > 0 }
		function complain(what) { print way, what; bad = 1 }
		function no_library(text) { gsub(/(0x)?7ff[0-9a-f]+/, "LIBRARY", text); return text }
		{ split("", it); for (i = 1; i <= NF; i++) { split($i, pair, "="); it[pair[1]] = pair[2] } }
		{ way = it["way"] }
		NR == FNR { for (name in it) plain[way, name] = it[name]; next }
		{
			ways++
			losers += plain[way, "lost"] > 0
			if (it["status"] != plain[way, "status"]) complain("status")
			if (it["workers"] != plain[way, "workers"]) complain("workers")
			if (it["survived"] != plain[way, "survived"]) complain("survived")
			if (it["hung"] > 0) complain("hung")
			if (wants("whole") && it["lost"] + it["twice"] + it["torn"] > 0) complain("lines")
			if (wants("kept") && it["lost"] > 0) complain("lost")
			if (wants("seldom") && it["runs_lost"] * 10 > it["runs"]) complain("lost")
			if (wants("prompt") && it["fastest_ms"] > plain[way, "slowest_ms"] + 250) complain("late")
			if (wants("core") && no_library(it["signals"]) != no_library(plain[way, "signals"])) complain("core")
			if (wants("core") && (it["altered"] > 0 || it["signals"] ~ /none/)) complain("core altered")
		}
		END {
			if (!ways) complain("no run")
			share = match(words, /control:[0-9]+/) ? substr(words, RSTART + 8, RLENGTH - 8) : 100
			if (wants("control") && losers * 100 < ways * share) complain("control: only " losers " of " ways)
		}' plain shim
}

# deaths WORDS [OPTION...] SCENE WAY,WAY...
deaths() {
	local words=$1
	shift
	watch plain "$@"
	watch shim "$@"
	# shellcheck disable=SC2086 # words
	assert_equal "$(wrong $words)" ''
}

@test "What was printed comes out, however the process dies" {
	deaths 'whole control' idle "$FROM_OUTSIDE,$RAISED,$CRASHES,$ENDS,$EXECS"
	deaths whole idle "$EXITS"
}

@test "What was printed under load comes out, whatever signal kills the process from outside" {
	deaths 'whole control:80' load "$FROM_OUTSIDE"
}

# In a signal handler, which may have interrupted printf; with musl we cannot know.
# bats test_tags=glibc
@test "What was printed under load comes out, however the process dies in a handler" {
	deaths 'kept control:80' load "$RAISED,$CRASHES,$ENDS"
	deaths whole load "$EXITS"
	# In a handler that interrupted printf: if the exec fails, the program must still have its lines.
	deaths '' load "$EXECS"
}

@test "A thread that is interrupted anywhere in its printing loses no line and prints none twice" {
	deaths whole busy "$FROM_OUTSIDE"
}

@test "What was printed comes out while other threads print, however the process dies" {
	# Without the shim the lines that are left in the buffer are few, and often none.
	deaths 'whole control:1' threads "$FROM_OUTSIDE,$RAISED,$CRASHES,$ENDS,$EXECS"
	# exit(3) flushes without locks, so libc itself prints lines twice there.
	deaths '' threads "$EXITS"
	# The second one may come to libc's flush while ours is at work: one run in a hundred crashed.
	DEATHS=200 deaths '' threads two-exits
}

# bats test_tags=glibc
@test "A thread that dies inside of printf, or with stdout's lock, leaves no line behind" {
	deaths 'whole control' printf "$FROM_OUTSIDE,$RAISED,$CRASHES,$ENDS"
	deaths whole printf "$EXITS"
	deaths 'whole control' lock "$FROM_OUTSIDE,$RAISED,$CRASHES,$ENDS,${EXECS%,failed-exec}"
	deaths whole lock "$EXITS"
}

# musl does not tell who holds a lock.
@test "With stdout's lock held a process dies the same way, at most the bound later" {
	deaths prompt lock wait:TERM,raise-term,segv,abort,_exit
}

@test "Each of four preforked workers leaves its lines, once" {
	deaths 'whole control' workers "$RAISED,$CRASHES,$ENDS,$EXECS"
	deaths 'whole control' --to=workers workers "$FROM_OUTSIDE"
	deaths 'whole control' --to=all workers wait:TERM,wait:INT,wait:QUIT
	deaths whole workers "$EXITS"
}

@test "With a stalled stdout a process dies the same way, at most the bound later" {
	deaths prompt --stall idle wait:TERM,wait:SEGV,raise-abrt,segv,two-faults,abort,_exit,quick_exit,execve
}

@test "The first process of a pid namespace survives a TERM, and neither that nor a KILL then loses a line" {
	unshare --pid --fork --kill-child true || skip "no new pid namespace here"
	deaths 'whole control' --pid1 idle wait:TERM,wait:INT,wait:HUP,wait:QUIT,wait:SEGV,wait:ABRT
	assert_equal "$(grep -c "survived=$DEATHS .*status=KILL\*$DEATHS " shim)" 6
	deaths whole --pid1 load wait:TERM,wait:INT
	deaths 'whole control' --pid1 workers raise-term,segv,abort,_exit
}

@test "The first process of a pid namespace dies of the other signals as it would without us" {
	unshare --pid --fork --kill-child true || skip "no new pid namespace here"
	deaths 'whole control' --pid1 idle "$CRASHES,$ENDS,$EXECS"
	# The process survives these, and exits.
	deaths whole --pid1 idle "${RAISED%%,kill-*},$EXITS"
}

# ptrace sees what a core would contain, on any machine. It watches one thread.
@test "A crash has the siginfo and the registers that it would have" {
	deaths 'whole control core' --trace idle "$ONE_CRASH,raise-segv,raise-abrt,kill-abrt,raise-quit"
}

# core_of NAME COMMAND...: the faulting address, the instruction and the siginfo, from the core file.
core_of() {
	local name=$1
	shift
	mkdir "$name"
	(
		cd "$name" || exit
		ulimit -c unlimited
		setarch -R "$@" >out || true
	)
	# shellcheck disable=SC2016 # gdb's variables
	gdb -nx -batch -ex 'printf "%d %d %p\n", $_siginfo.si_signo, $_siginfo.si_code, $_siginfo._sifields._sigfault.si_addr' \
		-ex 'printf "%p\n", $pc' -ex 'x/i $pc' "$PROGS/dying" "$name"/core* 2>/dev/null |
		grep -v '^\[\|^Core\|^Program\|^#'
}

# bats test_tags=glibc
@test "A crash leaves the core that it would have left" {
	[[ $(cat /proc/sys/kernel/core_pattern) == core* ]] || skip "cores go elsewhere here"
	core_of "plain" "$PROGS/dying" idle segv >plain.core
	core_of "shim" env LD_PRELOAD="$LIB" "${QUIET[@]}" "$PROGS/dying" idle segv >shim.core
	assert [ -s plain.core ]
	assert_equal "$(cat shim.core)" "$(cat plain.core)"
	assert_equal "$(cat plain/out)" ''
	assert_equal "$(grep -c . shim/out)" 10
}

@test "A process on a full stack, where no handler can run, dies as without us" {
	deaths '' idle overflow
}

@test "Exit from a signal handler that may have come in the middle of printf never hangs" {
	DEATHS=30
	deaths '' busy exit,_exit,quick_exit,abort
	refute grep -vE ' status=(exit:7|ABRT)\*30 ' shim
}

# bats test_tags=glibc
@test "An end in a signal handler that may have come in the middle of printf hardly ever loses a line" {
	DEATHS=30
	# If the signal comes just before or after the write of a full buffer, or while that waits, the
	# buffer may be lost: twice in a thousand runs, but 6 % if the reader is so slow that each write
	# waits. So no write waits here. Plain, more than half of the runs lose lines.
	deaths 'seldom control:60' --wide busy _exit,quick_exit,abort
}

# at_the_edge begin|end ACT: by a library that is initialized before ours and ends after it.
at_the_edge() {
	local to library
	for to in plain shim; do
		library=$PWD/edge.so
		[ "$to" = plain ] || library=$LIB:$PWD/edge.so
		status=0
		EDGE=$1 EDGE_ACT=$2 timeout -s KILL 20 env "${QUIET[@]}" LD_PRELOAD="$library" \
			"$PROGS/steps" >"$to.out" 2>"$to.err" </dev/null || status=$?
		echo "status $status" >>"$to.err"
	done
	echo "$1 $2"
	cmp plain.err shim.err
}

# bats test_tags=glibc
@test "Before our constructor and after our destructor a process dies as without us" {
	local act
	cc -D_GNU_SOURCE -O2 -shared -fPIC -o edge.so "$ROOT/tests/fixtures/lib/edge.c"
	for act in _exit exit raise segv abort exec signals vfork; do
		at_the_edge begin "$act"
		at_the_edge end "$act"
	done
	# The control: that library does run before ours, and after it.
	run -0 --separate-stderr env --default-signal EDGE=begin EDGE_ACT=signals IDLEFLUSH_DEBUG=1 \
		LD_PRELOAD="$LIB:$PWD/edge.so" "$PROGS/steps"
	assert_equal "${stderr_lines[*]}" 'handled idleflush: awake'
	run -0 --separate-stderr env --default-signal EDGE=end EDGE_ACT=signals IDLEFLUSH_STATS=1 \
		LD_PRELOAD="$LIB:$PWD/edge.so" "$PROGS/steps"
	assert_equal "${stderr_lines[1]}" handled
}

# The more it holds, the longer is libc's flush, and the more is lost, and comes twice, if other
# threads go on printing.
# bats test_tags=glibc
@test "When libc flushes at exit without locks, stdout has a buffer of libc's size again" {
	cc -D_GNU_SOURCE -O2 -shared -fPIC -o edge.so "$ROOT/tests/fixtures/lib/edge.c"
	# The control: initialized after ours, it sees our buffer.
	env "${QUIET[@]}" EDGE=begin EDGE_ACT=size LD_PRELOAD="$PWD/edge.so:$LIB" "$PROGS/steps" lines=2 2>begin | cat
	assert_equal "$(cat begin)" "$((64 * 1024))"
	env "${QUIET[@]}" EDGE=end EDGE_ACT=size LD_PRELOAD="$LIB:$PWD/edge.so" "$PROGS/steps" lines=2 2>end | cat
	assert_equal "$(cat end)" 4096
}

@test "With stdout closed, or on a terminal, a process dies the same way at once" {
	local way status lib
	for way in raise-term segv abort _exit execve; do
		for lib in '' "$LIB"; do
			status=0
			timeout -s KILL 20 env "${QUIET[@]}" ${lib:+LD_PRELOAD="$lib"} "$PROGS/dying" idle $way >&- 2>/dev/null || status=$?
			echo "$way ${lib:+shim} $status" | tee -a closed
			status=0
			timeout -s KILL 20 env "${QUIET[@]}" ${lib:+LD_PRELOAD="$lib"} "$PROGS/dying" idle $way >/dev/full 2>/dev/null || status=$?
			echo "$way ${lib:+shim} $status" | tee -a closed
		done
	done
	assert_equal "$(sed -n 's/ shim//p' closed)" "$(sed '/shim/d; s/  / /' closed)"
}

# odd plain|shim SCENE: its output and status are in $output and $status.
odd() {
	local library=()
	[ "$1" = plain ] || library=(LD_PRELOAD="$LIB")
	run timeout -s KILL 20 env --default-signal=INT,QUIT "${QUIET[@]}" "${library[@]}" \
		"$PROGS/dying_odd" "$2" 2>/dev/null
}

# assert_odd STATUS SCENE...: plain nothing comes out, with us the pending line; both end alike.
assert_odd() {
	local status_wanted=$1 scene
	shift
	for scene; do
		echo "scene $scene"
		odd plain "$scene"
		assert_equal "$status" "$status_wanted"
		assert_output ''
		odd shim "$scene"
		assert_equal "$status" "$status_wanted"
		assert_output pending
	done
}

# If libc does not tell who holds a lock, any thread may hold it, and goes on.
# bats test_tags=glibc
@test "A signal cuts no call short while its process is about to die" {
	odd plain sleeping
	assert_equal "$status" 143
	odd shim sleeping
	assert_equal "$status" 143
	refute_output --partial 'went on'
}

# bats test_tags=glibc
@test "A thread that must finish its printing before the process dies gets no further than that" {
	assert_odd 143 then__exit then_exit then_exec then_fault then_handler then_ignore then_block
}

# bats test_tags=glibc
@test "Of two signals at once the first counts" {
	assert_odd 129 twice at_once
}

@test "A vfork child, however it ends, flushes no byte of its parent and damages nothing" {
	local scene plain
	for scene in _exit _Exit exec execl no_exec term segv default; do
		odd plain "vfork_$scene"
		assert_equal "$status" 0
		assert_equal "$(grep -c parent <<<"$output")" 1
		plain=$output
		odd shim "vfork_$scene"
		assert_equal "$status" 0
		assert_equal "$output" "$plain"
	done
}

# inherited plain|shim SCENE: how often the line of the parent came out.
inherited() {
	local library=()
	[ "$1" = plain ] || library=(LD_PRELOAD="$LIB")
	mkfifo pipe
	{ timeout -s KILL 20 env "${QUIET[@]}" "${library[@]}" "$PROGS/dying_odd" "inherited_$2" >pipe 2>err.pipe; } 3>&- &
	sed 's/#//g' <pipe | grep -c parent
	wait $!
	rm pipe
}

@test "A forked child never flushes its copy of its parent's bytes" {
	local scene
	# The control: the child has a copy, as libc's own flush shows.
	assert_equal "$(inherited plain exit)" 2
	for scene in _exit exec term; do
		assert_equal "$(inherited shim "$scene")" 1
	done
}
