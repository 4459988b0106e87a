#!/usr/bin/env bats
# cxx.bats -- cout of C++ programs that take their streams off C stdio
# SPDX-License-Identifier: MIT

load helper

setup_file() {
	local here=$ROOT/tests/fixtures/cxx
	export WORK=$BATS_FILE_TMPDIR
	g++ -O2 -pie -fPIE -o "$WORK/pie" "$here/unsync.cc"
	g++ -O2 -no-pie -o "$WORK/no-pie" "$here/unsync.cc"
	g++ -O2 -DEARLY -o "$WORK/early" "$here/unsync.cc"
	g++ -O2 -static-libstdc++ -static-libgcc -o "$WORK/static" "$here/unsync.cc"
	g++ -O2 -shared -fPIC -o "$WORK/plugin.so" "$here/plugin.cc"
	g++ -O2 -shared -fPIC -static-libstdc++ -o "$WORK/plugin-static.so" "$here/plugin.cc"
	cc -O2 -o "$WORK/host" "$here/host.c"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	end_piped
}

printed() {
	grep -q '^a line$' out
}

@test "cout is fresh in a C++ program that took it off C stdio; without the shim its line waits" {
	local program
	start_piped "$WORK/pie"
	refute wait_until 1 printed
	end_piped
	printed
	for program in pie no-pie early; do
		start_piped LD_PRELOAD="$LIB" "$WORK/$program"
		wait_until 5 printed
		end_piped
		assert_equal "$(cat out)" $'a line\nwas on: 0'
	done
}

@test "cin of a program that took cout off C stdio reads ahead as it does without the shim" {
	local how
	for how in A=b LD_PRELOAD="$LIB"; do
		start_piped "$how" "$WORK/pie"
		printf 'one\ntwo\nthree\n' >&"$PIPED_IN"
		end_piped
		assert_equal "$(cat err)" 'read ahead: 10'
	done
}

@test "--runtimes without C++ leaves cout its own buffer" {
	start_piped LD_PRELOAD="$LIB" IDLEFLUSH_RUNTIMES=perl,python "$WORK/pie"
	refute wait_until 1 printed
	end_piped
	printed
}

@test "A C++ program whose libstdc++ is linked statically is left alone" {
	start_piped LD_PRELOAD="$LIB" "$WORK/static"
	refute wait_until 1 printed
	end_piped
	assert_equal "$(cat out)" $'a line\nwas on: 0'
}

@test "A plug-in with a libstdc++ that only it sees gets its own sync_with_stdio" {
	local plugin
	for plugin in plugin plugin-static; do
		"$WORK/host" "$WORK/$plugin.so" | tee plain
		assert_equal "$(cat plain)" $'a line of the plug-in\na line of the plug-in\nit was 1\nit was 0'
		preload "$WORK/host" "$WORK/$plugin.so" | cat >preloaded
		assert_equal "$(cat preloaded)" "$(cat plain)"
	done
}

@test "Each of many lines of cout comes once, in its order" {
	"$WORK/pie" many | md5sum >plain
	preload "$WORK/pie" many | md5sum >preloaded
	assert_equal "$(cat preloaded)" "$(cat plain)"
	# If stdout is a file, cout keeps its own buffer.
	preload "$WORK/pie" many >file
	assert_equal "$(md5sum <file)" "$(cat plain)"
}
