#!/usr/bin/env bats
# daemons.bats -- daemons that fork, change user and set filters of system calls behave as without us
# SPDX-License-Identifier: MIT
#
# Each has the same session without the shim and with it; the first must go well, or nothing is shown.
# They get files of their own, and chronyd leaves the clock alone.

load helper
load counted

setup() {
	[ "$(id -u)" = 0 ] || skip "these daemons take root"
	unshare --net --mount true || skip "no new namespace here"
	cd "$BATS_TEST_TMPDIR" || return
	PORT=$(free_port)
	DAEMON=
}

teardown() {
	[ -z "$DAEMON" ] || kill -KILL "$DAEMON" 2>/dev/null || true
}

need_program() {
	command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || skip "no $1 here"
}

# start_daemon COMMAND...: under the shim if LIBRARY is set; with an empty /run that only it sees.
start_daemon() {
	# shellcheck disable=SC2016 # for that shell
	unshare --mount sh -c 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd /run/ftp && exec "$@"' sh \
		env ${LIBRARY:+LD_PRELOAD="$LIBRARY"} "$@" >log 2>&1 </dev/null 3>&- &
	DAEMON=$!
}

# Prints its status.
end_daemon() {
	local status=0
	kill -TERM "$DAEMON"
	wait_until 10 gone "$DAEMON"
	wait "$DAEMON" || status=$?
	DAEMON=
	echo "the daemon ends with status $status"
}

# alike SESSION: it prints the same without the shim and with it.
alike() {
	LIBRARY='' "$1" >plain 2>&1
	LIBRARY=$LIB "$1" >shim 2>&1
	sed 's/^/plain: /' plain
	diff plain shim
}

# secure_shell COMMAND [OPTION...]: ssh or sftp, to that sshd.
secure_shell() {
	timeout 20 "$1" -q -i user -o BatchMode=yes -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/dev/null -o Port="$PORT" "${@:2}" 3>&-
}

banner_of() {
	local line
	{ exec {SOCKET}<>"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null || return
	read -r -t 10 line <&"$SOCKET"
	exec {SOCKET}>&-
	[[ $line == SSH-* ]] && echo "a banner"
}

session_of_sshd() {
	local through
	through=$(free_port)
	start_daemon /usr/sbin/sshd -D -e -f /dev/null -h "$PWD/host" -o Port="$PORT" -o PidFile=none \
		-o ListenAddress=127.0.0.1 -o AuthorizedKeysFile="$PWD/user.pub" -o StrictModes=no \
		-o UsePAM=no -o PermitRootLogin=yes -o Subsystem="sftp /usr/lib/openssh/sftp-server"
	wait_until 10 listens "$PORT"
	secure_shell ssh -n root@127.0.0.1 'echo logged in; exit 5' || echo "status $?"
	printf 'put file there\nget there back\nrm there\n' >commands
	secure_shell sftp -b commands "root@127.0.0.1:$PWD" >/dev/null || echo "sftp: status $?"
	cmp file back && rm back && echo copied
	secure_shell ssh -N -L "127.0.0.1:$through:127.0.0.1:$PORT" root@127.0.0.1 &
	wait_until 10 listens "$through"
	banner_of "$through"
	kill $!
	wait $! || true
	end_daemon
}

@test "Preloaded, sshd lets people in, copies their files and forwards a port" {
	need_program sshd
	need_program sftp
	ssh-keygen -q -t ed25519 -N '' -f host
	ssh-keygen -q -t ed25519 -N '' -f user
	head -c 1000000 /dev/urandom >file
	alike session_of_sshd
	assert_equal "$(cat plain)" $'logged in\nstatus 5\ncopied\na banner\nthe daemon ends with status 0'
}

session_of_vsftpd() {
	local said line
	start_daemon /usr/sbin/vsftpd vsftpd.conf
	wait_until 10 listens "$PORT"
	exec {SOCKET}<>"/dev/tcp/127.0.0.1/$PORT"
	for said in '' 'USER anonymous' 'PASS x@y' PWD 'TYPE I' NOOP QUIT; do
		[ -z "$said" ] || printf '%s\r\n' "$said" >&"$SOCKET"
		read -r -t 10 line <&"$SOCKET"
		echo "$line"
	done
	exec {SOCKET}>&-
	end_daemon
}

@test "Preloaded, vsftpd talks to its users from behind its filter" {
	need_program vsftpd
	cat >vsftpd.conf <<-END
		listen=YES
		listen_address=127.0.0.1
		listen_port=$PORT
		background=NO
		anonymous_enable=YES
		anon_root=/run/ftp
		secure_chroot_dir=/run/ftp
		seccomp_sandbox=YES
	END
	alike session_of_vsftpd
	grep -q '^230 ' plain
	grep -q '^221 ' plain
}

chrony_answers() {
	chronyc -h "$PWD/run/sock" tracking 2>&1 | grep '^Stratum'
}

session_of_chronyd() {
	mkdir -m 700 run
	start_daemon unshare --net /usr/sbin/chronyd -d -x -u root -F "$LEVEL" -f "$PWD/chrony.conf"
	wait_until 10 chrony_answers
	end_daemon
	sed 's/^[^ ]* //' log
	rm -r run
}

@test "Preloaded, chronyd answers from behind its filter" {
	need_program chronyd
	printf '%s\n' 'port 0' 'cmdport 0' "bindcmdaddress $PWD/run/sock" "pidfile $PWD/run/pid" \
		"driftfile $PWD/run/drift" 'local stratum 10' >chrony.conf
	for LEVEL in 1 2 -2; do
		alike session_of_chronyd
		grep -q "Loaded seccomp filter (level ${LEVEL#-})" plain
		grep -q '^the daemon ends with status 0' plain
	done
}
