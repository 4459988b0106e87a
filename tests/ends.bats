#!/usr/bin/env bats
# ends.bats -- a process ends when it would without us
# SPDX-License-Identifier: MIT

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# The heartbeat, at which our thread looks in any case, never comes here.
@test "A process whose main thread has ended ends with its last thread" {
	local lib word program
	for program in $(builds_of leader); do
		for lib in '' "$LIB"; do
			for word in pthread c11; do
				run -0 timeout -s KILL 20 env IDLEFLUSH_HEARTBEAT=1h ${lib:+LD_PRELOAD="$lib"} "$program" $word
				assert_output "worker ends"
			done
		done
	done
}

@test "What a thread of libc's own prints after the main thread has ended is not lost at _exit" {
	local program
	for program in $(builds_of leader); do
		run -0 timeout -s KILL 20 "$program" aio
		assert_output ''
		run -0 timeout -s KILL 20 env LD_PRELOAD="$LIB" "$program" aio
		assert_output "worker ends"
	done
}

# libc's flush at exit takes no locks: our thread must not be at work in its own, for whichever end.
@test "Where one thread exits while the main thread ends, a line comes once" {
	local program
	for program in $(builds_of leader); do
		for _ in {1..200}; do
			timeout -s KILL 20 env LD_PRELOAD="$LIB" "$program" exit || echo "status $?"
		done | sort | uniq -c >lines
		assert_equal "$(awk '{ $1 = $1; print }' lines)" '200 worker ends'
	done
}

# The heartbeat, at which our thread finds itself alone, never comes here.
@test "A process whose only thread ends by itself ends at once, and with the same status" {
	local program way
	for program in $(builds_of alone); do
		run -7 timeout -s KILL 20 "$program" exit
		assert_output ''
		run -7 timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=1h "$program" exit
		assert_output line
		for way in pthread_exit thrd_exit; do
			run -0 timeout -s KILL 20 "$program" $way
			assert_output $'line\nbye'
			run -0 timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=1h "$program" $way
			assert_output $'line\nbye'
		done
	done
}

# We do not see that it ends; our thread finds out at a heartbeat.
@test "A process whose only thread cancels itself loses nothing" {
	local program
	for program in $(builds_of alone); do
		run -0 timeout -s KILL 20 "$program" cancel
		assert_output $'line\nbye'
		run -0 timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms "$program" cancel
		assert_output $'line\nbye'
	done
}

# An idle process has fewer of them: 5 in these three seconds.
@test "Where the main thread has ended, our thread looks at each heartbeat whether others are left" {
	run -0 timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=100ms IDLEFLUSH_STATS="$BATS_TEST_TMPDIR/stats" "$PROGS/leader" late
	assert_output "worker ends"
	run -0 grep -oE ' heartbeats=[0-9]+' "$BATS_TEST_TMPDIR/stats"
	assert [ "${output#*=}" -ge 10 ]
}

# The program hangs in libc itself as soon as there is a second thread, whosever it is.
@test "With --start=threads no program hangs in the locks of its libc" {
	local programs scene expected
	for programs in tests musl; do
		[ -x "$BUILD/$programs/locks" ] || continue
		for scene in abort corrupt malloc atfork; do
			expected=0
			timeout -s KILL 20 "$BUILD/$programs/locks" $scene 2>/dev/null || expected=$?
			assert [ "$expected" -lt 124 ]
			run timeout -s KILL 20 env LD_PRELOAD="$LIB" IDLEFLUSH_START=threads "$BUILD/$programs/locks" $scene
			assert_equal "$status" "$expected"
		done
	done
	# The control: otherwise one does.
	run -137 timeout -s KILL 2 env LD_PRELOAD="$LIB" "$PROGS/locks" abort
}

@test "A Python process that was forked by a thread other than the main thread ends as usual" {
	local lib
	cat >"$BATS_TEST_TMPDIR/forked.py" <<-'END'
		import os, threading
		def fork():
		    child = os.fork()
		    if child == 0:
		        print("child", flush=True)
		    else:
		        print("status", os.waitpid(child, 0)[1], flush=True)
		thread = threading.Thread(target=fork)
		thread.start()
		thread.join()
	END
	for lib in '' "$LIB"; do
		run -0 timeout 40 env ${lib:+LD_PRELOAD="$lib"} /usr/bin/python3 "$BATS_TEST_TMPDIR/forked.py"
		assert_output $'child\nstatus 0'
	done
}
