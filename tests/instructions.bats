#!/usr/bin/env bats
# The cost of a wrapper in instructions: the same on every run, so any change shows.

load helper

@test "No call takes more instructions through the shim than it did" {
	local status=0
	"$ROOT/tests/bench/instructions" >"$BATS_TEST_TMPDIR/said" 2>&1 || status=$?
	cat "$BATS_TEST_TMPDIR/said"
	[ "$status" != 77 ] || skip "$(tail -n 1 "$BATS_TEST_TMPDIR/said")"
	assert_equal "$status" 0
}
