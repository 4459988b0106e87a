#!/usr/bin/env bats
# check.bats -- idleflush --check: its verdict on programs of every kind, and on running processes
# SPDX-License-Identifier: MIT
#
# The programs are built here. The verdict is compared with what happens, if the program can be run
# here: under IDLEFLUSH_DEBUG the library says whether it is awake.
# shellcheck disable=SC2016 # a dollar in single quotes is for COMMAND
# shellcheck disable=SC2030,SC2031 # each test has its own variables
# shellcheck disable=SC2154 # bats sets stderr

load helper
load nobody

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	local source=$ROOT/tests/fixtures/check/program.c
	export MADE=$BATS_FILE_TMPDIR

	cc -O2 -D_GNU_SOURCE -o dynamic "$source"
	cc -O2 -D_GNU_SOURCE -static -o static "$source"
	cc -O2 -D_GNU_SOURCE -static-pie -o static-pie "$source"
	cc -O2 -D_GNU_SOURCE -DGO -o go-dynamic "$source"
	cc -O2 -D_GNU_SOURCE -DGO -static -o go-static "$source"
	cc -O2 -D_GNU_SOURCE -fsanitize=address -o asan "$source"
	cc -O2 -nostdlib -pie -fPIE -fno-stack-protector -o nolibc "$ROOT/tests/fixtures/lib/nolibc.c"
	# A PIE as Go builds it: it names a loader, but no library.
	objcopy --add-section .note.go.buildid=/dev/null \
		--add-section .go.buildinfo=/dev/null nolibc go-pie
	musl-gcc -O2 -D_GNU_SOURCE -o musl "$source"
	c++ -o streams -x c++ - <<<'#include <iostream>
		int main() { std::ios::sync_with_stdio(false); std::cout << "ran\n"; }'
	# Its header says S/390, but in the byte order of a PC, so nothing can run it.
	cp dynamic foreign
	printf '\x16\x00' | dd of=foreign bs=1 seek=18 conv=notrunc status=none
	head -c 300 dynamic >truncated
	cp dynamic loaderless
	sed -i 's,/lib64/ld-linux-x86-64.so.2,/lib64/no-linux-x86-64.so.2,
		s,/lib/ld-linux-aarch64.so.1,/lib/no-linux-aarch64.so.1,' loaderless
	cp dynamic plain
	mkdir folder
	chmod +x ./*
	chmod -x plain

	make_public dynamic
}

teardown_file() {
	rm -rf "$PUBLIC"
}

setup() {
	local variable

	for variable in LD_PRELOAD ASAN_OPTIONS $(compgen -v IDLEFLUSH_); do
		unset "$variable"
	done
	cd "$BATS_TEST_TMPDIR" || return
	LIB=$(realpath "$LIB") # as the launcher finds it
	STARTED=()
}

teardown() {
	local pid

	for pid in "${STARTED[@]}"; do
		kill -KILL -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	stop_all
}

# Makes an executable file of that name from stdin.
script() {
	cat >"$1"
	chmod +x "$1"
}

# check STATUS COMMAND...: the report about COMMAND. The last line must agree with the exit status.
check() {
	local status=$1

	shift
	run "-$status" timeout 20 "$IDLEFLUSH" --check "$@"
	case $status in
	0) assert_regex "${lines[-1]}" '^verdict    (it works$|not needed: .)' ;;
	1) assert_regex "${lines[-1]}" '^verdict    it will not work: .' ;;
	125) assert_regex "${lines[-1]}" '^verdict    cannot tell before it runs: .' ;;
	esac
}

# works COMMAND..., not_needed COMMAND...: one of the two that are well.
works() {
	check 0 "$@"
	assert_equal "${lines[-1]}" 'verdict    it works'
}

not_needed() {
	check 0 "$@"
	assert_regex "${lines[-1]}" '^verdict    not needed: '
}

# --- programs

@test "A dynamic program works, and the report says what it is" {
	check 0 "$MADE/dynamic"
	assert_line "library    $LIB"
	assert_line "program    $MADE/dynamic is dynamic, $(uname -m | sed 's/x86_64/x86-64/')"
	assert_line 'libc       glibc'
	assert_line 'output     C stdio'
	assert_line 'stdout     a pipe'
	assert_equal "${#lines[@]}" 6
}

# bats test_tags=musl
@test "A musl program works" {
	works "$MADE/musl"
	assert_line 'libc       musl'
}

@test "A static program does not work, position-independent or not" {
	check 1 "$MADE/static"
	assert_line "program    $MADE/static is statically linked"
	assert_line "verdict    it will not work: $MADE/static is statically linked"
	check 1 "$MADE/static-pie"
	assert_line --partial 'is statically linked'
	assert_line 'instead    unbuffer COMMAND, which gives it a terminal'
}

@test "A program for another machine does not work" {
	check 1 "$MADE/foreign"
	assert_line "program    $MADE/foreign is built for another architecture, s390x"
}

@test "A truncated program does not work" {
	check 1 "$MADE/truncated"
	assert_line --partial 'is damaged'
}

@test "What cannot be executed does not work: missing, a directory, no permission, no loader" {
	check 1 ./missing
	assert_line 'command    ./missing is not there'
	check 1 no-such-command
	assert_line 'command    no-such-command is not in PATH'
	check 1 ''
	check 1 "$MADE/folder"
	assert_line "command    $MADE/folder is a directory"
	check 1 "$MADE/plain"
	assert_line "command    $MADE/plain is not executable"
	check 1 "$MADE/loaderless"
	assert_line --regexp '^program    its loader /lib.*/no-linux-.* is not there$'
}

@test "A set-uid program does not work, except for its own user" {
	root_only
	honours_setid .
	cp "$MADE/dynamic" set-uid
	chmod 4755 set-uid
	check 0 ./set-uid
	chown 65534 set-uid
	chmod 4755 set-uid
	check 1 ./set-uid
	assert_line 'program    ./set-uid changes its user or group ID'
}

@test "A program with file capabilities does not work, except for root" {
	root_only
	honours_setid "$PUBLIC"
	cp "$MADE/dynamic" "$PUBLIC/capable"
	setcap cap_net_raw+ep "$PUBLIC/capable" || skip "no file capabilities here"
	check 0 "$PUBLIC/capable"
	run -1 as_nobody "$PUBLIC/idleflush" --check "$PUBLIC/capable"
	assert_line "program    $PUBLIC/capable has file capabilities"
}

@test "Of a program that may be executed but not read, the report says what it can" {
	root_only
	cp "$MADE/dynamic" "$PUBLIC/closed"
	chmod 711 "$PUBLIC/closed"
	run -125 as_nobody "$PUBLIC/idleflush" --check "$PUBLIC/closed"
	assert_line --partial 'cannot be read'
}

@test "A program that prints without locks works at its own waits: the coreutils" {
	local command

	for command in cat seq sort; do
		check 0 "$command"
		assert_line "output     C stdio without locks: flushed at the program's own waits"
	done
}

@test "A Go program needs no help, static or dynamic, unless C code in it prints" {
	local program

	for program in go-static go-pie; do
		not_needed "$MADE/$program"
		assert_line 'output     Go makes its own system calls, and os.Stdout has no buffer'
		refute_line --regexp '^instead '
	done
	works "$MADE/go-dynamic"
	assert_line 'output     C stdio, beside os.Stdout of Go, which has no buffer'
}

@test "What a client starts elsewhere, such as docker and ssh, does not get the library" {
	local client

	cp "$MADE/go-static" docker
	cp "$MADE/dynamic" ssh
	for client in docker ssh; do
		check 1 "./$client" run server
		assert_line --partial 'a client: what it starts runs elsewhere, with a buffer of its own'
		assert_line 'instead    idleflush in front of the program there'
	done
}

@test "Fortran writes each record at once, and its library may be in a C program" {
	cc -o fortran -x c - <<<'#include <stdio.h>
		int main(void) { puts("GFORTRAN_UNBUFFERED_PRECONNECTED"); }'
	not_needed ./fortran
	cc -shared -Wl,-soname,libgfortran.so.5 -o libgfortran.so.5 -x c - <<<'int fortran;'
	cc -o within -x c - <<<'int main(void) { return 0; }' -Wl,--no-as-needed -x none ./libgfortran.so.5
	check 125 ./within
	assert_line 'output     contains Fortran: writes each record at once, but to a file'
}

@test "A dynamic program without a libc does not work" {
	check 1 "$MADE/nolibc"
	assert_line 'libc       no libc: the library stays asleep'
}

@test "C++ streams work, also unsynchronized with stdio, unless the setting leaves them out" {
	works "$MADE/streams"
	assert_line 'output     C++ streams, above C stdio'
	IDLEFLUSH_RUNTIMES=none check 125 "$MADE/streams"
	assert_line --partial 'after sync_with_stdio(false)'
	c++ -static-libstdc++ -o within -x c++ - <<<'#include <iostream>
		int main() { std::cout << "ran\n"; }'
	check 125 ./within
	assert_line --partial 'C++ linked statically'
}

@test "Servers and shells of the distribution get the verdict that is true" {
	works redis-server
	assert_line 'output     C stdio'
	works "$PROGS/server"
	check 125 nginx
	assert_line 'instead    flush=10ms in the access_log line'
	check 125 bash
	assert_line --partial 'what it starts gets the library, too'
}

@test "The report says which languages' buffers are flushed, which are not, and what to do instead" {
	works /usr/bin/python3
	assert_line 'output     CPython: has its own buffer of sys.stdout, which is flushed, too'
	IDLEFLUSH_RUNTIMES=none check 1 /usr/bin/python3
	assert_line 'instead    PYTHONUNBUFFERED=1'
	PYTHONUNBUFFERED=1 works /usr/bin/python3
	assert_line --partial 'PYTHONUNBUFFERED is set'
	works perl
	assert_line 'output     Perl: has a buffer of its own, which is flushed when the program waits'
	IDLEFLUSH_RUNTIMES=none check 1 perl
	assert_line 'instead    $| = 1 in the program'
	not_needed node server.js
	check 1 mawk
	assert_line 'instead    mawk -W interactive'
}

# A libc.so.6 that says it is old, beside a copy of the loader.
@test "A glibc before 2.34 works only with libpthread" {
	local loader

	loader=$(readelf -l "$MADE/dynamic" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	mkdir old
	cp "$loader" "old/${loader##*/}"
	echo GLIBC_2.31 >old/libc.so.6
	cc -O2 -D_GNU_SOURCE -Wl,--dynamic-linker="$PWD/old/${loader##*/}" -o single \
		"$ROOT/tests/fixtures/check/program.c"
	check 1 ./single
	assert_line 'libc       glibc before 2.34 without libpthread: the library stays asleep'
	# Brought in by a library of its own.
	cc -shared -nostdlib -fPIC -Wl,-soname,libpthread.so.0 -o old/libpthread.so.0 -x c /dev/null
	echo 'int needed = 1;' >needed.c
	cc -shared -nostdlib -fPIC -Wl,--no-as-needed -o old/libneeded.so needed.c old/libpthread.so.0
	cc -O2 -D_GNU_SOURCE -Wl,--dynamic-linker="$PWD/old/${loader##*/}" -o threaded \
		"$ROOT/tests/fixtures/check/program.c" \
		-Wl,--no-as-needed,--allow-shlib-undefined,-rpath-link,old old/libneeded.so
	LD_LIBRARY_PATH=$PWD check 0 ./threaded
	assert_line 'libc       glibc, before 2.34'
	printf 'GLIBC_2.34\0' >old/libc.so.6
	check 0 ./single
}

# --- scripts, and programs that run others

@test "A script is judged by its interpreter, through further scripts" {
	script one <<<"#!$MADE/dynamic -x"
	check 0 ./one
	assert_line "script     ./one: run by $MADE/dynamic -x"
	script two <<<'#!./one'
	script three <<<'#! ./two'
	check 0 ./three
	assert_line "program    $MADE/dynamic is dynamic, $(uname -m | sed 's/x86_64/x86-64/')"
	script four <<<"#!$MADE/static"
	check 1 ./four
	script lost <<<'#!/no/such/interpreter'
	check 1 ./lost
	assert_line 'command    its interpreter /no/such/interpreter is not there'
	script loop <<<'#!./loop'
	check 1 ./loop
}

@test "A script without a #! line is judged by sh" {
	script bare <<<'echo ran'
	not_needed ./bare
	assert_line 'script     ./bare: no #! line, so run by /bin/sh'
}

@test "env is followed to what it runs, in a script and as a command" {
	script serve.py <<<'#!/usr/bin/env -S A=1 python3 -u'
	PATH=/usr/bin:/bin check 0 ./serve.py
	assert_line 'wrapper    /usr/bin/env: runs python3'
	assert_line --regexp '^program    /usr/bin/python3 is dynamic'
	check 0 env -- A=1 "$MADE/dynamic"
	check 0 env -u A -C / A=1 "$MADE/dynamic"
	check 1 env A=1 "$MADE/static"
	check 0 env # it prints by itself
	check 1 env no-such-command
}

@test "What env removes from the environment or adds to it is taken into account" {
	local option

	for option in -i - -iu --ignore-environment '-u LD_PRELOAD' --unset=LD_PRELOAD LD_PRELOAD=; do
		# shellcheck disable=SC2086 # one word or two
		check 1 env ${option/-iu/-iu A} "$MADE/dynamic"
		assert_line 'preload    LD_PRELOAD is taken away or replaced on the way'
	done
	check 0 env -i "LD_PRELOAD=$LIB" "$MADE/dynamic"
	check 1 env IDLEFLUSH_DISABLE=1 "$MADE/dynamic"
}

@test "nohup, timeout, tini and their like are followed to what they run" {
	check 0 nohup setsid -w nice -n 5 timeout -k 1 5 stdbuf -o0 "$MADE/dynamic"
	assert_line "wrapper    $(command -v nohup): runs setsid"
	check 1 timeout 5 "$MADE/static"
	cp "$MADE/static" tini
	check 0 ./tini -g -p KILL -- "$MADE/dynamic"
	check 0 timeout 5 # no command: it is timeout itself that prints
}

@test "A program in front that changes the user takes the preload away" {
	root_only
	honours_setid .
	cp "$(command -v nohup)" nohup
	chown 65534 nohup
	chmod 4755 nohup
	check 1 ./nohup "$MADE/dynamic"
	assert_line --partial 'drops LD_PRELOAD'
}

@test "Long options whose value is a word of its own are followed correctly" {
	works timeout --signal KILL --kill-after 5 10 "$MADE/dynamic"
	works nice --adjustment 3 "$MADE/dynamic"
	works env --unset A --chdir / "$MADE/dynamic"
	check 1 env --unset LD_PRELOAD "$MADE/dynamic"
	works "$IDLEFLUSH" --max-age 20ms --idle 5ms "$MADE/dynamic"
	works setpriv --no-new-privs --bounding-set -all "$MADE/dynamic"
}

@test "The report says which programs that change the user drop the preload, and who may not read the library" {
	root_only
	works su -c "$MADE/dynamic" root
	works su root -c "$MADE/dynamic"
	check 1 su - root -c "$MADE/dynamic"
	assert_line '           (it is a login, with a new environment)'
	works runuser -u root -- "$MADE/dynamic"
	works setpriv --reuid root "$MADE/dynamic"
	mkdir -m 700 private
	cp "$LIB" "$IDLEFLUSH" private
	run -1 private/idleflush --check setpriv --reuid nobody "$MADE/dynamic"
	assert_line "verdict    it will not work: nobody may not read $PWD/private/libidleflush.so"
	chmod 755 "$PUBLIC/libidleflush.so"
	run -0 "$PUBLIC/idleflush" --check setpriv --reuid nobody "$PUBLIC/dynamic"
	check 1 setpriv --reset-env "$MADE/dynamic"
	if command -v sudo >/dev/null; then
		check 1 sudo "$MADE/dynamic"
		assert_line --partial 'takes LD_PRELOAD out of the environment'
	fi
	if command -v gosu >/dev/null; then
		works gosu root "$MADE/dynamic"
		run -0 --separate-stderr "$IDLEFLUSH" --strict gosu root "$MADE/dynamic"
		assert_output ran
		assert_equal "$stderr" ''
	fi
}

@test "chroot to the same root is followed; of another root nothing is known" {
	works chroot / "$MADE/dynamic"
	mkdir root
	check 125 chroot root /program
	assert_line --partial 'is the root from then on'
}

@test "busybox is judged by the name that it is called by" {
	command -v busybox >/dev/null || skip "busybox is not here"
	works busybox env A=1 "$MADE/dynamic"
	works busybox sh -c "exec $MADE/dynamic"
	works busybox timeout 5 "$MADE/dynamic"
}

@test "A shell script is followed to the one program that it runs" {
	script entrypoint <<-'END'
		#!/bin/sh
		# A comment; with "quotes".
		set -eu
		umask 022
		mkdir -p run/it && export A="$HOME/x" B='y z'
		echo "starting $0" >&2
		exec "$@" --flag 2>/dev/null
	END
	works ./entrypoint "$MADE/dynamic"
	assert_line "shell      /bin/sh: runs $MADE/dynamic"
	check 1 ./entrypoint "$MADE/static"
	check 1 ./entrypoint env -i "$MADE/dynamic"
	works sh -c "cd /; $MADE/dynamic"
	works bash -e -c 'exec "$0" "$@"' "$MADE/dynamic" || works sh -c "$MADE/dynamic"
	check 1 sh -c "unset LD_PRELOAD; $MADE/dynamic"
	check 1 sh -c "export LD_PRELOAD=; exec $MADE/dynamic"
	check 1 sh -c "LD_PRELOAD= $MADE/dynamic"
	check 1 sh -c "IDLEFLUSH_DISABLE=1 exec $MADE/dynamic"
}

@test "A shell script that cannot be followed is reported, with the line" {
	local line

	while IFS= read -r line; do
		script unclear <<<$'#!/bin/sh\nset -e\n'"$line"
		check 125 ./unclear
		assert_line --regexp '^shell      the script has .* in line 3; check separately what it starts$'
	done <<-END
		if true; then $MADE/dynamic; fi
		$MADE/dynamic | cat
		$MADE/dynamic & wait
		X=\$(pwd); exec $MADE/dynamic
		exec \$SERVER
		$MADE/dynamic; $MADE/static
		[ -e x ] && exec $MADE/dynamic
		. ./other; exec $MADE/dynamic
		cd /tmp; exec ./dynamic
		export LD_PRELOAD=\$HOME/x; exec $MADE/dynamic
		exec -a name $MADE/dynamic
		cat <<X; exec $MADE/dynamic
		exec "$MADE/dynamic
	END
}

# --- LD_PRELOAD and settings

@test "An ASan program works only with its runtime first in LD_PRELOAD" {
	local runtime

	runtime=$(realpath "$(cc -print-file-name=libasan.so)")
	run -1 env "LD_PRELOAD=$LIB" "$MADE/asan"
	check 1 "$MADE/asan"
	assert_line --partial 'AddressSanitizer will not start'
	LD_PRELOAD=$runtime run -0 "$IDLEFLUSH" "$MADE/asan"
	LD_PRELOAD=$runtime check 0 "$MADE/asan"
	LD_PRELOAD=/missing.so:$runtime check 1 "$MADE/asan"
	ASAN_OPTIONS=verify_asan_link_order=0 check 0 "$MADE/asan"
}

@test "Other libraries in LD_PRELOAD are checked as well" {
	LD_PRELOAD=/missing.so check 0 "$MADE/dynamic"
	assert_line 'preload    /missing.so is not there: the loader says so and goes on'
	cp "$MADE/foreign" foreign.so
	LD_PRELOAD=$PWD/foreign.so check 0 "$MADE/dynamic"
	assert_line --partial 'foreign.so is for another machine'
	mkdir copy
	cp "$LIB" copy
	LD_PRELOAD=$PWD/copy/libidleflush.so check 0 "$MADE/dynamic"
	assert_line "library    $PWD/copy/libidleflush.so, by the LD_PRELOAD that is set"
}

@test "A library in LD_PRELOAD that is missing, or is no library, is reported" {
	cp "$IDLEFLUSH" .
	touch libidleflush.so
	run -1 ./idleflush --check "$MADE/dynamic"
	assert_line --index 0 "library    $PWD/libidleflush.so is not a shared library"
	rm libidleflush.so
	run ./idleflush --check "$MADE/dynamic"
	[ "$status" != 0 ] || skip "the library is installed on this machine"
	assert_line --index 0 --regexp "^library    libidleflush.so is not in $PWD or in /"
}

@test "The settings in effect are reported, and those that put the library to sleep" {
	IDLEFLUSH_DISABLE=1 check 1 "$MADE/dynamic"
	assert_line 'verdict    it will not work: IDLEFLUSH_DISABLE puts the library to sleep'
	IDLEFLUSH_DISABLE=0 check 0 "$MADE/dynamic"
	IDLEFLUSH_IDLE=never check 0 "$MADE/dynamic"
	assert_line 'setting    IDLEFLUSH_IDLE=never means the default: it is not 100us to 1h'
	run -0 "$IDLEFLUSH" -i 7ms --only='dyn*' --check "$MADE/dynamic"
	assert_line 'setting    IDLEFLUSH_IDLE=7ms'
	assert_line 'setting    IDLEFLUSH_ONLY=dyn*'
	run -1 "$IDLEFLUSH" --only=other --check "$MADE/dynamic"
	assert_line 'verdict    it will not work: IDLEFLUSH_ONLY=other does not name dynamic, dynamic'
	run -125 "$IDLEFLUSH" -i never --check "$MADE/dynamic"
}

# asleep_or_awake WORD COMMAND...: what the library itself decides.
decides() {
	IDLEFLUSH_DEBUG=1 run -0 "$IDLEFLUSH" "${@:2}"
	assert_line --regexp "^idleflush: .*$1\$"
}

@test "IDLEFLUSH_ONLY names the program, its link, the script of any length, or its interpreter" {
	local name=serve-with-a-name-longer-than-a-thread-has only

	script "$name" <<<"#!$MADE/dynamic"
	ln -s "$MADE/dynamic" link
	script env-script <<<"#!/usr/bin/env $MADE/dynamic"
	export IDLEFLUSH_ONLY
	for IDLEFLUSH_ONLY in "$name" dynamic 'dyn*' "other,$name" "$PWD/$name" "$MADE/dynamic"; do
		works "$PWD/$name"
		decides awake "$PWD/$name"
	done
	for IDLEFLUSH_ONLY in link dynamic; do
		works ./link
		decides awake ./link
	done
	IDLEFLUSH_ONLY=env-script
	works ./env-script
	decides awake ./env-script
	IDLEFLUSH_ONLY=other,sh
	for only in "./$name" ./link ./env-script; do
		check 1 "$only"
		assert_line --regexp "IDLEFLUSH_ONLY=other,sh does not name .*${only#./}"
		decides asleep "$only"
		assert_line --partial "IDLEFLUSH_ONLY=other,sh names none of these: "
	done
}

@test "IDLEFLUSH_ONLY also applies to what a program starts of itself, such as uvicorn's workers" {
	cat >master <<-'END'
		#!/usr/bin/python3
		import subprocess, sys
		subprocess.run([sys.executable, "-c", "print('ran')"])
	END
	chmod +x master
	IDLEFLUSH_ONLY=master IDLEFLUSH_DEBUG=1 run -0 "$IDLEFLUSH" ./master
	assert_equal "$(grep -c '^idleflush: awake' <<<"$output")" 2
	IDLEFLUSH_ONLY=other IDLEFLUSH_DEBUG=1 run -0 "$IDLEFLUSH" ./master
	refute_line 'idleflush: awake'
}

@test "Settings that do nothing are reported: unknown names, no effect, a file that cannot be written" {
	IDLEFLUSH_MAXAGE=1s works "$MADE/dynamic"
	assert_line 'setting    IDLEFLUSH_MAXAGE=1s: there is no such setting'
	IDLEFLUSH_IDLE=5 works "$MADE/dynamic"
	assert_line 'setting    IDLEFLUSH_IDLE=5 has no effect: IDLEFLUSH_MAX_AGE is shorter'
	IDLEFLUSH_STATS=/no/such/folder/x works "$MADE/dynamic"
	assert_line --partial 'IDLEFLUSH_STATS=/no/such/folder/x cannot be written: '
	IDLEFLUSH_MAXAGE=1s IDLEFLUSH_IDLE=5 IDLEFLUSH_DEBUG=yes run -0 "$IDLEFLUSH" "$MADE/dynamic"
	assert_line 'idleflush: IDLEFLUSH_MAXAGE=1s: there is no such setting'
	assert_line 'idleflush: IDLEFLUSH_IDLE=5 has no effect: IDLEFLUSH_MAX_AGE is shorter'
	run -125 "$IDLEFLUSH" -i 1s true
	assert_line --index 0 'idleflush: --idle=1s has no effect: --max-age is shorter, 10ms'
	run -0 "$IDLEFLUSH" -i 1s -m 2s true
	run -125 "$IDLEFLUSH" --stats=no/such/folder/x true
	assert_line --index 0 --partial 'cannot be written'
}

@test "The report says what stdout is" {
	run -0 sh -c '"$0" --check "$1" >file; grep ^stdout file' "$IDLEFLUSH" "$MADE/dynamic"
	assert_output 'stdout     a file'
	run -0 env script -qec "$IDLEFLUSH --check $MADE/dynamic" /dev/null
	assert_output --partial 'stdout     a terminal: fresh by itself, nothing to do'
	# Where it is a socket of messages, the launcher says the same.
	run -0 /usr/bin/python3 - "$IDLEFLUSH" "$MADE/dynamic" <<-'END'
		import socket, subprocess, sys
		for kind in socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_STREAM:
		    ours, stdout = socket.socketpair(socket.AF_UNIX, kind)
		    for option in "--check", "--strict":
		        done = subprocess.run([sys.argv[1], option, sys.argv[2]], stdout=stdout, stderr=subprocess.PIPE)
		        print(option, done.returncode, b"socket of messages" in done.stderr)
		    print(b"it will not work: a socket of messages" in ours.recv(9999))
	END
	assert_output "$(printf '%s\n' '--check 1 False' '--strict 125 True' True \
		'--check 1 False' '--strict 125 True' True '--check 0 False' '--strict 0 False' False)"
	# Nobody reads the report; the exit status is the same.
	run -0 sh -c '"$0" --check "$1" >/dev/null' "$IDLEFLUSH" "$MADE/dynamic"
	assert_output ''
}

# --- the command itself

@test "--check runs nothing of COMMAND" {
	script touches <<<$'#!/bin/sh\ntouch ran'
	check 0 ./touches
	assert_not_exists ran
	./touches
	assert_exists ran
}

@test "What --check says of a program is what happens" {
	local command awake verdict agreed=0

	script scripted <<<"#!$MADE/dynamic"
	script runs <<<$'#!/bin/sh\nset -e\nexec "$@"'
	for command in dynamic static static-pie musl streams nolibc go-pie foreign truncated \
		loaderless asan ./scripted "./runs $MADE/dynamic" /bin/true \
		/bin/cat /bin/bash /bin/sh /usr/bin/python3 "$PROGS/state"; do
		case $command in */*) ;; *) command=$MADE/$command ;; esac
		awake=no
		# shellcheck disable=SC2086 # one word or more
		if timeout 20 env IDLEFLUSH_DEBUG=1 "$IDLEFLUSH" $command </dev/null 2>&1 |
			grep -a '^idleflush: ' | tail -n 1 | grep -qa 'idleflush: awake'; then
			awake=yes
		fi
		# shellcheck disable=SC2086
		verdict=$("$IDLEFLUSH" --check $command | tail -n 1)
		echo "$command: awake: $awake, $verdict"
		case $verdict in
		'verdict    it works') [ $awake = yes ] ;;
		'verdict    it will not work'*) [ $awake = no ] ;;
		esac
		agreed=$((agreed + 1))
	done
	assert_equal "$agreed" 19
}

# As in a release archive. A static link takes from libc only what is referred to strongly.
@test "A launcher that is linked statically gives the same report" {
	local report

	make -s -C "$ROOT" B="$PWD/build" CFLAGS='-O1 -fPIE' LDFLAGS=-static-pie \
		"$PWD/build/idleflush" 3>&-
	works redis-server
	report=$output
	cp "$LIB" build
	run -0 build/idleflush --check redis-server
	assert_equal "${output/"$PWD/build/libidleflush.so"/"$LIB"}" "$report"
}

@test "A usage error of --check gives 125" {
	local arguments

	for arguments in '--check' '--pid=1' '--check --pid' '--check --pid=0' '--check --pid=x' \
		'--check --pid=-1' '--check --pid=1x' '--check --pid=99999999999' '--check --pid=1 true'; do
		# shellcheck disable=SC2086 # one word or more
		run -125 "$IDLEFLUSH" $arguments
		assert_line --index 1 "Try 'idleflush --help' for more information."
	done
}

@test "A report that cannot be written gives 125" {
	[ -w /dev/full ] || skip "no /dev/full"
	run -125 sh -c '"$0" --check true >/dev/full' "$IDLEFLUSH"
	assert_output 'idleflush: write error: No space left on device'
}

# --- under attack

@test "Bytes from other users reach the terminal escaped" {
	local name=$'sl\e]0;pwned\a\e[2J\nverdict    it works'

	cp "$MADE/dynamic" "$name"
	run "$IDLEFLUSH" --check "./$name"
	assert_output --partial 'sl\033]0;pwned\007\033[2J\nverdict    it works'
	run -1 grep -qP '[\x00-\x08\x0b-\x1f\x7f-\xff]' <<<"$output"
	run -0 env "IDLEFLUSH_STATS=/tmp/"$'\e[31mRED' "$IDLEFLUSH" --check "$MADE/dynamic"
	assert_output --partial '/tmp/\033[31mRED'
}

@test "A COMMAND that is a pipe, a device or a folder is reported at once" {
	mkfifo fifo
	chmod +x fifo
	for file in ./fifo /dev/null /dev/zero /tmp; do
		check 1 "$file"
	done
	script through-a-pipe <<<'#!./fifo'
	check 1 ./through-a-pipe
	check 125 bash ./fifo
}

# --- running processes

# start [VARIABLE=VALUE...] PROGRAM HOW: starts program.c as HOW; its stdout is a pipe to `cat`.
# CHECKED is the process that stays: itself or its child.
start() {
	rm -f pid
	setsid sh -c '{ "$@" pid; } 2>err | cat' sh env "$@" >out 3>&- &
	STARTED+=($!)
	wait_until 10 test -s pid
	CHECKED=$(cat pid)
}

# examine STATUS [PID]: the report about a process. The verdict must agree with the exit status.
examine() {
	run "-$1" timeout 20 "$IDLEFLUSH" --check --pid "${2:-$CHECKED}"
	case $1 in
	0) assert_equal "${lines[-1]}" 'verdict    it works' ;;
	1) assert_regex "${lines[-1]}" '^verdict    it does not work: .' ;;
	125) assert_regex "${lines[-1]}" '^verdict    cannot be told: .' ;;
	esac
}

# Have all responses and their lines been counted?
counted() {
	[ "$(reported "$1" responses)" = "$2" ] && [ "$(reported "$1" bytes)" = "$3" ]
}

serve_and_count() {
	local bytes

	start_server it preload "$1"
	for id in 1 2 3; do
		request "$(port_of it)" "$id"
	done
	wait_until 5 arrived it 3
	bytes=$(lines_of it | wc -c)
	wait_until 5 counted "$(pid_of it)" 3 "$bytes"
	examine 0 "$(pid_of it)"
	assert_line "process    $(pid_of it), server"
	assert_line "library    $LIB, version $(cat "$ROOT/VERSION")"
	assert_line 'state      awake'
	assert_line --regexp '^thread     [0-9]+ is alive$'
	assert_line 'pending    0 bytes in 2 C streams'
	assert_line --regexp '^last       activity [0-9.]+ m?s ago, flush [0-9.]+ m?s ago$'
	stop_server it
}

@test "The report of a running server has its responses, flushes and bytes so far" {
	serve_and_count "$PROGS/server"
}

@test "The report of a running musl server has its responses, flushes and bytes so far" {
	musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o server "$ROOT/tests/fixtures/server.c" \
		"$ROOT/tests/fixtures/lib/musl_full.c" -pthread
	serve_and_count ./server
}

@test "The report of a running Python server has the flushes of Python's own streams" {
	local bytes

	start_server it preload /usr/bin/python3 -B "$ROOT/tests/fixtures/check/serve.py"
	request "$(port_of it)" 1
	wait_until 5 arrived it 1
	bytes=$(lines_of it | wc -c)
	wait_until 5 counted "$(pid_of it)" 1 "$bytes"
	examine 0 "$(pid_of it)"
	assert_line --regexp ' flushes=[1-9]'
	assert_line --regexp ', flush [0-9.]+ m?s ago$'
	stop_server it
}

@test "--check --pid sees the pending bytes, in glibc and in musl" {
	local program

	# musl's stdio sends the first line at once.
	for program in 'dynamic 10' 'musl 6'; do
		start LD_PRELOAD="$LIB" IDLEFLUSH_HEARTBEAT=0 "$MADE/${program% *}" stay
		examine 125
		assert_line 'setting    IDLEFLUSH_HEARTBEAT=0'
		assert_line "pending    ${program#* } bytes in 2 C streams"
		run -1 grep stays out
		kill -TERM "$CHECKED"
		wait_until 5 grep -q stays out
	done
}

@test "--check --pid reports that the reader of the pipe has fallen behind" {
	mkfifo pipe
	exec 4<>pipe
	# shellcheck disable=SC2031 # the pipe is full, and nobody reads
	timeout 1 dd if=/dev/zero of=pipe bs=4096 status=none || true
	LD_PRELOAD=$LIB setsid "$MADE/dynamic" serve pid >pipe 3>&- 4>&- &
	STARTED+=($!)
	wait_until 10 test -s pid
	CHECKED=$(cat pid)
	wait_until 5 reported_at_least "$CHECKED" no_room 1
	examine 125
	assert_line 'pending    10 bytes in 2 C streams, deferred: no room, in use, or an incomplete line'
	exec 4>&-
}

@test "--check --pid reports why the library is asleep" {
	start LD_PRELOAD="$LIB" IDLEFLUSH_DISABLE=1 "$MADE/dynamic" stay
	examine 1
	assert_line 'state      IDLEFLUSH_DISABLE: asleep'
	assert_line 'thread     none'
	start LD_PRELOAD="$LIB" IDLEFLUSH_ONLY=other "$MADE/dynamic" stay
	examine 1
	assert_line 'state      not named by IDLEFLUSH_ONLY: asleep'
	LD_PRELOAD="$LIB" setsid sleep 60 3>&- &
	STARTED+=($!)
	decided() { "$IDLEFLUSH" --check --pid "$1" | grep -q '^state .*awake'; }
	wait_until 5 decided $!
	run "$IDLEFLUSH" --check --pid $!
	assert_line 'state      awake, at waits only: the program writes to stdio without locks'
}

@test "--check --pid reports a seccomp filter, after which there is no thread" {
	start LD_PRELOAD="$LIB" "$MADE/dynamic" seccomp
	examine 1
	assert_line 'state      the program sets a seccomp filter: asleep'
	assert_line 'thread     none'
}

@test "--check --pid reports that nobody reads the pipe any more" {
	mkfifo pipe
	LD_PRELOAD=$LIB setsid "$MADE/dynamic" serve pid >pipe 3>&- &
	STARTED+=($!)
	exec 4<pipe 4<&-
	wait_until 10 test -s pid
	CHECKED=$(cat pid)
	given_up() { "$IDLEFLUSH" --check --pid "$1" | grep -q ' 10 bytes.*nobody reads it$'; }
	wait_until 5 given_up "$CHECKED"
}

@test "--check --pid reports a stopped process, which stays stopped, and works once it is continued" {
	start LD_PRELOAD="$LIB" "$MADE/dynamic" serve
	wait_until 5 grep -q ran out
	kill -STOP "$CHECKED"
	examine 0
	assert_line --regexp '^thread     [0-9]+ is alive$'
	assert_line --partial 'stopped by a signal'
	kill -CONT "$CHECKED"
	examine 0
	refute_line --partial 'stopped by a signal'
}

@test "A process that forges the state of the library cannot keep --check busy" {
	cc -D_GNU_SOURCE -I"$ROOT/shim" -o forged "$ROOT/tests/fixtures/check/forged.c"
	setsid ./forged memory >out 3>&- &
	STARTED+=($!)
	wait_until 10 grep -q mapped out
	run timeout 20 "$IDLEFLUSH" --check --pid=$!
	assert_line --partial "$PWD/memory, version 0.1.0"
	assert_line --regexp '^verdict    (it does not work|cannot be told)'
	[ "$status" != 124 ]
}

@test "A thread of the kernel, and a process that ended, cannot be checked" {
	local pid
	pid=$(pgrep -o kthreadd) || skip "the kernel's threads are not to be seen here"
	examine 1 "$pid"
	assert_line 'verdict    it does not work: it is a thread of the kernel, or at its end'
	# A zombie: its parent, which is a shell no more by then, does not wait for it.
	setsid sh -c 'sleep 60 & echo $! >zombie; exec sleep 60' 3>&- &
	STARTED+=($!)
	wait_until 5 test -s zombie
	wait_until 5 grep -q sleep "/proc/$!/comm"
	pid=$(cat zombie)
	kill "$pid"
	wait_until 5 grep -q '^State:.Z' "/proc/$pid/status"
	run -125 "$IDLEFLUSH" --check --pid "$pid"
	assert_output "idleflush: there is no process $pid"
}

@test "--check --pid reports that the thread could not start" {
	root_only
	rm -f "$PUBLIC/pid"
	setsid setpriv --reuid=65533 --regid=65533 --clear-groups env "LD_PRELOAD=$PUBLIC/libidleflush.so" \
		prlimit --nproc=0 "$PUBLIC/dynamic" stay /dev/null >out 3>&- &
	STARTED+=($!)
	could_not() { "$IDLEFLUSH" --check --pid "$1" | grep -q '^state .*cannot start'; }
	wait_until 5 could_not $!
	examine 1 $!
	assert_line 'state      the thread cannot start: asleep'
}

@test "A thread that starts only once the program serves is no fault" {
	start LD_PRELOAD="$LIB" IDLEFLUSH_START=server "$MADE/dynamic" stay
	examine 125
	assert_line 'state      awake, its thread starts at the first sign of a server'
	start LD_PRELOAD="$LIB" IDLEFLUSH_START=server "$MADE/dynamic" serve
	wait_until 5 grep -q ran out
	examine 0
	assert_line 'state      awake'
}

@test "A forked child has its own state, and a child of a raw clone is asleep" {
	start LD_PRELOAD="$LIB" "$MADE/dynamic" fork
	examine 125
	assert_line 'state      awake' # with a thread from the fork, for it can never exec
	assert_line 'pending    0 bytes in 2 C streams'
	start LD_PRELOAD="$LIB" "$MADE/dynamic" clone
	examine 1
	assert_line 'state      forked past fork(3), by clone(2): asleep'
	refute_line --partial 'responses='
	start LD_PRELOAD="$LIB" "$MADE/dynamic" vfork
	examine 1
	assert_line --partial "in its parent's memory"
	refute_line --partial 'responses='
}

@test "--check --pid reports why the library is not loaded" {
	start "$MADE/dynamic" stay
	examine 1
	assert_line 'library    not loaded: it was started without LD_PRELOAD'
	start LD_PRELOAD="$LIB" "$MADE/static" stay
	examine 1
	assert_line 'library    not loaded: the program is statically linked'
	start LD_PRELOAD=/missing/libidleflush.so "$MADE/dynamic" stay
	examine 1
	assert_line 'library    not loaded: /missing/libidleflush.so is not there, as it sees it'
	start LD_PRELOAD=/other.so "$MADE/dynamic" stay
	examine 1
	assert_line 'library    not loaded, with LD_PRELOAD=/other.so'
}

@test "A loaded library whose file was replaced or renamed is found all the same" {
	cp "$LIB" libidleflush.so
	cp "$LIB" other-name.so
	start LD_PRELOAD="$PWD/libidleflush.so" "$MADE/dynamic" stay
	rm libidleflush.so
	echo replaced >libidleflush.so
	wait_until 5 grep -q stays out
	examine 0
	assert_line "library    $PWD/libidleflush.so (deleted), version $(cat "$ROOT/VERSION")"
	start LD_PRELOAD="$PWD/other-name.so" "$MADE/dynamic" stay
	wait_until 5 grep -q stays out
	examine 0
	assert_line --partial "$PWD/other-name.so, version"
}

@test "A process in a pid namespace of its own can be checked from outside" {
	root_only
	unshare --pid --fork true || skip "no pid namespaces here"
	start unshare --pid --fork --kill-child env LD_PRELOAD="$LIB" "$MADE/dynamic" stay
	assert_equal "$CHECKED" 1
	CHECKED=$(pgrep -s "${STARTED[-1]}" -x dynamic)
	wait_until 5 grep -q stays out
	examine 0
	assert_line 'state      awake'
}

@test "A user can check processes of its own, and is told that it may not check those of others" {
	root_only
	setsid setpriv --reuid=65532 --regid=65532 --clear-groups \
		env "LD_PRELOAD=$PUBLIC/libidleflush.so" "$PUBLIC/dynamic" serve /dev/null >out 3>&- &
	STARTED+=($!)
	mine() { setpriv --reuid=65532 --regid=65532 --clear-groups "$PUBLIC/idleflush" "$@"; }
	has_thread() { grep -qx idleflush "/proc/$1/task/"*/comm; }
	wait_until 5 has_thread $!
	run mine --check --pid $!
	assert_line 'state      awake'
	run -125 as_nobody "$PUBLIC/idleflush" --check --pid $!
	assert_line --regexp '^state      cannot be read: Permission denied'
	assert_line --regexp '^thread     [0-9]+ is alive$'
	setsid env "LD_PRELOAD=$LIB" IDLEFLUSH_DISABLE=1 "$MADE/dynamic" stay pid >out 3>&- &
	STARTED+=($!)
	wait_until 5 test -s pid
	run -125 as_nobody "$PUBLIC/idleflush" --check --pid $!
	assert_line --regexp '^verdict    cannot be told: cannot be read: '
}

@test "A master is checked together with its workers, which run the same program" {
	cc -O2 -o master -x c - <<-'END'
		#include <poll.h>
		#include <stdio.h>
		#include <sys/prctl.h>
		#include <signal.h>
		#include <unistd.h>
		/* The worker prints where it is told to, and never where it is asleep. */
		int main(int argc, char **argv)
		{
			FILE *file = fopen(argv[argc - 1], "w");
			if (!fork()) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				/* Given three words, a process in between. */
				if (argc == 4 && fork())
					for (;;)
						pause();
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				if (argc >= 3)
					printf("worker\n");
				for (;;)
					poll(NULL, 0, 100);
			}
			fprintf(file, "%d\n", (int)getpid());
			fclose(file);
			for (;;)
				poll(NULL, 0, 100);
		}
	END
	start LD_PRELOAD="$LIB" ./master prints
	wait_until 5 grep -q worker out
	worker_flushed() { "$IDLEFLUSH" --check --pid "$CHECKED" | grep -q '^worker .* bytes=7,'; }
	wait_until 5 worker_flushed
	examine 0
	start LD_PRELOAD="$LIB" ./master prints below
	wait_until 5 grep -q worker out
	wait_until 5 worker_flushed
	examine 0
	assert_equal "$(grep -c '^worker' <<<"$output")" 2
	start LD_PRELOAD="$LIB" ./master
	examine 125
	assert_line --regexp '^worker     [0-9]+: awake, bytes=0'
	start ./master
	examine 1
	assert_line --regexp '^worker     [0-9]+: not loaded$'
}

@test "A process that does not exist gives 125" {
	run -125 "$IDLEFLUSH" --check --pid=2147483647
	assert_output 'idleflush: there is no process 2147483647'
	[ ! -d /proc/2147483647 ]
}

@test "The number of a thread gives 125, and the process that it is a thread of" {
	local thread

	start LD_PRELOAD="$LIB" "$MADE/dynamic" stay
	for thread in /proc/"$CHECKED"/task/*; do
		thread=${thread##*/}
		[ "$thread" = "$CHECKED" ] || break
	done
	run -125 "$IDLEFLUSH" --check --pid="$thread"
	assert_output "idleflush: $thread is a thread of process $CHECKED"
}

@test "With --json it reports a process as one line of JSON, for whoever collects counters" {
	start_server awake preload "$PROGS/server"
	start_server 'with "quotes"' "$PROGS/server"
	for id in 1 2 3; do
		request "$(port_of awake)" "$id"
		wait_until 5 arrived awake "$id"
	done
	run -0 "$IDLEFLUSH" --check --pid="$(pid_of awake)" --json
	assert_equal "${#lines[@]}" 1
	run -0 /usr/bin/python3 -c 'import json, sys
report = json.loads(sys.argv[1])
assert report["works"] is True and "why" not in report, report
assert report["pid"] == int(sys.argv[2]) and report["library"] == sys.argv[3], report
assert report["responses"] >= 3 and report["flushes"] >= 1 and report["pending"] == 0, report
assert 0 <= report["at_waits"] <= report["flushes"], report
' "$output" "$(pid_of awake)" "$LIB"

	run -1 "$IDLEFLUSH" --check --pid="$(pid_of 'with "quotes"')" --json
	run -0 /usr/bin/python3 -c 'import json, sys
report = json.loads(sys.argv[1])
assert report["works"] is False and "not loaded" in report["why"], report
' "$output"
	run -125 "$IDLEFLUSH" --check --json true
	assert_output --partial 'goes with --pid'
}
