#!/usr/bin/env bats
# systemwide.bats -- with the library in /etc/ld.so.preload every program of a system works as before
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # a dollar in single quotes is for a shell of that system
#
# The system is this machine's own, under an overlay in a mount and pid namespace, so that it is not
# changed. Our Debian package is installed there, and each task below runs twice, without the library
# and with it in each program; output and exit status must be the same.

load helper

# A name, then a line of shell.
TASKS=(
	loaded 'grep -c libidleflush /proc/self/maps'
	awake './state; cp state server; ./server; IDLEFLUSH_ONLY=server ./state;
		IDLEFLUSH_ONLY=server ./server'
	setid 'setpriv --reuid=65534 --clear-groups ./setgid'
	package 'apt-get install -y ./thing.deb && thing && id -un thinguser &&
		apt-get install -y --reinstall ./idleflush.deb && apt-get purge -y thing && ! id thinguser'
	shells 'sh ./work.sh; bash ./work.sh; su -s /bin/sh nobody -c "id -un; exit 3"'
	tools 'seq 20000 | sort -R | sort -n | awk "{ s += \$1 } END { print s }" | sed s/0/o/g
		find /usr/include -name "*.h" | sort | xargs cat | md5sum
		tar -c /etc/init.d | tar -t | wc -l
		seq 100000 | gzip | gunzip | tail -n 1
		perl -e "\$| = 1; print sort(qw(b a)), fork ? (wait && qq(p\n)) : qq(c\n)"'
	compiler 'gcc -O2 -flto -o hello hello.c && ./hello
		g++ -O2 -o hellopp hello.cc && ./hellopp
		gcc -c nosuch.c'
	build 'make -s -j2 -C source deb 2>&1 && dpkg-deb -c source/build/*.deb'
	git 'git init -q repo && cd repo && git config user.email a@b && git config user.name a &&
		git commit -q --allow-empty -m x && git log --format=%s && git clone -q . copy && git -C copy fsck'
	python '/usr/bin/python3 work.py'
	node 'node work.js'
	java 'java Work.java'
	debugger 'gdb -q -batch -ex run -ex "print 6 * 7" ./true | tail -n 1; valgrind -q ./true'
)

setup_file() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		cannot_run "a copy of the whole system takes root, and Debian's apt-get"
		return
	fi
	local dir=$BATS_FILE_TMPDIR i names=()
	mkdir "$dir/mnt" "$dir/out" "$dir/files"
	if ! enter true >"$dir/log" 2>&1; then
		cannot_run "no overlay can be mounted here: $(tail -n 1 "$dir/log")"
		return
	fi
	(prepare "$dir/files") >"$dir/log" 2>&1 || {
		cat "$dir/log" >&2
		return 1
	}
	for ((i = 0; i < ${#TASKS[@]}; i += 2)); do
		names+=("${TASKS[i]}")
		echo "${TASKS[i + 1]}" >"$dir/files/task.${TASKS[i]}"
	done
	enter ./run.sh plain "${names[@]}"
	enter ./run.sh preloaded "${names[@]}"
}

enter() {
	unshare --mount --pid --fork --kill-child "$ROOT/tests/fixtures/systemwide/enter.sh" \
		"$BATS_FILE_TMPDIR" "$@" </dev/null 3>&-
}

# The files that the tasks work on.
prepare() {
	cd "$1" || return
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$ROOT" B="$PWD/built" deb
	mv built/*.deb idleflush.deb
	rm -r built
	cp "$ROOT"/tests/fixtures/systemwide/* .
	echo 'int puts(const char *); int main(void) { return puts("hello") < 0; }' >hello.c
	printf '#include <iostream>\nint main() { std::cout << "hello" << std::endl; }\n' >hello.cc
	cp /bin/true "$PROGS/state" .
	cp state setgid
	chgrp 12 setgid
	chmod g+s setgid
	mkdir source
	(cd "$ROOT" && cp -R Makefile VERSION README.md CHANGELOG.md LICENSE shim examples "$1/source")

	# A package with maintainer scripts that call what such scripts usually call.
	mkdir -p thing/DEBIAN thing/usr/bin thing/usr/share/man/man1
	printf '#!/bin/sh\necho a thing\n' >thing/usr/bin/thing
	printf '.TH THING 1\n' >thing/usr/share/man/man1/thing.1
	cat >thing/DEBIAN/control <<-END
		Package: thing
		Version: 1
		Architecture: all
		Maintainer: Nobody <nobody@localhost>
		Description: a thing
	END
	cat >thing/DEBIAN/postinst <<-'END'
		#!/bin/sh
		set -e
		adduser --system --no-create-home --quiet thinguser
		update-alternatives --install /usr/bin/athing athing /usr/bin/thing 1
		perl -e 'print "perl of $ARGV[0]\n"' "$1"
	END
	cat >thing/DEBIAN/prerm <<-'END'
		#!/bin/bash
		set -e
		update-alternatives --remove athing /usr/bin/thing
		deluser --quiet thinguser
	END
	echo 'activate-noawait ldconfig' >thing/DEBIAN/triggers
	chmod 755 thing/DEBIAN/p* thing/usr/bin/thing
	dpkg-deb --root-owner-group --build thing thing.deb >/dev/null
	chmod -R go+rX "$1"
}

setup() {
	skip_if_cannot
}

# same TASK [TOOL...]: with the library in each program it ends as without.
same() {
	local task=$1 tool
	shift
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not here"
	done
	run -0 diff -u "$BATS_FILE_TMPDIR/out/plain/$task" "$BATS_FILE_TMPDIR/out/preloaded/$task"
	run -0 said preloaded "$task"
}

# said SYSTEM TASK
said() {
	cat "$BATS_FILE_TMPDIR/out/$1/$2"
}

@test "The package's library is in every program, and awake" {
	assert_equal "$(said plain loaded)" $'0\nexit 1'
	assert [ "$(said preloaded loaded | head -n 1)" -ge 1 ]
	assert_equal "$(said plain awake | sort -u)" $'exit 0\nthreads=1 then=1 secure=0'
	run -0 said preloaded awake
	assert_line --index 0 'threads=2 then=2 secure=0'
	assert_line --index 1 'threads=2 then=2 secure=0'
	refute_output --partial 'cannot be preloaded'
}

@test "With IDLEFLUSH_ONLY the preloaded library is awake only in the program named" {
	run -0 said preloaded awake
	assert_line --index 2 'threads=1 then=1 secure=0'
	assert_line --index 3 'threads=2 then=2 secure=0'
}

@test "The preloaded library sleeps in a set-id program" {
	same setid
	case $output in
	*secure=0*) skip "a file system without set-id programs" ;;
	esac
	assert_line 'threads=1 then=1 secure=1'
}

@test "apt-get installs, replaces and removes packages with maintainer scripts" {
	same package adduser
	assert_line 'perl of configure'
	assert_line thinguser
	assert_line 'exit 0'
}

@test "Shells, jobs, traps and a change of user work with the library in every program" {
	same shells
	assert_line 'crashed: 139'
	assert_line nobody
	assert_line 'exit 3'
}

@test "Pipelines of the usual tools, and perl, work with the library in every program" {
	same tools
	assert_line 100000
	assert_line 'exit 0'
}

@test "A compiler works, and reports errors, with the library in every program" {
	same compiler g++
	assert_equal "$(grep -c '^hello$' <<<"$output")" 2
	assert_line 'exit 1'
}

@test "A whole package builds with the library in every program" {
	same build
	assert_output --partial usr/bin/idleflush
	assert_line 'exit 0'
}

@test "git and the processes it starts work with the library in every program" {
	same git git
	assert_line 'exit 0'
}

@test "Python works with the library in every program: subprocess, threads, asyncio, signals, fork" {
	same python
	assert_line 'file: into a file'
	assert_line 'exit 5'
}

@test "Node works with the library in every program: processes, worker threads, a server" {
	same node node
	assert_line 'answer: hello'
	assert_line 'exit 5'
}

@test "Java works with the library in every program: a compiler, a process, a thread, a server" {
	same java javac
	assert_line 'answer: hello'
	assert_line 'exit 5'
}

@test "A debugger and valgrind work with the library in every program" {
	same debugger gdb valgrind
	assert_line '$1 = 42'
	assert_line 'exit 0'
}
