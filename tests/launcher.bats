#!/usr/bin/env bats
# launcher.bats -- the command: its options, exit statuses and messages, and what COMMAND gets
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # a dollar in single quotes is for COMMAND
# shellcheck disable=SC2154 # bats sets stderr

bats_require_minimum_version 1.5.0
load helper
load nobody

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	echo 'int puts(const char *); int main(void) { return puts("ran") < 0; }' >ran.c
	cc -o dynamic ran.c
	cc -static -o static ran.c
	cc -static-pie -o static-pie ran.c
	cc -shared -nostdlib -fPIC -o other.so -x c /dev/null

	# A copy of a program whose header says S/390, in the byte order of a PC: nothing can run it.
	cp dynamic foreign
	printf '\x16\x00' | dd of=foreign bs=1 seek=18 conv=notrunc status=none

	make_public dynamic
}

teardown_file() {
	rm -rf "$PUBLIC"
}

setup() {
	local variable

	for variable in LD_PRELOAD $(compgen -v IDLEFLUSH_); do
		unset "$variable"
	done
	cd "$BATS_TEST_TMPDIR" || return
	FILES=$BATS_FILE_TMPDIR
	LIB=$(realpath "$LIB") # as the launcher finds it
}

# Makes an executable file of that name from stdin.
script() {
	cat >"$1"
	chmod +x "$1"
}

# The exit status is STATUS, and stdbuf gives the same.
same_as_stdbuf() {
	run "$1" stdbuf -o0 "${@:2}"
	run "$1" "$IDLEFLUSH" "${@:2}"
}

# --- exit statuses

@test "The launcher exits with COMMAND's status" {
	same_as_stdbuf -0 true
	same_as_stdbuf -7 sh -c 'exit 7'
	same_as_stdbuf -143 sh -c 'kill -TERM $$'
}

@test "A COMMAND that does not exist gives 127" {
	# With a PATH of our own: one closed folder in it would make that 126.
	run -127 env PATH=/usr/bin:/bin stdbuf -o0 no-such-command
	run -127 env PATH=/usr/bin:/bin "$IDLEFLUSH" no-such-command
	assert_output "idleflush: failed to run command 'no-such-command': No such file or directory"
	same_as_stdbuf -127 ./no-such-command
	same_as_stdbuf -127 ''
	script lost <<<'#!/no/such/interpreter'
	same_as_stdbuf -127 ./lost
}

@test "A COMMAND that cannot be invoked gives 126" {
	same_as_stdbuf -126 .
	assert_output "idleflush: failed to run command '.': Permission denied"
	same_as_stdbuf -126 /
	touch plain
	same_as_stdbuf -126 ./plain
	same_as_stdbuf -126 ./plain/below
	script loop <<<'#!loop'
	same_as_stdbuf -126 ./loop
}

@test "A usage error gives 125 and points to --help" {
	local arguments

	for arguments in '' '--' '--no-such-option true' '-h' '-x true' '-i' '--idle' '--debug=1 true'; do
		# shellcheck disable=SC2086 # one word or more
		run -125 "$IDLEFLUSH" $arguments
		assert_line --index 0 --regexp '^idleflush: '
		assert_line --index 1 "Try 'idleflush --help' for more information."
		assert_equal "${#lines[@]}" 2
	done
}

# --- options

@test "Each option sets its variable for COMMAND" {
	local option variable value

	while read -r option variable value; do
		run -0 "$IDLEFLUSH" "$option" env
		assert_line "$variable=$value"
	done <<-'END'
		-i7ms IDLEFLUSH_IDLE 7ms
		--idle=.005 IDLEFLUSH_IDLE .005
		-m0 IDLEFLUSH_MAX_AGE 0
		--max-age=1h IDLEFLUSH_MAX_AGE 1h
		--heartbeat=0 IDLEFLUSH_HEARTBEAT 0
		-b64K IDLEFLUSH_BUFFER 64K
		--buffer=1MB IDLEFLUSH_BUFFER 1MB
		--buffer=libc IDLEFLUSH_BUFFER libc
		--signals=none IDLEFLUSH_SIGNALS none
		--signals=sigterm,2 IDLEFLUSH_SIGNALS sigterm,2
		--start=server IDLEFLUSH_START server
		--start=threads IDLEFLUSH_START threads
		--runtimes=perl,ocaml IDLEFLUSH_RUNTIMES perl,ocaml
		--files=*.log,/var/log/* IDLEFLUSH_FILES *.log,/var/log/*
		--only=env,nginx* IDLEFLUSH_ONLY env,nginx*
		--stats IDLEFLUSH_STATS 1
		--stats=1 IDLEFLUSH_STATS 1
		--stats=/dev/null IDLEFLUSH_STATS /dev/null
		--debug IDLEFLUSH_DEBUG 1
	END
}

@test "Each option refuses a bad value, says what is allowed, and runs nothing" {
	local option name value allowed

	while read -r option name value allowed; do
		run -125 "$IDLEFLUSH" "$option$value" touch ran
		assert_line --index 0 --partial "for --$name: '$value' (allowed: $allowed"
		assert_line --index 1 "Try 'idleflush --help' for more information."
	done <<-'END'
		-i idle abc 100us to 1h
		--idle= idle 0 100us to 1h
		--idle= idle -1 100us to 1h
		--idle= idle 2h 100us to 1h
		-m max-age 1us 0, or 100us to 1h
		--heartbeat= heartbeat 1ms 0, or 10ms to 1d
		--heartbeat= heartbeat 1e3 0, or 10ms to 1d
		-b buffer 0 libc, or 1 to 1G
		--buffer= buffer L libc, or 1 to 1G
		--buffer= buffer 2G libc, or 1 to 1G
		--signals= signals KILL all, none, or a list
		--signals= signals TERM, all, none, or a list
		--start= start later constructor, server or threads
		--runtimes= runtimes java all, none, or some of
		--files= files a,,b globs, separated by commas
		--only= only ,a globs, separated by commas
	END
	run -125 "$IDLEFLUSH" --idle=abc true
	assert_line --index 0 "idleflush: invalid TIME for --idle: 'abc' (allowed: 100us to 1h)"
	run -125 "$IDLEFLUSH" --idle=2h true
	assert_line --index 0 "idleflush: TIME out of range for --idle: '2h' (allowed: 100us to 1h)"
	run -125 "$IDLEFLUSH" --stats= true
	assert [ ! -e ran ]
}

@test "A relative file for the counters is made absolute, for COMMAND may change its directory" {
	mkdir some
	run -0 "$IDLEFLUSH" --stats=some/file env
	assert_line "IDLEFLUSH_STATS=$PWD/some/file"
}

@test "An option wins over the environment, the last option over the first" {
	IDLEFLUSH_IDLE=1ms run -0 "$IDLEFLUSH" --idle=2ms -i 3ms env
	assert_line "IDLEFLUSH_IDLE=3ms"
	refute_line "IDLEFLUSH_IDLE=1ms"
}

@test "A bad value in the environment does not keep COMMAND from running" {
	IDLEFLUSH_IDLE=abc IDLEFLUSH_DISABLE=2 run -0 "$IDLEFLUSH" echo ran
	assert_output ran
}

@test "Options end at COMMAND or at --" {
	run -0 "$IDLEFLUSH" printf '%s\n' -i abc --help
	assert_output $'-i\nabc\n--help'
	run -0 "$IDLEFLUSH" -i 1ms -- printf '%s\n' -- --version
	assert_output $'--\n--version'
}

@test "The help fits 80 columns and has every option and exit status" {
	local option

	run -0 --separate-stderr "$IDLEFLUSH" --help
	assert_equal "$stderr" ''
	for option in -i --idle -m --max-age --heartbeat -b --buffer --signals --start --runtimes --files --only \
		--stats --debug --strict --help --version 125 126 127; do
		assert_output --partial " $option"
	done
	run -1 grep -E '.{81}' <<<"$output"
}

@test "The version is that of the source" {
	run -0 "$IDLEFLUSH" --version
	assert_line --index 0 "idleflush $(cat "$BATS_TEST_DIRNAME/../VERSION")"
	assert_line --partial MIT
}

@test "Help that cannot be written gives 125" {
	[ -w /dev/full ] || skip "no /dev/full"
	for option in --help --version; do
		run -125 sh -c '"$1" "$2" >/dev/full' sh "$IDLEFLUSH" "$option"
		assert_output 'idleflush: write error: No space left on device'
		run -125 sh -c '"$1" "$2" >&-' sh "$IDLEFLUSH" "$option"
	done
}

# --- what COMMAND gets

@test "COMMAND gets its arguments unchanged, its own name too" {
	run -0 "$IDLEFLUSH" printf '<%s>' 'a b' '' '*' $'new\nline' '--x=$y'
	assert_output $'<a b><><*><new\nline><--x=$y>'
	run -0 "$IDLEFLUSH" sh -c 'tr "\\0" " " </proc/$$/cmdline'
	assert_output --regexp '^sh -c '
}

@test "COMMAND takes the launcher's place: the same process, no child" {
	run -0 sh -c 'echo $$; exec "$1" sh -c "echo \$\$"' sh "$IDLEFLUSH"
	assert_equal "${lines[0]}" "${lines[1]}"
	root_only
	run -0 as_nobody bash -c 'ulimit -u 0; exec "$1" echo ran' bash "$PUBLIC/idleflush"
	assert_output ran
}

@test "COMMAND gets the environment with nothing but the preload added" {
	run -0 env -i A=1 "B=2 3" "$IDLEFLUSH" env
	assert_line A=1
	assert_line 'B=2 3'
	assert_line "LD_PRELOAD=$LIB"
	assert_equal "${#lines[@]}" 3
}

@test "COMMAND gets no open file from the launcher" {
	run -0 sh -c 'ls /proc/self/fd'
	plain=$output
	run -0 "$IDLEFLUSH" sh -c 'ls /proc/self/fd'
	assert_output "$plain"
}

@test "A disabled idleflush still runs COMMAND, preloaded" {
	IDLEFLUSH_DISABLE=1 run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$LIB"
}

# --- LD_PRELOAD

@test "What is already preloaded stays, and stays first" {
	LD_PRELOAD="$FILES/other.so" run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$FILES/other.so:$LIB"
	LD_PRELOAD="$FILES/other.so $FILES/other.so" run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$FILES/other.so $FILES/other.so:$LIB"
	LD_PRELOAD='' run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$LIB"
}

@test "The library is preloaded once, however often idleflush is nested" {
	run -0 "$IDLEFLUSH" "$IDLEFLUSH" -i 1ms "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD $IDLEFLUSH_IDLE"'
	assert_output "$LIB 1ms"
}

@test "A copy of the library that is preloaded from elsewhere is enough" {
	mkdir copy
	cp "$LIB" copy
	LD_PRELOAD="$FILES/other.so:$PWD/copy/libidleflush.so" run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$FILES/other.so:$PWD/copy/libidleflush.so"
}

@test "A preload of the library that is not there does not count" {
	LD_PRELOAD=/missing/libidleflush.so run -0 --separate-stderr "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "/missing/libidleflush.so:$LIB"
}

@test "The library is found beside the launcher, through a symbolic link too" {
	mkdir bin place
	cp "$IDLEFLUSH" place
	cp "$LIB" place/libidleflush.so
	ln -s ../place/idleflush bin/idleflush
	run -0 env "PATH=$PWD/bin:$PATH" idleflush sh -c 'echo "$LD_PRELOAD"'
	assert_output "$PWD/place/libidleflush.so"
}

@test "Without the library it says where it looked and gives 125" {
	cp "$IDLEFLUSH" .
	run ./idleflush true
	[ "$status" != 0 ] || skip "the library is installed on this machine"
	assert_equal "$status" 125
	assert_output --regexp "^idleflush: cannot find libidleflush.so in $PWD or in /.*idleflush$"
}

@test "A file that is no library is refused with 125" {
	cp "$IDLEFLUSH" .
	touch libidleflush.so
	run -125 ./idleflush true
	assert_output "idleflush: $PWD/libidleflush.so is not a shared library"
	cp "$FILES/dynamic" libidleflush.so
	run -125 ./idleflush true
}

@test "A folder whose name LD_PRELOAD cannot express is refused with 125" {
	local name

	for name in 'with space' 'with:colon' $'with\ttab'; do
		mkdir "$name"
		cp "$IDLEFLUSH" "$name"
		cp "$LIB" "$name/libidleflush.so"
		run -125 "$name/idleflush" touch ran
		assert_output --partial "LD_PRELOAD cannot name"
		assert [ ! -e ran ]
	done
}

# --- where a preload cannot work

@test "An ordinary program is run without a message, under --strict too" {
	script interpreted <<<"#!$FILES/dynamic"
	for command in "$FILES/dynamic" ./interpreted; do
		run -0 "$IDLEFLUSH" --strict "$command"
		assert_output ran
	done
}

@test "A static program runs without a message; --debug reports it in one line, --strict refuses it" {
	local command

	for command in "$FILES/static" "$FILES/static-pie"; do
		run -0 --separate-stderr "$IDLEFLUSH" "$command"
		assert_output ran
		assert_equal "$stderr" ''
		run -0 --separate-stderr "$IDLEFLUSH" --debug "$command"
		assert_equal "$stderr" "idleflush: $command is statically linked: it runs without idleflush"
		run -125 "$IDLEFLUSH" --strict "$command"
		assert_output "idleflush: $command is statically linked"
	done
}

@test "Children of a static program get the preload" {
	echo '#include <unistd.h>
	int main(void) { return execlp("env", "env", (char *)0); }' >child.c
	cc -static -o child child.c
	run -0 "$IDLEFLUSH" ./child
	assert_line "LD_PRELOAD=$LIB"
}

@test "A static interpreter is found behind scripts" {
	ln -s "$FILES/static" static
	script one <<<'#!static'
	script two <<<'#! ./one -x'
	run -0 --separate-stderr "$IDLEFLUSH" --debug ./two
	assert_output ran
	assert_equal "$stderr" "idleflush: static is statically linked: it runs without idleflush"
	run -125 "$IDLEFLUSH" --strict ./two
}

@test "The loader itself as COMMAND is not reported as a static program" {
	local loader

	loader=$(readelf -l "$FILES/dynamic" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
	run -0 "$IDLEFLUSH" --strict "$loader" "$FILES/dynamic"
	assert_output ran
}

@test "A program for another machine gives 126, and no shell tries it" {
	run -126 "$IDLEFLUSH" --debug "$FILES/foreign"
	assert_line --index 0 \
		"idleflush: $FILES/foreign is built for another architecture, s390x: it runs without idleflush"
	assert_line --index 1 \
		"idleflush: failed to run command '$FILES/foreign': Exec format error"
	assert_equal "${#lines[@]}" 2
	run -125 "$IDLEFLUSH" --strict "$FILES/foreign"
	assert_output "idleflush: $FILES/foreign is built for another architecture, s390x"
}

@test "A script without a #! line is run by sh, as stdbuf does" {
	script bare <<<'echo "$1"'
	same_as_stdbuf -0 ./bare hello
	assert_output hello
	script empty </dev/null
	same_as_stdbuf -0 ./empty
	assert_output ''
}

@test "A damaged program gives 126, and no shell tries it" {
	head -c 60 "$FILES/dynamic" >damaged
	chmod +x damaged
	run -126 "$IDLEFLUSH" --strict ./damaged
	assert_output "idleflush: failed to run command './damaged': Exec format error"
}

@test "COMMAND is looked for in PATH as execvp does, and judged there" {
	mkdir first second
	touch first/program
	mkdir first/folder
	cp "$FILES/static" second/program
	run -0 --separate-stderr env "PATH=$PWD/first:$PWD/second" "$IDLEFLUSH" --debug program
	assert_output ran
	assert_equal "$stderr" \
		"idleflush: $PWD/second/program is statically linked: it runs without idleflush"
	cd second
	run -0 --separate-stderr env PATH=/nowhere: "$IDLEFLUSH" --debug program
	assert_output ran
	assert_equal "$stderr" "idleflush: program is statically linked: it runs without idleflush"
	run -127 env PATH=/usr/bin:/bin "$IDLEFLUSH" --debug program
	refute_output --partial static
}

@test "A program that changes the user still runs; --debug reports it in one line" {
	root_only
	cp "$FILES/dynamic" set-uid
	honours_setid .
	chown 65534 set-uid
	chmod 4755 set-uid
	run -0 --separate-stderr "$IDLEFLUSH" --debug ./set-uid
	assert_output ran
	assert_equal "$stderr" \
		"idleflush: ./set-uid changes its user or group ID: it runs without idleflush"
	run -125 "$IDLEFLUSH" --strict ./set-uid
	run -0 setpriv --no-new-privs "$IDLEFLUSH" --strict ./set-uid
	chown 0:65534 set-uid
	chmod 2755 set-uid
	run -125 "$IDLEFLUSH" --strict ./set-uid
	chmod 2745 set-uid
	run -0 "$IDLEFLUSH" --strict ./set-uid
}

@test "A set-uid program of the user who runs it is an ordinary program" {
	cp "$FILES/dynamic" set-uid
	chmod 6755 set-uid
	run -0 "$IDLEFLUSH" --strict ./set-uid
	assert_output ran
}

@test "A program with file capabilities is reported under --debug, except to root" {
	root_only
	honours_setid "$PUBLIC"
	cp "$FILES/dynamic" "$PUBLIC/capable"
	setcap cap_net_raw+ep "$PUBLIC/capable" || skip "no file capabilities here"
	run -0 --separate-stderr as_nobody "$PUBLIC/idleflush" --debug "$PUBLIC/capable"
	assert_output ran
	assert_equal "$stderr" \
		"idleflush: $PUBLIC/capable has file capabilities: it runs without idleflush"
	run -0 "$IDLEFLUSH" --strict "$PUBLIC/capable"
}

@test "An ASan program runs, without the library, unless its runtime comes first" {
	local runtime

	cc -fsanitize=address -o asan "$FILES/ran.c"
	run -1 env "LD_PRELOAD=$LIB" ./asan # the defect
	run -0 --separate-stderr "$IDLEFLUSH" ./asan
	assert_output ran
	assert_equal "$stderr" ''
	run -0 --separate-stderr "$IDLEFLUSH" nohup timeout 20 ./asan
	assert_output ran
	run -125 "$IDLEFLUSH" --strict ./asan
	assert_output --partial 'AddressSanitizer will not start'
	runtime=$(realpath "$(cc -print-file-name=libasan.so)")
	LD_PRELOAD=$runtime run -0 "$IDLEFLUSH" --strict ./asan
}

@test "A 32-bit program gets no library that its loader would complain about, nor behind a script" {
	cat >narrow.c <<-'END'
		#include <unistd.h>
		int main(void) { return write(1, "ran\n", 4) != 4; }
	END
	cc -m32 -o narrow narrow.c 2>/dev/null || skip "no 32-bit libc here"
	script starts <<<$'#!/bin/sh\nexec ./narrow'
	for command in ./narrow ./starts; do
		run -0 --separate-stderr "$IDLEFLUSH" "$command"
		assert_output ran
		assert_equal "$stderr" ''
		run -125 "$IDLEFLUSH" --strict "$command"
		assert_output --partial 'is built for another architecture, i386'
	done
}

@test "What the launcher does for a COMMAND is what --check says of it" {
	local line command verdict

	script starts <<<$'#!/bin/sh\nexec "$@"'
	for line in "$FILES/dynamic" "$FILES/static" "./starts $FILES/dynamic" \
		"./starts $FILES/static" "env $FILES/dynamic" "timeout --signal KILL 10 $FILES/static" \
		"env -u LD_PRELOAD $FILES/dynamic"; do
		read -ra command <<<"$line"
		run "$IDLEFLUSH" --check "${command[@]}"
		verdict=${lines[-1]}
		if [ "$status" = 1 ]; then
			run -125 "$IDLEFLUSH" --strict "${command[@]}"
			assert_equal "verdict    it will not work: ${output#idleflush: }" "$verdict"
		else
			assert_equal "$verdict" 'verdict    it works'
			run -0 "$IDLEFLUSH" --strict "${command[@]}"
		fi
	done
}

@test "A bare name in LD_PRELOAD counts only if the loader finds it" {
	LD_PRELOAD=libidleflush.so run -0 --separate-stderr "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output "libidleflush.so:$LIB"
	mkdir copy
	cp "$LIB" copy/libidleflush.so
	LD_PRELOAD=libidleflush.so LD_LIBRARY_PATH=$PWD/copy run -0 "$IDLEFLUSH" sh -c 'echo "$LD_PRELOAD"'
	assert_output libidleflush.so
}

@test "A program that may be executed but not read is run without a message" {
	root_only
	chmod 711 "$PUBLIC/dynamic"
	chown 1 "$PUBLIC/dynamic"
	run -0 as_nobody "$PUBLIC/idleflush" --strict "$PUBLIC/dynamic"
	assert_output ran
	honours_setid "$PUBLIC"
	chmod 4711 "$PUBLIC/dynamic"
	run -125 as_nobody "$PUBLIC/idleflush" --strict "$PUBLIC/dynamic"
	assert_output "idleflush: $PUBLIC/dynamic changes its user or group ID"
}

@test "A script that sets LD_PRELOAD itself can ask where the library is" {
	run -0 "$IDLEFLUSH" --print-library
	assert_output "$LIB"
	# shellcheck disable=SC2016 # the dollar is for that shell
	run -0 sh -c 'LD_PRELOAD=$("$0" --print-library) exec "$1"' "$IDLEFLUSH" "$PROGS/state"
	assert_output --partial threads=2
	run -125 "$IDLEFLUSH" --print-library true
	assert_output --partial 'run no COMMAND'
	run -125 sh -c '"$0" --print-library >/dev/full' "$IDLEFLUSH"
	assert_output --partial 'write error'
}

@test "--copy-to copies command and library, and a process that has loaded an older copy keeps it" {
	local dir=$BATS_TEST_TMPDIR/copy
	mkdir "$dir"
	"$IDLEFLUSH" --copy-to="$dir"
	cmp "$dir/idleflush" "$IDLEFLUSH"
	cmp "$dir/libidleflush.so" "$LIB"
	start_server old "$dir/idleflush" "$PROGS/server"
	"$IDLEFLUSH" --copy-to="$dir"
	grep -q "$dir/libidleflush.so (deleted)" "/proc/$(pid_of old)/maps"
	request "$(port_of old)" 1
	wait_until 5 arrived old 1
	# Removed altogether: what runs goes on, what starts is told by the loader, and runs as it is.
	rm "$dir/libidleflush.so"
	request "$(port_of old)" 2
	wait_until 5 arrived old 2
	stop_server old
	run -0 env LD_PRELOAD="$dir/libidleflush.so" "$PROGS/state"
	assert_output --partial 'cannot be preloaded'
	assert_output --partial threads=1

	run -125 "$IDLEFLUSH" --copy-to="$dir/nosuch"
	assert_output --partial 'No such file or directory'
	run -125 "$IDLEFLUSH" --copy-to=/proc
	assert_equal "$(ls -A "$dir")" idleflush
}

# --- the line of counters

@test "The line of counters is there or lost: never elsewhere, and nothing waits for it" {
	mkfifo fifo
	run -0 timeout 20 "$IDLEFLUSH" --stats=fifo "$FILES/dynamic" # nobody reads it
	if [ -w /dev/full ]; then
		run -0 timeout 20 "$IDLEFLUSH" --stats=/dev/full "$FILES/dynamic"
	fi
	# Closed at start, number 2 becomes a file of the program's, or a replaced one.
	for line in 'exec 2>data' 'exec 2>&-; exec 2>data' 'exec 2>&-'; do
		rm -f data
		: >data
		run -0 --separate-stderr timeout 20 "$IDLEFLUSH" --stats --debug bash -c "$line; echo ran"
		assert_output ran
		run -1 grep idleflush data
	done
	run -0 timeout 20 bash -c '"$1" --stats --debug bash -c "exec 2>data; echo ran" 2>&-' bash "$IDLEFLUSH"
	run -1 grep idleflush data
}

@test "There is one line of counters, at the end, whatever was executed before" {
	run -0 --separate-stderr timeout 20 "$IDLEFLUSH" --stats bash -c \
		'shopt -s execfail; exec /no/such/program; exec /no/such/other; exec env env bash -c :'
	assert_equal "$(grep -c responses= <<<"$stderr")" 1
	ln -s "$FILES/dynamic" $'new\nline'
	run -0 --separate-stderr timeout 20 "$IDLEFLUSH" --stats ./$'new\nline'
	assert_equal "$(wc -l <<<"$stderr")" 1
	assert_equal "$(grep -c ' program=new?line ' <<<"$stderr")" 1
}

@test "A clock that a preload before the library has frozen stops nothing of it" {
	local faketime

	faketime=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
	[ -e "$faketime" ] || skip "libfaketime is not here"
	cat >ticks.c <<-'END'
		#include <stdio.h>
		int main(void)
		{
			for (long i = 0;; i++)
				if (i % 30000000 == 0)
					printf("tick %ld\n", i);
		}
	END
	cc -o ticks ticks.c
	run -124 timeout 2 bash -c 'FAKETIME="2020-01-01 00:00:00" LD_PRELOAD=$1 exec ./ticks >plain' - "$faketime"
	assert_equal "$(wc -c <plain)" 0
	FAKETIME='2020-01-01 00:00:00' LD_PRELOAD=$faketime "$IDLEFLUSH" ./ticks > >(cat >lines) 3>&- &
	wait_until 20 grep -q tick lines || { kill $!; false; }
	kill $!
}
