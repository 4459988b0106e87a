#!/usr/bin/env bats
# examples.bats -- what examples/ shows is right, as far as it can be told without a cluster
# SPDX-License-Identifier: MIT
#
# examples/docker is built and run in docker.bats, examples/debian in package.bats.

load helper

teardown() {
	stop_all
}

# yaml FILE CODE: `print`s of Python code that finds the documents of the file in `docs`.
yaml() {
	/usr/bin/python3 - "$ROOT/examples/$1" <<-END
		import sys, yaml
		docs = list(yaml.safe_load_all(open(sys.argv[1])))
		$2
	END
}

needs_yaml() {
	/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "python3-yaml is not here"
}

@test "Each example has a README, and names no file that is not there" {
	local dir file
	for dir in "$ROOT"/examples/*/; do
		assert_file_exist "$dir/README.md"
		while read -r file; do
			assert_exist "$dir/$file"
		done < <(grep -oE '\]\([^):]+\)' "$dir/README.md" | tr -d ']()')
	done
}

@test "The Kubernetes pod mounts what its init container fills, where LD_PRELOAD says" {
	needs_yaml
	run -0 yaml kubernetes/deployment.yaml '
(deployment,) = docs
assert (deployment["apiVersion"], deployment["kind"]) == ("apps/v1", "Deployment")
template = deployment["spec"]["template"]
assert deployment["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
pod = template["spec"]
(init,), (server,), (volume,) = pod["initContainers"], pod["containers"], pod["volumes"]
assert "emptyDir" in volume
mounts = [c["volumeMounts"][0] for c in (init, server)]
assert [m["name"] for m in mounts] == [volume["name"]] * 2
assert mounts[1]["readOnly"] and not mounts[0].get("readOnly")
assert init["args"] == ["--copy-to=" + mounts[0]["mountPath"]]
environment = {e["name"]: e["value"] for e in server["env"]}
assert all(isinstance(value, str) for value in environment.values())
assert environment == {"LD_PRELOAD": mounts[1]["mountPath"] + "/libidleflush.so"}
for c in (init, server):
    rights = c["securityContext"]
    assert rights["runAsNonRoot"] and not rights["allowPrivilegeEscalation"]
    assert rights["capabilities"] == {"drop": ["ALL"]}'
}

@test "The compose file is valid and builds from a Dockerfile that is there" {
	needs_yaml
	run -0 yaml docker/compose.yaml '
import os
(compose,) = docs
(service,) = compose["services"].values()
context = os.path.join(os.path.dirname(sys.argv[1]), service["build"]["context"])
dockerfile = open(os.path.join(context, "Dockerfile")).read()
for name in service["build"]["args"]:
    assert "ARG " + name in dockerfile
assert service["init"] is True and service["read_only"] is True
assert service["cap_drop"] == ["ALL"] and service["user"] == "65534:65534"
assert service["tmpfs"] == ["/tmp"]'
	if docker compose version >/dev/null 2>&1; then
		run -0 docker compose -f "$ROOT/examples/docker/compose.yaml" config --quiet
		assert_output ''
	fi
}

@test "systemd has nothing to say against the drop-in" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here (systemd)"
	cd "$BATS_TEST_TMPDIR"
	mkdir server.service.d
	printf '[Unit]\nDescription=A server\n[Service]\nExecStart=/bin/true\n' >server.service
	cp "$ROOT/examples/systemd/idleflush.conf" server.service.d
	run -0 systemd-analyze verify ./server.service
	assert_output ''
	# The control: it was read.
	echo 'Enviroment=x' >>server.service.d/idleflush.conf
	run systemd-analyze verify ./server.service
	assert_output --partial "Unknown key 'Enviroment'"
}

@test "The drop-in's environment wakes the library in the service's program only" {
	local usr=$BATS_TEST_TMPDIR/usr environment=()
	mkdir -p "$usr/lib/$(cc -dumpmachine)/idleflush"
	cp "$LIB" "$usr/lib/$(cc -dumpmachine)/idleflush"
	cp "$PROGS/state" "$BATS_TEST_TMPDIR/server"
	mapfile -t environment < <(sed -n "s,=/usr/,=$usr/,; s,^Environment=,,p" \
		"$ROOT/examples/systemd/idleflush.conf")
	assert_equal "${#environment[@]}" 2
	run -0 env -i "${environment[@]}" "$BATS_TEST_TMPDIR/server"
	case $output in
	*cannot\ be\ preloaded*) skip "this machine's loader has another \$LIB than Debian's" ;;
	esac
	assert_output 'threads=2 then=2 secure=0'
	run -0 env -i "${environment[@]}" "$PROGS/state"
	assert_output 'threads=1 then=1 secure=0'
}

accepts() {
	(: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start_app NAME [preload [VARIABLE=VALUE...]]: the app under uvicorn with two workers.
start_app() {
	local name=$1
	shift
	export -f accepts now_us wait_until
	# shellcheck disable=SC2016 # a dollar in single quotes is for that shell
	start_server "$name" "$@" bash -c '
		cd "$1" || exit
		port=$2 file=${3#--port-file=}
		{ wait_until 30 accepts "$port" && echo "$port" >"$file.new" && mv "$file.new" "$file"; } &
		exec /usr/bin/uvicorn --no-access-log --host 127.0.0.1 --port "$port" --workers 2 app:app
	' - "$ROOT/examples/python" "$(free_port)"
}

printed() {
	lines_of "$1" | grep -c '^req' || true
}

@test "A FastAPI app's lines are fresh in both workers, and not without idleflush" {
	/usr/bin/python3 -c 'import fastapi, uvicorn' 2>/dev/null ||
		skip "FastAPI is not here (uvicorn python3-fastapi)"
	local only id
	only=$(sed -n "s/^ *idleflush --only='\([^']*\)' uvicorn .*/\1/p" "$ROOT/examples/python/README.md")
	assert [ -n "$only" ]
	start_app plain
	start_app fresh preload IDLEFLUSH_ONLY="$only" IDLEFLUSH_HEARTBEAT=0
	for id in 1 2 3 4 5 6 7 8; do
		request "$(port_of plain)" "$id"
		request "$(port_of fresh)" "$id"
		wait_until 10 arrived fresh "$id"
	done
	refute arrived plain 1
	# The app's own line came from each worker, each line came once.
	assert_equal "$(lines_of fresh | grep -c '^app is loaded')" 2
	assert_equal "$(printed fresh)" 8
	stop_server fresh
	assert_equal "$SERVER_STATUS" 0
	assert_equal "$(printed fresh)" 8
}
