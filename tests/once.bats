#!/usr/bin/env bats
# once.bats -- a line that libc may have written already does not come a second time
# SPDX-License-Identifier: MIT
#
# Whoever waits for a line and then stops the server does so within microseconds of libc's write,
# when libc has not noted yet that the bytes are out. ONCE=N makes more processes of each kind; see
# also tests/proofs/deaths.
# bats file_tags=core

load helper

: "${ONCE:=20}"

# once WORD... BY PRINTS END: of ONCE processes none lost a line or had one twice. WORDs are settings.
once() {
	run -0 timeout $((20 + ONCE / 10)) env LD_PRELOAD="$LIB" "${@:1:$#-3}" \
		"$PROGS/once" "$ONCE" "${@: -3}"
	echo "${*: -3}"
	assert_output "rounds $ONCE lost 0 twice 0 other 0"
}

# once_each PRINTS...: those, by fork and by exec, with each end.
once_each() {
	local by prints end
	for by in fork exec; do
		for prints in "$@"; do
			for end in term exit raise; do
				once "$by" "$prints" "$end"
			done
		done
	done
}

@test "A line that is lost or comes twice is found" {
	run -0 "$PROGS/once" 5 exec pending term
	assert_output 'rounds 5 lost 5 twice 0 other 0'
	run -0 "$PROGS/once" 5 fork twice exit
	assert_output 'rounds 5 lost 0 twice 5 other 0'
}

@test "A line that was flushed comes once, however a signal ends the process right afterwards" {
	once_each flush line
}

@test "Lines that are flushed all the time come once, wherever a signal ends the process" {
	once_each busy-flush busy-line
}

@test "A line that was flushed comes once where our thread starts later" {
	local start end
	for start in server threads; do
		for end in term exit raise; do
			once IDLEFLUSH_START=$start exec flush "$end"
			once IDLEFLUSH_START=$start exec busy-line "$end"
		done
	done
}

@test "A line that is pending when a signal ends the process comes, once" {
	local by end
	for by in fork exec; do
		for end in term exit raise; do
			once IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0 "$by" pending "$end"
		done
	done
}
