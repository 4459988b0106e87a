# nobody.bash -- what suites use that run programs as a user without rights
# SPDX-License-Identifier: MIT
# shellcheck shell=bash

# make_public FILE...: $PUBLIC, a folder with launcher, library and FILEs for users who may not enter
# those of bats. Whoever makes it removes it.
make_public() {
	PUBLIC=$(mktemp -d /tmp/idleflush.XXXXXX)
	export PUBLIC
	chmod 755 "$PUBLIC"
	cp "$IDLEFLUSH" "$LIB" "$@" "$PUBLIC"
}

# Runs a command as a user who owns nothing.
as_nobody() {
	setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}

root_only() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# Skips where the file system of $1 would not change the user.
honours_setid() {
	! findmnt --noheadings --output OPTIONS --target "$1" | grep -q nosuid ||
		skip "$1 is mounted nosuid"
}
