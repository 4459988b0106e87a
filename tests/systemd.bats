#!/usr/bin/env bats
# systemd.bats -- examples/systemd under systemd itself, which runs in a copy of this system
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016 # a dollar in single quotes is for a shell of that system
#
# A namespace has it as its first process, with the journal and the services below. Where that cannot
# be, examples.bats still tests the filter and the journal's kind of stdout.

load helper

SERVICES=(plain server late plain-late)

setup_file() {
	if [ "$(id -u)" != 0 ]; then
		cannot_run "to be systemd's parent takes root"
		return
	fi
	[ -x /lib/systemd/systemd ] || {
		cannot_run "systemd is not here"
		return
	}
	local dir=$BATS_FILE_TMPDIR name port
	mkdir -p "$dir/mnt" "$dir/units" "$dir/tree/srv" "$dir/tree/usr/bin" \
		"$dir/tree/usr/lib/$(cc -dumpmachine)/idleflush"
	cp "$IDLEFLUSH" "$PROGS/server" "$dir/tree/usr/bin"
	cp "$LIB" "$dir/tree/usr/lib/$(cc -dumpmachine)/idleflush"
	cp -R "$ROOT/examples" "$dir/tree/srv"
	chmod -R go+rX "$dir/tree"

	cp /lib/systemd/system/systemd-journald.{service,socket} "$dir/units"
	printf '[Unit]\nDefaultDependencies=no\nRequires=systemd-journald.service\n' >"$dir/units/default.target"
	for name in "${SERVICES[@]}"; do
		port=$(free_port)
		echo "$port" >"$dir/$name.port"
		cat >"$dir/units/$name.service" <<-END
			[Unit]
			DefaultDependencies=no
			[Service]
			ExecStart=/usr/bin/server --port=$port --hello=listening --print-when=before
			User=nobody
			ProtectSystem=strict
			ProtectHome=yes
			PrivateTmp=yes
			NoNewPrivileges=yes
			MemoryDenyWriteExecute=yes
			SystemCallFilter=@system-service
		END
	done
	setsid unshare --mount "$ROOT/tests/fixtures/systemd/boot.sh" "$dir" >"$dir/log" 2>&1 </dev/null 3>&- &
	echo $! >"$dir/boot"
	wait_until 20 has_journal || cannot_run "systemd does not start here: $(tail -n 1 "$dir/log")"
}

teardown_file() {
	[ -e "$BATS_FILE_TMPDIR/boot" ] || return 0
	# With the first process of its namespace all others go.
	[ ! -e "$BATS_FILE_TMPDIR/pid" ] || kill -KILL "$(cat "$BATS_FILE_TMPDIR/pid")"
	wait_until 20 gone "$(cat "$BATS_FILE_TMPDIR/boot")"
}

has_journal() {
	in_systemd 'systemctl is-active systemd-journald.service' >/dev/null 2>&1
}

setup() {
	skip_if_cannot
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED-}" ] && [ -z "${CANNOT_RUN-}" ]; then
		in_systemd 'systemctl --no-pager --lines=20 status "$@"' "${SERVICES[@]}" || true
	fi
}

# in_systemd LINE [ARGUMENT...]: a line of shell where it is the first process.
in_systemd() {
	local line=$1
	shift
	nsenter --target "$(cat "$BATS_FILE_TMPDIR/pid")" --mount --pid --uts --ipc --cgroup --root \
		env --chdir=/srv sh -ec "$line" - "$@" 3>&-
}

# readme PATTERN: the lines of the page that match, with the service's name put in.
readme() {
	sed -n "/$1/s/^    //p" "$ROOT/examples/systemd/README.md" | sed 's/YOUR/server/'
}

ask() {
	request "$(cat "$BATS_FILE_TMPDIR/$1.port")" "$2"
}

journal() {
	in_systemd 'journalctl --quiet --output=cat --unit="$1".service' "$1"
}

logged() {
	journal "$1" | grep -q "^$2\( \|\$\)"
}

serves() {
	(: <>"/dev/tcp/127.0.0.1/$(cat "$BATS_FILE_TMPDIR/$1.port")") 2>/dev/null
}

main_pid() {
	in_systemd 'systemctl show --property=MainPID --value "$1".service' "$1"
}

@test "By the README's lines a service's lines are fresh in the journal, whatever systemd takes from it" {
	in_systemd 'systemctl start plain.service server.service'
	wait_until 20 serves server
	wait_until 20 serves plain
	ask server 1
	ask plain 1
	refute wait_until 1 logged server 'req 1'

	run readme '^    install\|^    systemctl'
	assert_equal "${#lines[@]}" 2
	in_systemd "$output"
	wait_until 20 serves server
	wait_until 20 logged server listening
	for id in 2 3 4; do
		ask server "$id"
		ask plain "$id"
		wait_until 10 logged server "req $id"
	done
	refute logged plain 'req 2'

	# It is what the unit says: a filter, no new rights, a file system to read only.
	run -0 in_systemd 'cat "/proc/$1/status"; grep " / / " "/proc/$1/mountinfo"; readlink "/proc/$1/fd/1"' "$(main_pid server)"
	assert_line --regexp '^Seccomp:.2$'
	assert_line --regexp '^NoNewPrivs:.1$'
	assert_line --regexp ' / / ro,'
	assert_line --regexp '^socket:'

	run sed -n 's/^Whether it works: `\(.*\)`\.$/\1/p' "$ROOT/examples/systemd/README.md"
	assert_output --partial --check
	run -0 in_systemd "${output/YOUR/server}"
	assert_line 'verdict    it works'

	run sed -n 's/.* `\(systemctl revert [^`]*\)`.*/\1/p' "$ROOT/examples/systemd/README.md"
	assert_output --partial YOUR
	in_systemd "${output/YOUR/server} && systemctl restart server.service"
	wait_until 20 serves server
	run in_systemd 'grep -c libidleflush "/proc/$1/maps"' "$(main_pid server)"
	assert_output 0
}

@test "systemctl stop loses no line of a service with the drop-in" {
	in_systemd 'install -D -m 644 examples/systemd/idleflush.conf /etc/systemd/system/late.service.d/idleflush.conf
		printf "[Service]\nEnvironment=IDLEFLUSH_IDLE=1h IDLEFLUSH_MAX_AGE=0 IDLEFLUSH_HEARTBEAT=0\n" \
			>/etc/systemd/system/late.service.d/late.conf
		systemctl daemon-reload && systemctl start late.service plain-late.service'
	for name in late plain-late; do
		wait_until 20 serves "$name"
		for id in 1 2 3 4 5; do
			ask "$name" "$id"
		done
	done
	refute logged late 'req 5'
	in_systemd 'systemctl stop late.service plain-late.service'
	wait_until 10 logged late 'req 5'
	assert_equal "$(journal late | grep -o '^req [0-9]*')" "$(seq -f 'req %g' 5)"
	refute logged plain-late 'req 5'
}
