#!/usr/bin/env bats
# programs.bats -- programs of Debian: what --check says of them, and what happens
# SPDX-License-Identifier: MIT

load helper

# A few rows of tests/proofs/programs.txt; `make check-programs` tries all of them.
@test "What --check says of programs of Debian is what happens to their lines" {
	run timeout 100 "$ROOT/tests/proofs/programs" --build="$BUILD" cut tee tail mawk own-script
	assert_success
	assert_line --regexp '^it-works +held +fresh +it-works +cut '
	assert_line --regexp '^it-will-not +held +held .* mawk '
	assert_line --regexp '^not-needed +fresh +fresh .* tee '
}

@test "A verdict that is not what happens is found" {
	cd "$BATS_TEST_TMPDIR"
	sed 's/^it-will-not  held   held\(.* mawk .*\)/it-works     held   fresh\1/' \
		"$ROOT/tests/proofs/programs.txt" >table
	TABLE=$PWD/table run timeout 60 "$ROOT/tests/proofs/programs" --build="$BUILD" mawk
	assert_failure 1
	assert_line --partial 'in the table it is:    it-works held fresh'
}
