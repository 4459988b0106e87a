# engine.bash -- a Docker engine for the tests, and base images made of this machine's files
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# After `load helper`, in setup_file: start_engine, and the images. In teardown_file: stop_engine.
# No image is pulled, no container gets a network but the host's loopback.

# Uses the engine that runs already, or starts one in $BATS_FILE_TMPDIR/engine. False, after
# cannot_run, if that is impossible.
start_engine() {
	local dir=$BATS_FILE_TMPDIR/engine pid
	! engine_answers || return 0
	if [ "$(id -u)" != 0 ]; then
		cannot_run "no Docker engine answers, and to start one takes root"
		return 1
	fi
	if ! command -v docker >/dev/null || ! command -v dockerd >/dev/null; then
		cannot_run "no Docker engine answers, and none is here (docker.io)"
		return 1
	fi

	mkdir "$dir"
	export DOCKER_HOST=unix://$dir/sock
	setsid dockerd --iptables=false --ip6tables=false --bridge=none --ip-forward=false \
		--ip-masq=false --data-root="$dir/data" --exec-root="$dir/exec" --pidfile="$dir/pid" \
		-H "$DOCKER_HOST" >"$dir/log" 2>&1 </dev/null 3>&- &
	pid=$!
	wait_until 60 answers_or_gone "$pid"
	if ! engine_answers; then
		cannot_run "no Docker engine starts here: $(tail -n 1 "$dir/log")"
		return 1
	fi
	echo "$pid" >"$dir/ours"
}

engine_answers() {
	timeout 10 docker version >/dev/null 2>&1
}

answers_or_gone() {
	gone "$1" || engine_answers
}

stop_engine() {
	local pid
	[ -e "$BATS_FILE_TMPDIR/engine/ours" ] || return 0
	pid=$(cat "$BATS_FILE_TMPDIR/engine/ours")
	kill "$pid"
	wait_until 30 gone "$pid"
	# It leaves the network namespace of --network=host mounted.
	umount "$BATS_FILE_TMPDIR/engine/exec/netns/"* 2>/dev/null || true
}

# add_programs ROOT FILE...: each into ROOT/usr/local/bin, with the loader and the libraries it names.
add_programs() {
	local root=$1 program loader
	shift
	mkdir -p "$root/usr/local/bin"
	for program in "$@"; do
		cp "$program" "$root/usr/local/bin/"
		loader=$(readelf -lW "$program" | sed -n 's/.*program interpreter: \(.*\)]/\1/p')
		case $loader in
		*musl*) add_files "$root" "$loader" ;;
		*) ldd "$program" | grep -o '/[^ ]*' | while read -r file; do add_files "$root" "$file"; done ;;
		esac
	done
}

# Under the names by which they are looked up, even if those are links here.
add_files() {
	mkdir -p "$1${2%/*}"
	cp -L "$2" "$1$2"
}

# A shell and its tools for any base: one static file. False if there is none.
add_busybox() {
	local busybox name
	busybox=$(command -v busybox) || busybox=
	if [ -z "$busybox" ] || readelf -lW "$busybox" | grep -q INTERP; then
		# Unpacked only: to install it would remove its sister package.
		(cd "$BATS_FILE_TMPDIR" && timeout 120 apt-get download busybox-static >/dev/null 2>&1 &&
			dpkg-deb -x busybox-static_*.deb busybox) || {
			cannot_run "no static busybox here (busybox-static)"
			return 1
		}
		busybox=$BATS_FILE_TMPDIR/busybox/bin/busybox
	fi
	mkdir -p "$1/bin" "$1/tmp" "$1/etc"
	chmod 1777 "$1/tmp"
	cp "$busybox" "$1/bin/busybox"
	for name in $("$busybox" --list); do
		[ -e "$1/bin/$name" ] || ln -s busybox "$1/bin/$name"
	done
}

# import_image NAME ROOT: an image of that folder.
import_image() {
	tar -C "$2" -c . | docker import - "$1" >/dev/null
}

# import_packages NAME PACKAGE... [-- FOLDER]: an image with these packages and all that they depend
# on, as this machine has them, and with what is in the folder.
import_packages() {
	local name=$1 list=$BATS_FILE_TMPDIR/packages.files packages=() more=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		packages+=("$1")
		shift
	done
	[ $# = 0 ] || more=(-C "$2" .)
	apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts \
		--no-breaks --no-replaces --no-enhances "${packages[@]}" |
		grep '^[a-z]' | sort -u | xargs dpkg -L 2>/dev/null |
		grep -vE '^/usr/share/(doc|man|locale|perl|info)|/lto1$' | sort -u |
		while read -r file; do
			if [ ! -h "$file" ] && [ ! -f "$file" ]; then continue; fi
			# /bin may be a link to usr/bin.
			echo "$(realpath "${file%/*}/")/${file##*/}"
		done >"$list"
	printf '%s\n' /bin /lib /lib64 /usr/bin/cc >>"$list"
	find /etc/alternatives -type l >>"$list"
	tr -s / <"$list" | sort -u |
		tar -c --no-recursion -T - --recursion "${more[@]}" 2>/dev/null | docker import - "$name" >/dev/null
}
