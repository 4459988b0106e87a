#!/usr/bin/env bats
# commands.bats -- each command of the README, of the examples and of the guide, word for word
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2153 # a dollar in single quotes is for another shell
#
# A line that stands indented in one of these pages is a command. It is run as it is, in the root of a
# bare Debian (make check-commands), unless it is listed here with the test that runs it, or with the
# reason why none does. So a new one cannot be forgotten.

# It installs packages and builds everything, for two machines, twice.
export BATS_TEST_TIMEOUT=3000

load helper
load system

PAGES=(README.md examples/{debian,rpm,release,python,docker,kubernetes,systemd,supervisors}/README.md
	docs/{do-i-need-it,production,troubleshooting,tuning}.md)

# PAGE|BEGINNING OF THE LINE|SUITE "TEST", or a reason
ELSEWHERE='
README.md|idleflush COMMAND|a synopsis
README.md|make check|it is what runs these tests
README.md|FROM your-server|docker.bats "Typical servers are fresh"
README.md|COPY --from=idleflush|docker.bats "Typical servers are fresh"
README.md|ENV LD_PRELOAD=|docker.bats "Typical servers are fresh"
examples/docker/README.md|make image|docker.bats "Docker alone makes an image"
examples/docker/README.md|docker build -t fresh|docker.bats "Typical servers are fresh"
examples/docker/README.md|docker run fresh|docker.bats "Typical servers are fresh"
examples/docker/README.md|docker build -t idleflush|docker.bats "Docker alone makes an image"
examples/kubernetes/README.md|kubectl|no cluster is here; examples.bats "A Kubernetes policy gives labelled pods"
examples/rpm/README.md|dnf install|Debian has its packages by apt; package.bats "The rpm serves programs"
examples/systemd/README.md|install|systemd.bats "By the README"
examples/systemd/README.md|systemctl|systemd.bats "By the README"
docs/production.md|docker exec|docker.bats "In a container --check looks"
docs/production.md|kubectl|no cluster is here; docker.bats "In a container --check looks"
'

# commands PAGE: its lines, each as it is typed.
commands() {
	sed -n 's/^    \([^ ]\)/\1/p' "$ROOT/${1:?}"
}

# elsewhere PAGE LINE: what the list says of it; false if it says nothing.
elsewhere() {
	local page beginning reason
	while IFS='|' read -r page beginning reason; do
		if [ "$page" = "$1" ] && [[ $2 == "$beginning"* ]]; then
			echo "$reason"
			return 0
		fi
	done <<<"$ELSEWHERE"
	return 1
}

@test "Each command of the pages is run by a test, or there is a reason; the list has no other" {
	local page line beginning reason suite title
	for page in "$ROOT"/README.md "$ROOT"/examples/*/README.md "$ROOT"/docs/*.md; do
		line=$(commands "${page#"$ROOT/"}" | head -n 1)
		[ -z "$line" ] || [[ " ${PAGES[*]} " == *" ${page#"$ROOT/"} "* ]] || fail "nobody runs $page: $line"
	done
	while IFS='|' read -r page beginning reason; do
		[ -n "$page" ] || continue
		[[ $(commands "$page") == *"$beginning"* ]] || fail "$page has no line $beginning"
		[ -n "$reason" ]
		suite=$(grep -o '[a-z]*\.bats' <<<"$reason") || continue
		title=${reason#*\"}
		grep -qF "@test \"${title%\"}" "$ROOT/tests/$suite" || fail "$suite has no test $title"
	done <<<"$ELSEWHERE"
	# The control: a line that is new is on no list, so it is run as it is.
	refute elsewhere README.md 'make something'
}

# in_root: where SHARED/root is /, with processes of its own.
in_root() {
	unshare --mount --pid --fork --kill-child sh -ec '
		mount -t proc proc "$0/proc"
		mount --rbind /dev "$0/dev"
		mount -t tmpfs none "$0/tmp"
		exec chroot "$0" "$@"' "$BATS_FILE_TMPDIR/root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive "$@" 3>&-
}

# What the pages presuppose: a compiler, sudo, pgrep, and where they say so, more. And a server with its
# start script.
make_root() {
	local release root=$BATS_FILE_TMPDIR/root
	release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	make_system "$release" "$root" apt ca-certificates make sudo procps gcc-aarch64-linux-gnu \
		libc6-dev-arm64-cross rpm || return
	cp /etc/resolv.conf "$root/etc"
	mkdir -p "$root/opt/test" "$root/src"
	(cd "$ROOT" && cp -R Makefile VERSION README.md CHANGELOG.md LICENSE shim tests examples docs "$root/src")
	cp "$PROGS/server" "$root/opt/test/your-server"
	cp "$PROGS/load" "$ROOT/tests/fixtures/commands/run.sh" "$root/opt/test"
	printf '#!/bin/sh\nexec /opt/test/your-server --port=8000\n' >"$root/src/server"
	printf '#!/bin/sh\nexec ./server\n' >"$root/src/start.sh"
	chmod 755 "$root/src/server" "$root/src/start.sh"
}

# bats test_tags=long
@test "Each command works word for word in the root of a bare Debian" {
	local page line folder todo=$BATS_TEST_TMPDIR/todo said=$BATS_TEST_TMPDIR/said
	make_root || skip "$CANNOT_RUN"
	in_root true || skip "no root can be entered here"
	for page in "${PAGES[@]}"; do
		folder=/src
		[[ $page != examples/python/* ]] || folder=/src/${page%/*}
		# What is built and installed comes first: the README says how at its end.
		{
			commands "$page" | grep -E '^(sudo )?make' || true
			commands "$page" | grep -vE '^(sudo )?make' || true
		} | while read -r line; do
			elsewhere "$page" "$line" >/dev/null || echo "$line"
		done >"$todo"
		[ -s "$todo" ] || continue
		echo "# $page" >&3
		in_root env --chdir="$folder" /opt/test/run.sh <"$todo" >"$said" || fail "$(cat "$said")"
		sed 's/^/#   /' "$said" >&3
		assert_equal "$(grep -c '^ok' "$said")" "$(wc -l <"$todo")"
	done
}
