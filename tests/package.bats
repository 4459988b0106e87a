#!/usr/bin/env bats
# package.bats -- make install, uninstall, deb and dist; the manual page and the completion
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # a dollar in single quotes is for COMMAND

load helper

# Some tests build everything, optimized, for two machines.
export BATS_TEST_TIMEOUT=600

# Without the options and the job server of a make that may run this suite; in a build folder apart.
build() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -j2 -C "${TREE:-$ROOT}" B="$BUILT" "$@" \
		>"$BATS_TEST_TMPDIR/make.log" 2>&1 || {
		cat "$BATS_TEST_TMPDIR/make.log"
		return 1
	}
}

setup_file() {
	export BATS_NO_PARALLELIZE_WITHIN_FILE=true # one build folder for all
	BUILT=$BATS_FILE_TMPDIR/build
	TRIPLET=$(cc -dumpmachine)
	export BUILT TRIPLET
}

# The package, built once; `deb_path` names it.
build_deb() {
	deb_path >/dev/null || build deb
}

deb_path() {
	compgen -G "$BUILT/idleflush_*.deb"
}

files_of() {
	(cd "$1" && find . -type f | sort)
}

@test "make install puts four files where they belong, and make uninstall removes them" {
	build install DESTDIR="$BATS_TEST_TMPDIR/root"
	assert_equal "$(files_of "$BATS_TEST_TMPDIR/root")" "./usr/local/bin/idleflush
./usr/local/lib/$TRIPLET/idleflush/libidleflush.so
./usr/local/share/bash-completion/completions/idleflush
./usr/local/share/man/man1/idleflush.1"
	build uninstall DESTDIR="$BATS_TEST_TMPDIR/root"
	assert_equal "$(files_of "$BATS_TEST_TMPDIR/root")" ''
	assert_not_exist "$BATS_TEST_TMPDIR/root/usr/local/lib/$TRIPLET/idleflush"
	# A second uninstall, with nothing left to remove.
	build uninstall DESTDIR="$BATS_TEST_TMPDIR/root"
}

@test "Paths with spaces are installed to; the loader cannot name them, and idleflush says so" {
	local odd="$BATS_TEST_TMPDIR/a root" prefix="$BATS_TEST_TMPDIR/an opt"
	build install DESTDIR="$odd"
	assert_exist "$odd/usr/local/lib/$TRIPLET/idleflush/libidleflush.so"
	build uninstall DESTDIR="$odd"
	assert_equal "$(files_of "$odd")" ''
	build install PREFIX="$prefix"
	run -125 "$prefix/bin/idleflush" true
	assert_output --partial 'LD_PRELOAD cannot name a path with spaces or colons'
	build uninstall PREFIX="$prefix"
	assert_equal "$(files_of "$prefix")" ''
	# A path without spaces and colons may have any other character.
	prefix="$BATS_TEST_TMPDIR/ünder%&;x,(y)"
	build install PREFIX="$prefix"
	run -0 "$prefix/bin/idleflush" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$prefix/lib/$TRIPLET/idleflush/libidleflush.so"
}

@test "An installed launcher finds its library under PREFIX and LIBDIR, wherever they are" {
	local prefix=$BATS_TEST_TMPDIR/opt
	build install PREFIX="$prefix"
	run -0 "$prefix/bin/idleflush" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$prefix/lib/$TRIPLET/idleflush/libidleflush.so"
	build install PREFIX="$prefix" LIBDIR="$prefix/lib64"
	run -0 "$prefix/bin/idleflush" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$prefix/lib64/idleflush/libidleflush.so"
	# The control: without the library it has nothing to load.
	rm "$prefix/lib64/idleflush/libidleflush.so"
	run -125 "$prefix/bin/idleflush" true
}

@test "The manual page has nothing that mandoc would change" {
	command -v mandoc >/dev/null || skip "mandoc is not here"
	# mandoc also warns of pages that are not installed; that is not our concern.
	run mandoc -T lint -W style "$ROOT/shim/command/idleflush.1"
	assert_equal "$(grep -v 'mandoc.db lacks' <<<"$output")" ''
	for section in ENVIRONMENT 'EXIT STATUS' EXAMPLES LIMITS; do
		grep -q "^\.Sh $section\$" "$ROOT/shim/command/idleflush.1"
	done
}

@test "The manual page has every option and every variable, with their defaults" {
	local page word
	page=$(sed 's/^\.It Fl/.It Fl/; s/ Fl -/ --/g; s/ Ns = Ns Ar.*//; s/ Ns Op.*//' "$ROOT/shim/command/idleflush.1")
	while read -r word; do
		grep -qE -- "^\.It.* $word( |\$)" <<<"$page" || fail "$word is not in the manual page"
	done < <("$IDLEFLUSH" --help | grep -oE '^ +(-[a-z],)? +--[a-z-]+' | grep -oE -- '--[a-z-]+')
	while read -r word; do
		grep -q "^\.It Ev $word\$" <<<"$page" || fail "$word is not in the manual page"
	done < <(grep -oE 'IDLEFLUSH_[A-Z_]+"' "$ROOT/shim/shared/config.c" | tr -d '"' | sort -u)
	while read -r word; do
		grep -qF " $word" <<<"$page" || fail "the default $word is not in the manual page"
	done < <("$IDLEFLUSH" --help | sed -n 's/.*default: \([0-9A-Z][0-9A-Za-z,]*\)$/\1/p')
}

# complete LINE: prints what completion offers at the end of the line.
complete_line() {
	bash -c '
		. /usr/share/bash-completion/bash_completion
		. "$1"
		COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
		read -ra COMP_WORDS <<<"${2//=/ = }"
		case $2 in *[\ =]) COMP_WORDS+=("") ;; esac
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_idleflush "$3" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" 2>/dev/null
		echo "${COMPREPLY[*]}"
	' - "$ROOT/shim/command/idleflush.bash" "$1" "$IDLEFLUSH"
}

@test "Completion offers options, their values, and what the command would" {
	[ -e /usr/share/bash-completion/bash_completion ] || skip "bash-completion is not here"
	cd "$ROOT"
	assert_equal "$(complete_line 'idleflush --m')" --max-age=
	assert_equal "$(complete_line 'idleflush --st')" '--start= --stats --strict'
	assert_equal "$(complete_line 'idleflush --start=')" 'constructor server threads'
	assert_equal "$(complete_line 'idleflush --start s')" server
	assert_equal "$(complete_line 'idleflush --signals=T')" TERM
	assert_equal "$(complete_line 'idleflush --idle=5ms cat shim/command/ma')" shim/command/main.c
	assert_equal "$(complete_line 'idleflush -i 5ms cat shim/command/ma')" shim/command/main.c
	assert_equal "$(complete_line 'idleflush cat --nosuch')" ''
}

@test "make deb makes a package that lintian accepts" {
	command -v dpkg-deb >/dev/null || skip "dpkg is not here"
	build_deb
	run -0 dpkg-deb --field "$(deb_path)"
	assert_line --regexp '^Version: [0-9.]+-0upstream1$'
	assert_line --regexp '^Depends: libc6 \(>= 2\.[0-9]+\)$'
	command -v lintian >/dev/null || skip "lintian is not here"
	run -0 lintian --allow-root --fail-on error,warning "$(deb_path)" 2>&1
	assert_output ''
}

@test "The package installs, upgrades and goes away again without a trace" {
	command -v dpkg-deb >/dev/null || skip "dpkg is not here"
	[ "$(id -u)" = 0 ] || skip "dpkg --root needs root"
	build_deb
	cd "$BATS_TEST_TMPDIR"
	mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates
	touch root/var/lib/dpkg/status
	# That root has no libc and no shell.
	run -0 dpkg --root=root --force-depends --install "$(deb_path)"
	assert_exist "root/usr/lib/$TRIPLET/idleflush/libidleflush.so"
	cmp "root/usr/bin/idleflush" "$BUILT/deb/idleflush"

	# The same package of a later version, without one of the files.
	dpkg-deb --raw-extract "$(deb_path)" later
	sed -i 's/^Version: .*/Version: 99/' later/DEBIAN/control
	rm -r later/usr/share/man
	dpkg-deb --root-owner-group --build later later.deb >/dev/null
	run -0 dpkg --root=root --force-depends --install later.deb
	assert_output --partial 'over (0.'
	assert_not_exist root/usr/share/man
	assert_exist root/usr/bin/idleflush

	run -0 dpkg --root=root --purge idleflush
	assert_not_exist root/usr
}

@test "make dist holds both machines' programs and has the same bytes wherever it is made" {
	command -v aarch64-linux-gnu-gcc >/dev/null || skip "no cross compiler here (gcc-aarch64-linux-gnu)"
	local name
	name=idleflush-$(cat "$ROOT/VERSION")
	build dist SOURCE_DATE_EPOCH=1700000000
	mv "$BUILT/$name.tar.gz" "$BATS_TEST_TMPDIR/first.tar.gz"

	mkdir "$BATS_TEST_TMPDIR/copy"
	(cd "$ROOT" && cp -R Makefile VERSION README.md CHANGELOG.md LICENSE shim examples "$BATS_TEST_TMPDIR/copy")
	chmod -R go= "$BATS_TEST_TMPDIR/copy"
	TREE=$BATS_TEST_TMPDIR/copy BUILT=$BATS_TEST_TMPDIR/copy/out
	build dist SOURCE_DATE_EPOCH=1700000000
	cmp "$BUILT/$name.tar.gz" "$BATS_TEST_TMPDIR/first.tar.gz"

	tar -C "$BATS_TEST_TMPDIR" -xzf "$BUILT/$name.tar.gz"
	cd "$BATS_TEST_TMPDIR/$name"
	for machine in x86_64/X86-64 aarch64/AArch64; do
		run -0 readelf -h "${machine%/*}/idleflush" "${machine%/*}/libidleflush.so"
		assert_equal "$(grep -c "Machine:.*${machine#*/}" <<<"$output")" 2
	done
	# The launcher runs from where it was unpacked, without a libc.
	run -0 "$(uname -m)/idleflush" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$PWD/$(uname -m)/libidleflush.so"
	run readelf -lW "$(uname -m)/idleflush"
	refute_output --partial INTERP
}
