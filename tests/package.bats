#!/usr/bin/env bats
# package.bats -- make install, uninstall, deb, rpm, dist and image; the manual page and the completion
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2030,SC2031 # a dollar in single quotes is for COMMAND

load helper
load engine

# Some tests build everything, optimized, for two machines.
export BATS_TEST_TIMEOUT=900

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
	local staged=$BATS_TEST_TMPDIR/staged
	local library=$staged/usr/local/lib/$TRIPLET/idleflush/libidleflush.so
	build install DESTDIR="$staged"
	assert_equal "$(files_of "$staged")" "./usr/local/bin/idleflush
./usr/local/lib/$TRIPLET/idleflush/libidleflush.so
./usr/local/share/bash-completion/completions/idleflush
./usr/local/share/man/man1/idleflush.1"
	# Not written in place, where processes may have it mapped.
	ln "$library" "$BATS_TEST_TMPDIR/mapped"
	build install DESTDIR="$staged"
	refute [ "$library" -ef "$BATS_TEST_TMPDIR/mapped" ]
	build uninstall DESTDIR="$staged"
	assert_equal "$(files_of "$staged")" ''
	assert_not_exist "${library%/*}"
	# A second uninstall, with nothing left to remove.
	build uninstall DESTDIR="$staged"
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
	assert_equal "$(grep -v 'mandoc.db lacks\|referenced manual not found' <<<"$output")" ''
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
	cmp "root/usr/bin/idleflush" "$BUILT/packaged/root.deb/usr/bin/idleflush"

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

@test "make install strips the files, unless STRIP is empty" {
	local root=$BATS_TEST_TMPDIR/root file
	build install DESTDIR="$root/stripped"
	build install DESTDIR="$root/whole" STRIP=
	for file in bin/idleflush "lib/$TRIPLET/idleflush/libidleflush.so"; do
		run -0 readelf -SW "$root/stripped/usr/local/$file"
		refute_output --partial .symtab
		refute_output --partial .debug_info
		run -0 readelf -SW "$root/whole/usr/local/$file"
		assert_output --partial .symtab
	done
	assert_equal "$(stat -c %a "$root/stripped/usr/local/lib/$TRIPLET/idleflush/libidleflush.so")" 644
	run -0 env LD_PRELOAD="$root/stripped/usr/local/lib/$TRIPLET/idleflush/libidleflush.so" "$PROGS/state"
	assert_output 'threads=2 then=2 secure=0'
}

rpm_path() {
	compgen -G "$BUILT/idleflush-*.rpm"
}

@test "make rpm makes a package that rpmlint accepts" {
	command -v rpmbuild >/dev/null || skip "rpmbuild is not here (rpm)"
	rpm_path >/dev/null || build rpm
	run -0 rpm -qp --queryformat '%{NAME} %{LICENSE} [%{FILENAMES}\n]' "$(rpm_path)"
	assert_line --partial 'idleflush MIT /usr/bin/idleflush'
	assert_line --partial /usr/lib64/idleflush/libidleflush.so
	# Neither the library's needs nor scriptlets.
	run -0 rpm -qp --requires "$(rpm_path)"
	refute_output --partial libpthread
	assert_equal "$(rpm -qp --scripts "$(rpm_path)")" ''
	command -v rpmlint >/dev/null || skip "rpmlint is not here"
	run -0 rpmlint -c "$ROOT/examples/rpm/rpmlint.toml" "$(rpm_path)"
	assert_output --partial '0 errors, 0 warnings'
}

@test "The rpm serves programs of glibc and of musl in a root of its own, and goes away again" {
	command -v rpmbuild >/dev/null || skip "rpmbuild is not here (rpm)"
	command -v musl-gcc >/dev/null || skip "no musl-gcc here (musl-tools)"
	[ "$(id -u)" = 0 ] || skip "rpm --root and chroot take root"
	rpm_path >/dev/null || build rpm
	local root=$BATS_TEST_TMPDIR/root
	mkdir -p "$root/proc"
	rpm() { command rpm --root "$root" --dbpath /var/lib/rpm "$@" 2>/dev/null; }
	rpm --nodeps --install "$(rpm_path)"
	musl-gcc -D_GNU_SOURCE -std=c11 -o "$BATS_TEST_TMPDIR/musl" "$ROOT/tests/fixtures/state.c" -pthread
	cp "$PROGS/state" "$BATS_TEST_TMPDIR/glibc"
	add_programs "$root" "$BATS_TEST_TMPDIR/glibc" "$BATS_TEST_TMPDIR/musl"
	in_root() {
		unshare --mount sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" "$@"
	}
	for program in glibc musl; do
		run -0 in_root "$program"
		assert_output 'threads=1 then=1 secure=0'
		run -0 in_root idleflush --strict "$program"
		assert_output 'threads=2 then=2 secure=0'
	done
	rpm --erase idleflush
	assert_not_exist "$root/usr/bin/idleflush"
	assert_not_exist "$root/usr/lib64/idleflush"
}

@test "make dist holds both machines' programs, their sums and what they are made of" {
	command -v aarch64-linux-gnu-gcc >/dev/null || skip "no cross compiler here (gcc-aarch64-linux-gnu)"
	local name machine
	name=idleflush-$(cat "$ROOT/VERSION")
	build dist
	cd "$BUILT"
	sha256sum --check "$name.sha256"
	tar -C "$BATS_TEST_TMPDIR" -xzf "$name.tar.gz"
	run -0 /usr/bin/python3 - "$name" "$BATS_TEST_TMPDIR/$name" <<-'END'
		import hashlib, json, os, sys
		bill, folder = json.load(open(sys.argv[1] + ".spdx.json")), sys.argv[2]
		told = {f["fileName"]: {c["algorithm"]: c["checksumValue"] for c in f["checksums"]} for f in bill["files"]}
		found = ["./" + os.path.relpath(os.path.join(d, f), folder) for d, _, files in os.walk(folder) for f in files]
		assert sorted(told) == sorted(found), set(told) ^ set(found)
		for name, sums in told.items():
		    content = open(os.path.join(folder, name), "rb").read()
		    assert sums["SHA256"] == hashlib.sha256(content).hexdigest(), name
		ids = [e["SPDXID"] for e in bill["files"] + bill["packages"]] + [bill["SPDXID"]]
		assert len(ids) == len(set(ids))
		assert bill["spdxVersion"] == "SPDX-2.3"
		for r in bill["relationships"]:
		    assert r["spdxElementId"] in ids and r["relatedSpdxElement"] in ids, r
	END
	cd "$BATS_TEST_TMPDIR/$name"
	for machine in x86_64/X86-64 aarch64/AArch64; do
		run -0 readelf -h "${machine%/*}/idleflush" "${machine%/*}/libidleflush.so"
		assert_equal "$(grep -c "Machine:.*${machine#*/}" <<<"$output")" 2
	done
	# It runs from where it was unpacked, and needs no libc for that.
	run -0 "$(uname -m)/idleflush" sh -c 'echo "$LD_PRELOAD"'
	assert_output "$PWD/$(uname -m)/libidleflush.so"
	run readelf -lW "$(uname -m)/idleflush"
	refute_output --partial INTERP
}

# make release compares everything; this, what takes little time.
@test "Archive and image have the same bytes wherever they are made, for one machine if need be" {
	local only file
	only=MACHINES=$(uname -m)
	build dist image-file "$only" SOURCE_DATE_EPOCH=1700000000
	mkdir "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/copy"
	mv "$BUILT"/idleflush-*.{tar.gz,sha256,spdx.json} "$BUILT"/*.image.tar "$BATS_TEST_TMPDIR/first"

	(cd "$ROOT" && cp -R Makefile VERSION README.md CHANGELOG.md LICENSE shim examples "$BATS_TEST_TMPDIR/copy")
	chmod -R go= "$BATS_TEST_TMPDIR/copy"
	TREE=$BATS_TEST_TMPDIR/copy BUILT=$BATS_TEST_TMPDIR/copy/out
	build dist image-file "$only" SOURCE_DATE_EPOCH=1700000000
	for file in "$BATS_TEST_TMPDIR"/first/*; do
		cmp "$file" "$BUILT/${file##*/}"
	done
	run -0 grep 'dist: for' "$BATS_TEST_TMPDIR/make.log"
	assert_output --partial "for $(uname -m) only; the other one takes"
	run -0 tar -tzf "$BUILT/idleflush-$(cat "$ROOT/VERSION").tar.gz"
	assert_equal "$(grep -c '/libidleflush.so$' <<<"$output")" 1
}

@test "tests/need installs packages without starting a daemon, and leaves no policy behind" {
	[ "$(id -u)" = 0 ] || skip "a mount takes root"
	local fake=$BATS_TEST_TMPDIR/fake
	mkdir -p "$fake" "$BATS_TEST_TMPDIR/sbin"
	# Nothing is installed, as far as dpkg knows, and apt-get installs nothing.
	printf '#!/bin/sh\nexit 1\n' >"$fake/dpkg-query"
	printf '#!/bin/sh\n/usr/sbin/policy-rc.d webfs start; echo "policy $?" >>"$LOG"\n' >"$fake/apt-get"
	chmod 755 "$fake"/*
	LOG=$BATS_TEST_TMPDIR/log PATH=$fake:$PATH run -0 unshare --mount sh -c \
		'mount --bind "$1" /usr/sbin && sh "$2/tests/need" demo' - "$BATS_TEST_TMPDIR/sbin" "$ROOT"
	assert_equal "$(cat "$BATS_TEST_TMPDIR/log")" 'policy 101'
	assert_equal "$(ls "$BATS_TEST_TMPDIR/sbin")" ''
}
