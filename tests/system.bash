# system.bash -- the roots of other Debian releases, each with its own libc and compiler
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Needs a function cannot_run REASON.

# make_system RELEASE ROOT [PACKAGE...]: makes a root with the essential packages, a compiler and the
# packages given; apt's messages are in ROOT.log. False, after cannot_run, if that is impossible.
make_system() {
	local release=$1 root=$2
	shift 2
	if [ "$(id -u)" != 0 ]; then
		cannot_run "the root of another release takes root"
		return 1
	fi
	command -v mmdebstrap >/dev/null || {
		cannot_run "no mmdebstrap here (mmdebstrap)"
		return 1
	}
	timeout --kill-after=10 300 mmdebstrap --mode=root --variant=essential \
		--dpkgopt=force-unsafe-io --include="gcc libc6-dev $*" \
		"$release" "$root" >"$root.log" 2>&1 </dev/null 3>&- || {
		rm -rf "$root"
		cannot_run "no root of Debian's $release can be made: $(grep '^E:' "$root.log" | tail -n 1)"
		return 1
	}
}
