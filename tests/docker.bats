#!/usr/bin/env bats
# docker.bats -- examples/docker on a real engine: fresh logs, and a container that is as it was
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2016,SC2030,SC2031 # a dollar in single quotes is for a container's shell
#
# The image idleflush and the Dockerfile are used as their README says, on bases made of this machine's
# files: ld.so, libc and busybox with the fixture server, the same of musl, and one with the servers
# that people have.

# Images are built here, on a machine that may be busy.
export BATS_TEST_TIMEOUT=600

load helper
load engine

KINDS=(debian alpine)
# A server that nothing flushes before its end.
OFF=(--env IDLEFLUSH_IDLE=1h --env IDLEFLUSH_MAX_AGE=0 --env IDLEFLUSH_HEARTBEAT=0)

setup_file() {
	command -v musl-gcc >/dev/null || {
		cannot_run "no musl-gcc here (musl-tools)"
		return
	}
	start_engine || return 0
	local images=$BATS_FILE_TMPDIR/images programs=$BATS_FILE_TMPDIR/musl
	mkdir "$images" "$programs"
	mkdir "$images/debian" "$images/alpine"
	add_busybox "$images/debian" || return 0

	# The engine may belong to somebody else: remove only what is ours.
	IMAGE=idleflush-test-$$
	export IMAGE
	if docker image inspect idleflush >/dev/null 2>&1; then
		cannot_run "the engine has an image called idleflush, and these tests would replace it"
		return
	fi
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -j2 -C "$ROOT" B="$BATS_FILE_TMPDIR/make" image \
		>"$BATS_FILE_TMPDIR/build.log" 2>&1 || {
		cat "$BATS_FILE_TMPDIR/build.log" >&2
		return 1
	}
	import_packages "$IMAGE:compiler" gcc libc6-dev make dash coreutils sed grep
	cp -a "$images/debian/." "$images/alpine"
	add_programs "$images/debian" "$PROGS/server" "$PROGS/state"
	for program in server state; do
		musl-gcc -D_GNU_SOURCE -std=c11 -O2 -o "$programs/$program" \
			"$ROOT/tests/fixtures/$program.c" -pthread
	done
	add_programs "$images/alpine" "$programs/server" "$programs/state"
	for kind in "${KINDS[@]}"; do
		import_image "$IMAGE:$kind-base" "$images/$kind"
		follow_readme "$IMAGE:$kind-base" "$IMAGE:$kind"
	done
}

# follow_readme BASE NAME: what examples/docker/README.md has one build, with the names put in.
follow_readme() {
	local line
	line=$(grep -m 1 '^    docker build .*your-server' "$ROOT/examples/docker/README.md")
	line=${line/ -t fresh / -t $2 }
	cd "$ROOT" && sh -c "${line/your-server/$1}" >/dev/null 2>"$BATS_RUN_TMPDIR/readme.log"
}

# follow_snippet BASE NAME: the same with the lines of the README's front page, in a Dockerfile.
follow_snippet() {
	sed -n '/^    FROM your-server/,/^$/s/^    //p' "$ROOT/README.md" | sed "s/your-server/$1/" |
		docker build -t "$2" - >"$BATS_RUN_TMPDIR/readme.log" 2>&1
}

teardown_file() {
	[ -z "${IMAGE-}" ] || {
		docker images --format '{{.Repository}}:{{.Tag}}' "$IMAGE"
		[ -n "${CANNOT_RUN-}" ] || docker images --format '{{.Repository}}:{{.Tag}}' idleflush
	} | xargs -r docker rmi -f >/dev/null 2>&1 || true
	stop_engine
}

setup() {
	skip_if_cannot
	CONTAINERS=()
	READERS=()
}

teardown() {
	if [ -z "${BATS_TEST_COMPLETED-}" ]; then
		for name in "${CONTAINERS[@]}"; do
			echo "--- $name"
			docker logs "$name" 2>&1 | tail -n 5
		done
	fi
	[ ${#CONTAINERS[@]} = 0 ] || docker rm -f "${CONTAINERS[@]}" >/dev/null
	[ ${#READERS[@]} = 0 ] || wait "${READERS[@]}" || true
}

container() {
	echo "$IMAGE-$BATS_SUITE_TEST_NUMBER-$1"
}

# run_server NAME KIND [OPTION of docker run...] [-- ARGUMENT of the server...]: its log is followed
# as a server's of start_server is; arrived and lines_of look at it.
run_server() {
	local name=$1 image=$IMAGE:$2 dir options=()
	dir=$(dir_of "$name")
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# = 0 ] || shift
	mkdir "$dir"
	chmod 777 "$dir"
	docker run --detach --name "$(container "$name")" --network="${NETWORK:-host}" \
		--volume "$dir:/run/test" "${options[@]}" \
		"$image" server --port-file=/run/test/port "$@" >/dev/null
	CONTAINERS+=("$(container "$name")")
	{
		docker logs --follow "$(container "$name")" 2>"$dir/err" |
			"$PROGS/reader" --summary="$dir/summary" >"$dir/lines"
	} 3>&- &
	READERS+=($!)
	wait_until 20 test -e "$dir/port"
}

# The exit status of the container, once it has ended and its log has been read.
status_of() {
	docker wait "$(container "$1")"
	wait_until 10 test -s "$(dir_of "$1")/summary"
}

requests() {
	"$PROGS/load" --port="$(port_of "$1")" --connections=1 --rate="$2" --count="$3"
}

assert_requests() {
	assert_equal "$(lines_of "$1" | cut -d' ' -f1,2)" "$(seq -f 'req %g' "$2")"
}

# once IMAGE-KIND [OPTION...] -- COMMAND...: a container that is gone afterwards.
once() {
	local kind=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	docker run --rm --network=none "${options[@]}" "$IMAGE:$kind" "$@"
}

# Ages are of a busy machine; DOCKER_REQUESTS=100 on a quiet one has those of the example's page.
@test "A line is in docker logs 100 ms after its response, whoever runs; with IDLEFLUSH_DISABLE it is not" {
	local count=${DOCKER_REQUESTS:-15} name median late worst
	cd "$BATS_TEST_TMPDIR"
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind"
		run_server "$kind-nobody" "$kind" --user=65534:65534
		run_server "$kind-off" "$kind" --env IDLEFLUSH_DISABLE=1
		requests "$kind-off" 50 25
		for name in "$kind" "$kind-nobody"; do
			requests "$name" 10 "$count"
			wait_until 5 arrived "$name" "$count"
			assert_requests "$name" "$count"
			tail -n +6 "$(dir_of "$name")/lines" | sort -n | awk '{ age[NR] = $1 }
				END { print age[int((NR + 1) / 2)], age[int(NR * .99 + .5)], age[NR] }' >ages
			read -r median late worst <ages
			echo "# $name, age when read from docker logs -f: median $median us, 99th $late us, worst $worst us" >&3
			assert [ "$median" -le 100000 ]
		done
	done
	# 25 lines do not fill glibc's buffer; of musl's, the last lines stay in it.
	refute wait_until 1 arrived debian-off 25
	refute arrived alpine-off 25
}

@test "docker stop lets a server finish: its own exit status, and no line lost" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind" "${OFF[@]}" -- --graceful
		requests "$kind" 500 10
		docker stop --time 20 "$(container "$kind")" >/dev/null
		assert_equal "$(status_of "$kind")" 0
		assert_requests "$kind" 10
	done
}

@test "docker stop loses no line of a server that does not handle TERM, whoever runs it" {
	local name
	# Under an init TERM ends the server. As PID 1 it stays, as without us, until it is killed.
	for kind in "${KINDS[@]}"; do
		run_server "$kind-init" "$kind" "${OFF[@]}" --init -- --print-when=before
		run_server "$kind-nobody" "$kind" "${OFF[@]}" --init --user=65534:65534 -- --print-when=before
		run_server "$kind-pid1" "$kind" "${OFF[@]}" -- --print-when=before
		for name in "$kind-init" "$kind-nobody" "$kind-pid1"; do
			requests "$name" 500 10
		done
		for name in "$kind-init" "$kind-nobody"; do
			docker stop --time 20 "$(container "$name")" >/dev/null
			assert_equal "$(status_of "$name")" 143
			assert_requests "$name" 10
		done
		docker stop --time 1 "$(container "$kind-pid1")" >/dev/null
		assert_equal "$(status_of "$kind-pid1")" 137
		assert_requests "$kind-pid1" 10
	done
}

@test "Without idleflush docker stop loses the lines of a server that does not handle TERM" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind" --env IDLEFLUSH_DISABLE=1 --init -- --print-when=before
		requests "$kind" 500 10
		docker stop --time 20 "$(container "$kind")" >/dev/null
		assert_equal "$(status_of "$kind")" 143
		refute arrived "$kind" 10
	done
}

@test "docker kill ends a server at once; lines older than the maximum age are there" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind"
		requests "$kind" 500 10
		wait_until 5 arrived "$kind" 10
		docker kill "$(container "$kind")" >/dev/null
		assert_equal "$(status_of "$kind")" 137
		assert_requests "$kind" 10
	done
}

@test "The images of both libcs have the same library, to the byte" {
	local sums=()
	for kind in "${KINDS[@]}"; do
		sums+=("$(once "$kind" -- sha256sum /opt/idleflush/libidleflush.so)")
		run -0 once "$kind" -- sh -c 'ls /lib /lib64 2>/dev/null; :'
		case $kind in
		debian) assert_output --partial ld-linux- && refute_output --partial ld-musl- ;;
		alpine) assert_output --partial ld-musl- && refute_output --partial ld-linux- ;;
		esac
	done
	assert_equal "${sums[0]}" "${sums[1]}"
	assert_regex "${sums[0]}" '^[0-9a-f]{64} '
}

# What its Install section says first, in a container that has a compiler and no more. Then the
# Dockerfile of the image, which starts from such a container.
@test "The README's way to install it works word for word" {
	awk '/^## / { here = $2 == "Install" } here && /^    / { print; found = 1; next } found { exit }' \
		"$ROOT/README.md" >"$BATS_TEST_TMPDIR/words"
	run -0 cat "$BATS_TEST_TMPDIR/words"
	assert_line '    sudo make install'
	run -0 docker run --rm --network=none --volume "$ROOT:/given:ro" \
		--volume "$BATS_TEST_TMPDIR/words:/words:ro" "$IMAGE:compiler" sh -ec '
			mkdir -p /tmp /src
			cd /given
			cp -R Makefile VERSION README.md shim tests examples /src
			cd /src
			sudo() { "$@"; }
			. /words >/src/log 2>&1 || { cat /src/log; exit 1; }
			cd /
			rm -r /src
			idleflush --version
			idleflush --strict dash -c "grep -c libidleflush.so /proc/self/maps"
			idleflush --check gcc'
	assert_line --index 0 "idleflush $(cat "$ROOT/VERSION")"
	assert_line --regexp '^[1-9][0-9]*$'
	assert_line 'verdict    it works'
}

@test "Docker alone makes an image of the same files with the same labels" {
	local labels='{{range $name, $label := .Config.Labels}}{{$name}}={{$label}}{{"\n"}}{{end}}'
	local line
	line=$(grep -m 1 '^    docker build .*image/Dockerfile' "$ROOT/examples/docker/README.md")
	cd "$ROOT"
	sh -c "${line/ -t idleflush / -t $IMAGE:image --build-arg BUILDER=$IMAGE:compiler }" >"$BATS_TEST_TMPDIR/log" 2>&1 ||
		fail "$(cat "$BATS_TEST_TMPDIR/log")"
	for image in idleflush "$IMAGE:image"; do
		docker create --name "$(container "${image##*:}")" "$image" >/dev/null
		CONTAINERS+=("$(container "${image##*:}")")
		docker export "$(container "${image##*:}")" >"$BATS_TEST_TMPDIR/${image##*:}.tar"
		mkdir "$BATS_TEST_TMPDIR/${image##*:}"
		tar -C "$BATS_TEST_TMPDIR/${image##*:}" -x idleflush libidleflush.so LICENSE \
			-f "$BATS_TEST_TMPDIR/${image##*:}.tar"
	done
	run -0 diff -r "$BATS_TEST_TMPDIR/idleflush" "$BATS_TEST_TMPDIR/image"
	docker image inspect --format "$labels" idleflush | grep -v 'version=\|created=' >"$BATS_TEST_TMPDIR/labels"
	run -0 docker image inspect --format "$labels" "$IMAGE:image"
	assert_output "$(cat "$BATS_TEST_TMPDIR/labels")"
	assert_line 'org.opencontainers.image.licenses=MIT'
}

@test "The server is PID 1, or the child of an init" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind"
		run_server "$kind-init" "$kind" --init
		run -0 docker exec "$(container "$kind")" cat /proc/1/comm
		assert_output server
		run -0 docker exec "$(container "$kind-init")" sh -c 'cat /proc/1/comm; pidof server'
		assert_line --index 0 --regexp '^(docker-init|tini)$'
		run -0 docker exec "$(container "$kind-init")" \
			sh -c 'grep PPid "/proc/$(pidof server)/status"'
		assert_output --regexp '^PPid:.1$'
	done
}

@test "The exit status of a container is the command's" {
	for kind in "${KINDS[@]}"; do
		run -7 once "$kind" -- sh -c 'exit 7'
		run -7 once "$kind" --init -- sh -c 'exit 7'
		run -134 once "$kind" -- sh -c 'sh -c "kill -ABRT \$\$"; exit $?'
		run -127 once "$kind" -- nosuch
		assert_output --partial nosuch
	done
}

@test "Libraries that the base image preloads stay, and ours comes after them" {
	local library=/opt/idleflush/libidleflush.so
	for kind in "${KINDS[@]}"; do
		printf 'FROM %s\nENV LD_PRELOAD=/lib/a.so\n' "$IMAGE:$kind-base" |
			docker build -t "$IMAGE:$kind-with" - >/dev/null 2>&1
		follow_readme "$IMAGE:$kind-with" "$IMAGE:$kind-behind"
		assert_equal "$(once "$kind" -- sh -c 'echo "$LD_PRELOAD"')" "$library"
		assert_equal "$(once "$kind-behind" -- sh -c 'echo "$LD_PRELOAD"' 2>/dev/null)" "/lib/a.so:$library"
	done
}

@test "The launcher in an image does what the environment does, for the command that it is given" {
	for kind in "${KINDS[@]}"; do
		run -0 once "$kind" --env LD_PRELOAD= --entrypoint /opt/idleflush/idleflush -- --strict state
		assert_output --partial threads=2
		# Not what it is called, but what was asked for, is a reason to sleep; it tells of both.
		run -0 once "$kind" --env LD_PRELOAD= --entrypoint /opt/idleflush/idleflush -- \
			--debug --only=server state
		assert_output --partial threads=1
		assert_line --partial "idleflush: IDLEFLUSH_ONLY=server names none of these: "
	done
}

@test "The image copies its files to a volume by itself, as any user, and again" {
	local volume=$BATS_TEST_TMPDIR/volume
	mkdir "$volume"
	chmod 777 "$volume"
	for user in 0 65534; do
		docker run --rm --network=none --read-only --cap-drop=ALL --security-opt=no-new-privileges \
			--user="$user" --volume "$volume:/out" idleflush --copy-to=/out
		assert_equal "$(ls -A "$volume")" $'idleflush\nlibidleflush.so'
		assert_equal "$(stat -c '%u %a' "$volume/libidleflush.so")" "$user 755"
	done
	docker run --rm --network=none --volume "$volume:/idleflush:ro" --env LD_PRELOAD=/idleflush/libidleflush.so \
		"$IMAGE:alpine-base" state >"$BATS_TEST_TMPDIR/state"
	assert_equal "$(grep -o 'threads=[0-9]*' "$BATS_TEST_TMPDIR/state")" threads=2
}

@test "A health check and docker exec work with the library awake, asleep or absent" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind" --env IDLEFLUSH_ONLY=server \
			--health-cmd 'state | grep threads=1' --health-interval 1s
		# The server itself has the flusher, what IDLEFLUSH_ONLY does not name has none.
		run -0 docker exec "$(container "$kind")" sh -c 'cat /proc/1/task/*/comm'
		assert_line idleflush
		run -0 docker exec "$(container "$kind")" sh -c 'state; IDLEFLUSH_ONLY= state'
		assert_line --index 0 --partial threads=1
		assert_line --index 1 --partial threads=2
		# With the launcher in front only what it starts has the library at all.
		run_server "$kind-launcher" "$kind" --env LD_PRELOAD= --entrypoint /opt/idleflush/idleflush
		run -0 docker exec "$(container "$kind-launcher")" sh -c 'cat /proc/1/task/*/comm; echo "<$LD_PRELOAD>"'
		assert_line idleflush
		assert_line '<>'
		wait_until 20 is_healthy "$kind"
	done
}

# page PAGE PATTERN: the line of the guide that matches.
page() {
	sed -n "s/^    \($2.*\)/\1/p" "$ROOT/docs/$1" | head -n 1
}

@test "In a container --check looks at its processes by the lines of the guide, whoever runs them" {
	local line loop
	line=$(page production.md 'docker exec')
	loop=$(page production.md 'for p in')
	assert [ -n "$line" ] && assert [ -n "$loop" ]
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind" -- --model=prefork --workers=2
		run_server "$kind-nobody" "$kind" --user=65534:65534 --security-opt=no-new-privileges --cap-drop=ALL
		for name in "$kind-nobody" "$kind"; do
			for id in 1 2 3 4 5 6 7 8; do
				request "$(port_of "$name")" "$id"
				wait_until 5 arrived "$name" "$id"
			done
			run -0 sh -c "${line/CONTAINER/$(container "$name")}"
			assert_line 'verdict    it works'
			docker exec --env PATH=/opt/idleflush:/bin "$(container "$name")" sh -c "$loop" >"$BATS_TEST_TMPDIR/json" || true
			/usr/bin/python3 -c 'import json, sys
found = [json.loads(line) for line in sys.stdin]
print(sum(each["program"].endswith("server") and bool(each["library"]) for each in found))' \
				<"$BATS_TEST_TMPDIR/json" >"$BATS_TEST_TMPDIR/servers"
		done
		# Of the one with workers, which was the last.
		assert_equal "$(cat "$BATS_TEST_TMPDIR/servers")" 3
	done
}

is_healthy() {
	[ "$(docker inspect --format '{{.State.Health.Status}}' "$(container "$1")")" = healthy ]
}

@test "The image works without root, capabilities, a writable file system, spare memory and processes" {
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind" --read-only --cap-drop=ALL --user=65534:65534 --init \
			--security-opt=no-new-privileges --memory=16m --memory-swap=16m --pids-limit=8 \
			-- --hello=listening --print-when=before
		requests "$kind" 500 1000
		wait_until 5 arrived "$kind" 1000
		docker stop --time 20 "$(container "$kind")" >/dev/null
		assert_equal "$(status_of "$kind")" 143
		assert_equal "$(lines_of "$kind" | cut -d' ' -f1,2)" "listening pid
$(seq -f 'req %g' 1000)"
	done
}

# running NAME IMAGE PORT [OPTION of docker run...]: with the image's own command, and nobody's else.
running() {
	local name=$1 image=$2 port=$3 dir
	dir=$(dir_of "$name")
	shift 3
	mkdir "$dir"
	echo "$port" >"$dir/port"
	docker run --detach --name "$(container "$name")" --network=host "$@" "$image" >/dev/null
	CONTAINERS+=("$(container "$name")")
	docker logs --follow "$(container "$name")" 2>"$dir/err" >"$dir/log" 3>&- &
	READERS+=($!)
	wait_until 30 accepts "$port"
}

accepts() {
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# logged NAME ID: webfsd has a line of its own shape.
logged() {
	grep -qE "^req $2( |\$)|GET /$2 " "$(dir_of "$1")/log"
}

# A base image for each, with a command of its own; their names are what people's are.
@test "Typical servers are fresh with the lines of the README, and stop without losing a line" {
	for program in uvicorn gunicorn lua5.1 webfsd; do
		command -v "$program" >/dev/null || skip "$program is not here"
	done
	local image=$BATS_TEST_TMPDIR/image kind port id
	local srv=$image/srv
	declare -A command
	mkdir -p "$srv" "$image/tmp" "$image/etc"
	cp /etc/passwd /etc/group "$image/etc"
	cp "$ROOT/examples/python/app.py" "$ROOT/tests/fixtures/luaserver.lua" "$srv"
	printf '%s\n' 'def app(environ, start):' '    print("req", environ["PATH_INFO"][1:])' \
		'    start("200 OK", [("Content-Length", "1")])' '    return [b"x"]' >"$srv/wsgi.py"
	for id in 1 2 3 4 5 6 7 8; do echo x >"$srv/$id"; done
	printf '#!/bin/sh\nexport IN=/srv\ncd "$IN" && exec "$@"\n' >"$srv/start.sh"
	chmod 755 "$srv/start.sh"
	import_packages "$IMAGE:programs" dash coreutils uvicorn python3-fastapi gunicorn lua5.1 \
		lua-socket webfs -- "$image"

	command=(
		[uvicorn]='"uvicorn", "--no-access-log", "--port", "PORT", "--workers", "2", "app:app"'
		[gunicorn]='"gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "wsgi:app"'
		[lua]='"lua5.1", "luaserver.lua", "--port-file=/tmp/port"'
		[script]='"/srv/start.sh", "webfsd", "-F", "-p", "PORT", "-r", "/srv", "-l", "/dev/stdout"'
		[webfsd]='"webfsd", "-F", "-p", "PORT", "-r", "/srv", "-l", "/dev/stdout"'
	)
	for kind in "${!command[@]}"; do
		port=$(free_port)
		sed -i "s/bind(\"127.0.0.1\", [0-9]*)/bind(\"127.0.0.1\", $port)/" "$srv/luaserver.lua"
		printf 'FROM %s\nWORKDIR /srv\nCOPY luaserver.lua /srv/\nCMD [%s]\n' "$IMAGE:programs" \
			"${command[$kind]/PORT/$port}" >"$srv/Dockerfile"
		docker build -t "$IMAGE:your-$kind" "$srv" >/dev/null 2>&1
		running "$kind-plain" "$IMAGE:your-$kind" "$port" --init
		request "$port" 1
		refute wait_until 1 logged "$kind-plain" 1
		docker rm --force "$(container "$kind-plain")" >/dev/null

		if [ "$kind" = lua ]; then
			follow_snippet "$IMAGE:your-$kind" "$IMAGE:fresh-$kind"
		else
			follow_readme "$IMAGE:your-$kind" "$IMAGE:fresh-$kind"
		fi
		running "$kind" "$IMAGE:fresh-$kind" "$port" --init
		for id in 1 2 3 4 5; do
			request "$port" "$id"
			wait_until 10 logged "$kind" "$id"
		done
		for id in 6 7 8; do
			request "$port" "$id"
		done
		docker stop --time 20 "$(container "$kind")" >/dev/null
		wait_until 10 logged "$kind" 8
		assert_equal "$(grep -cE '^req [0-9]|GET /[0-9]' "$(dir_of "$kind")/log")" 8
	done
}

@test "With the compose file a server is healthy and fresh, and loses no line, though all is taken from it" {
	local compose=(docker compose) dir=$BATS_TEST_TMPDIR/docker port id
	"${compose[@]}" version >/dev/null 2>&1 || compose=(docker-compose)
	command -v "${compose[0]}" >/dev/null || skip "docker compose is not here"
	port=$(free_port)
	cp -R "$ROOT/examples/docker" "$dir"
	printf 'FROM %s\nHEALTHCHECK --interval=1s CMD wget -q -O /dev/null http://127.0.0.1:%s/0\nCMD ["server", "--port=%s", "--print-when=before"]\n' \
		"$IMAGE:alpine-base" "$port" "$port" | docker build -t "$IMAGE:compose-base" - >/dev/null 2>&1
	sed -i "s/BASE: your-server/BASE: $IMAGE:compose-base/" "$dir/compose.yaml"
	# The engine of these tests has no bridge, and the image's name is for teardown_file.
	printf 'services:\n  server:\n    network_mode: host\n    image: %s:composed\n' "$IMAGE" >"$dir/host.yaml"
	compose+=(--project-name "$IMAGE" -f "$dir/compose.yaml" -f "$dir/host.yaml")
	"${compose[@]}" up --build --detach >"$BATS_TEST_TMPDIR/log" 2>&1 || fail "$(cat "$BATS_TEST_TMPDIR/log")"
	id=$("${compose[@]}" ps -q)
	CONTAINERS+=("$id")
	healthy() {
		[ "$(docker inspect --format '{{.State.Health.Status}}' "$id")" = healthy ]
	}
	wait_until 30 healthy
	has() {
		docker logs "$id" 2>/dev/null | grep -q "^req $1 "
	}
	for number in 1 2 3; do
		request "$port" "$number"
		wait_until 10 has "$number"
	done
	run docker exec "$id" sh -c 'touch /file; touch /tmp/file && id -u'
	assert_line --partial 'Read-only file system'
	assert_line 65534
	for number in 4 5 6; do
		request "$port" "$number"
	done
	"${compose[@]}" stop >/dev/null 2>&1
	assert_equal "$(docker inspect --format '{{.State.ExitCode}}' "$id")" 143
	assert_equal "$(docker logs "$id" 2>/dev/null | grep -o '^req [1-9]' | tr -d '\n')" 'req 1req 2req 3req 4req 5req 6'
}

@test "An init container, as on Kubernetes, hands the library to an image that knows nothing of it" {
	/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not here"
	local volume=$BATS_TEST_TMPDIR/volume arguments options
	mkdir "$volume"
	chmod 777 "$volume"
	pod() {
		/usr/bin/python3 -c 'import sys, yaml
pod = yaml.safe_load(open(sys.argv[1]))["spec"]["template"]["spec"]
print(*eval(sys.argv[2]), sep="\n")' "$ROOT/examples/kubernetes/deployment.yaml" "$1"
	}
	mapfile -t arguments < <(pod 'pod["initContainers"][0]["args"]')
	mapfile -t options < <(pod '["--env=" + e["name"] + "=" + e["value"] for e in pod["containers"][0]["env"]]')
	docker run --rm --network=none --read-only --cap-drop=ALL --user=65534 \
		--volume "$volume:/opt/idleflush" idleflush "${arguments[@]}"
	for kind in "${KINDS[@]}"; do
		run_server "$kind" "$kind-base" --volume "$volume:/opt/idleflush:ro" "${options[@]}"
		run_server "$kind-plain" "$kind-base"
		requests "$kind" 50 5
		requests "$kind-plain" 50 5
		wait_until 5 arrived "$kind" 5
		refute arrived "$kind-plain" 5
	done
}

@test "The image works without a network" {
	for kind in "${KINDS[@]}"; do
		NETWORK=none run_server "$kind" "$kind"
		docker exec "$(container "$kind")" sh -c \
			'wget -q -O - "http://127.0.0.1:$(cat /run/test/port)/5"' >/dev/null
		wait_until 5 arrived "$kind" 5
	done
}
