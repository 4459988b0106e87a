#!/usr/bin/env bats
# examples.bats -- what examples/ shows is right, as far as it can be told without a cluster
# SPDX-License-Identifier: MIT
#
# examples/docker is built and run in docker.bats, examples/debian and examples/rpm in package.bats.
# shellcheck disable=SC2030,SC2031 # `run` sets output in each test anew

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

@test "The guide names only options and files that are there" {
	local page word help
	help=$("$IDLEFLUSH" --help)
	for page in "$ROOT"/docs/*.md "$ROOT"/examples/*/README.md; do
		while read -r word; do
			assert_exist "${page%/*}/$word"
		done < <(grep -oE '\]\([^):]+\)' "$page" | tr -d ']()')
		while read -r word; do
			grep -qE -- "^ +(-.,)? +$word\b" <<<"$help" || fail "$page: there is no $word"
		done < <(grep -v start-stop-daemon "$page" | grep -oE '\bidleflush( --[a-z-]+(=[^ `]*)?)+' | grep -oE -- ' --[a-z-]+' | sort -u)
		while read -r word; do
			grep -q "$word" "$ROOT/shim/command/idleflush.1" || fail "$page: there is no $word"
		done < <(grep -oE 'IDLEFLUSH_[A-Z_]+' "$page" | sort -u)
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
    assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
    assert rights["capabilities"] == {"drop": ["ALL"]}'
}

# admit POLICY: prints what it makes of the sample pods, as JSON. CEL is evaluated by a package of the
# npm registry, which goes into the build folder.
admit() {
	local cel=$BUILD/cel
	command -v npm >/dev/null || skip "npm is not here"
	mkdir -p "$cel"
	# Two tests may come here at the same time: one installs, the other waits until that is complete.
	(
		flock 9
		[ ! -e "$cel/complete" ] || exit 0
		timeout 100 npm install --silent --no-audit --no-fund --fetch-retries=1 --prefix "$cel" \
			@bufbuild/cel@0.6.1 @bufbuild/protobuf@2 >/dev/null 2>&1 &&
			touch "$cel/complete"
	) 9>"$cel/lock" || skip "npm cannot install @bufbuild/cel here"
	cp "$ROOT/tests/fixtures/kubernetes/admit.mjs" "$cel/admit-$BATS_TEST_NUMBER.mjs"
	yaml "kubernetes/$1" 'import json; print(json.dumps(docs[0]))' >"$BATS_TEST_TMPDIR/policy.json"
	yaml ../tests/fixtures/kubernetes/pods.yaml 'import json; print(json.dumps(docs[0]))' >"$BATS_TEST_TMPDIR/pods.json"
	node "$cel/admit-$BATS_TEST_NUMBER.mjs" "$BATS_TEST_TMPDIR/policy.json" "$BATS_TEST_TMPDIR/pods.json"
}

# What both policies have in common.
ADMITTED='
import json, sys
before = {p["metadata"]["name"]: p for p in json.load(open(sys.argv[1]))}
after = {p["metadata"]["name"]: p for p in json.load(open(sys.argv[2]))}
LIBRARY = "/opt/idleflush/libidleflush.so"
MOUNT = {"name": "idleflush", "mountPath": "/opt/idleflush", "readOnly": True}
def container(pod, name): return next(c for c in after[pod]["spec"]["containers"] if c["name"] == name)
def env(pod, name): return {e["name"]: e.get("value") for e in container(pod, name)["env"]}
for same in "unlabelled", "again", "refused":
    assert after[same] == before[same], same
server = container("plain", "server")
assert server == {"name": "server", "image": "a", "args": ["--serve"], "volumeMounts": [MOUNT],
                  "env": [{"name": "LD_PRELOAD", "value": LIBRARY}]}
server = container("preloaded", "server")
assert env("preloaded", "server") == {"A": "b", "LD_PRELOAD": "/lib/a.so:" + LIBRARY}
assert server["volumeMounts"] == [{"name": "data", "mountPath": "/data"}, MOUNT]
assert [v["name"] for v in after["preloaded"]["spec"]["volumes"]] == ["data", "idleflush"]
for name in "server", "worker":
    assert env("several", name) == {"LD_PRELOAD": LIBRARY, "IDLEFLUSH_ONLY": "server,python3*"}
assert container("several", "proxy") == before["several"]["spec"]["containers"][1]
assert after["elsewhere"]["spec"]["containers"] == before["elsewhere"]["spec"]["containers"]
'

@test "A Kubernetes policy gives labelled pods the library, by an image volume" {
	needs_yaml
	admit policy.yaml >"$BATS_TEST_TMPDIR/admitted.json"
	run -0 /usr/bin/python3 -c "$ADMITTED"'
assert after["plain"]["spec"]["volumes"] == [{"name": "idleflush", "image":
    {"reference": "your-registry/idleflush:0.1.0", "pullPolicy": "IfNotPresent"}}]
assert after["several"]["spec"]["initContainers"] == before["several"]["spec"]["initContainers"]
' "$BATS_TEST_TMPDIR/pods.json" "$BATS_TEST_TMPDIR/admitted.json"
}

@test "A Kubernetes policy gives labelled pods the library, by an init container" {
	needs_yaml
	admit policy-init.yaml >"$BATS_TEST_TMPDIR/admitted.json"
	yaml kubernetes/deployment.yaml 'import json
print(json.dumps(docs[0]["spec"]["template"]["spec"]["initContainers"][0]))' >"$BATS_TEST_TMPDIR/init.json"
	run -0 /usr/bin/python3 -c "$ADMITTED"'
init = json.load(open(sys.argv[3]))
assert after["plain"]["spec"]["volumes"] == [{"name": "idleflush", "emptyDir": {}}]
assert after["plain"]["spec"]["initContainers"] == [init], after["plain"]["spec"]["initContainers"]
assert after["several"]["spec"]["initContainers"] == [{"name": "migrate", "image": "m"}, init]
' "$BATS_TEST_TMPDIR/pods.json" "$BATS_TEST_TMPDIR/admitted.json" "$BATS_TEST_TMPDIR/init.json"
}

@test "A Kubernetes policy is bound by name to namespaces that carry a label" {
	needs_yaml
	for file in policy.yaml policy-init.yaml; do
		run -0 yaml "kubernetes/$file" '
policy, binding = docs
for each, kind in (policy, "MutatingAdmissionPolicy"), (binding, "MutatingAdmissionPolicyBinding"):
    assert (each["apiVersion"], each["kind"]) == ("admissionregistration.k8s.io/v1", kind)
assert binding["spec"]["policyName"] == policy["metadata"]["name"]
((key, value),) = binding["spec"]["matchResources"]["namespaceSelector"]["matchLabels"].items()
print(f"kubectl label namespace YOUR-NAMESPACE {key}={value}")'
		grep -qF "$output" "$ROOT/examples/kubernetes/$file"
		grep -qF "$output" "$ROOT/examples/kubernetes/README.md"
	done
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

@test "systemd accepts the drop-in" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here (systemd)"
	cd "$BATS_TEST_TMPDIR"
	mkdir server.service.d
	printf '[Unit]\nDescription=A server\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n' >server.service
	cp "$ROOT/examples/systemd/idleflush.conf" server.service.d
	# This machine's own units may be faulty.
	export SYSTEMD_UNIT_PATH=$PWD
	run -0 systemd-analyze verify ./server.service
	assert_output ''
	# The control: it was read.
	echo 'Enviroment=x' >>server.service.d/idleflush.conf
	run systemd-analyze verify ./server.service
	assert_output --partial "Unknown key 'Enviroment'"
}

# dropin: fills environment with the drop-in's, for the library of this build.
dropin() {
	local usr=$BATS_TEST_TMPDIR/usr
	mkdir -p "$usr/lib/$(cc -dumpmachine)/idleflush"
	cp "$LIB" "$usr/lib/$(cc -dumpmachine)/idleflush"
	mapfile -t environment < <(sed -n "s,=/usr/,=$usr/,; s,^Environment=,,p" \
		"$ROOT/examples/systemd/idleflush.conf")
	assert_equal "${#environment[@]}" 1
	run -0 env -i "${environment[@]}" "$PROGS/state"
	case $output in
	*cannot\ be\ preloaded*) skip "this machine's loader has another \$LIB than Debian's" ;;
	esac
	assert_output 'threads=2 then=2 secure=0'
}

@test "With the drop-in the lines of a service are fresh on the journal's socket, under systemd's filter" {
	command -v systemd-analyze >/dev/null || skip "systemd-analyze is not here (systemd)"
	local environment service=(/usr/bin/python3 "$ROOT/tests/fixtures/service.py")
	dropin
	# The control of the filter: what it does not list ends the process.
	run -159 "${service[@]}" /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).syscall(246, 0, 0, 0, 0)'
	start_server plain "${service[@]}" "$PROGS/server" --hello=listening
	start_server fresh "${service[@]}" env "${environment[@]}" "$PROGS/server" --hello=listening
	wait_until 10 arrived_text fresh listening
	for id in 1 2 3; do
		request "$(port_of plain)" "$id"
		request "$(port_of fresh)" "$id"
		wait_until 10 arrived fresh "$id"
	done
	refute arrived plain 3
	kill -TERM "$(pid_of fresh)" "$(pid_of plain)"
	wait_until 10 gone "$(pid_of fresh)"
	await_server fresh
	assert_equal "$SERVER_STATUS" 143
	assert_equal "$(lines_of fresh | grep -c '^req')" 3
	await_server plain
	refute arrived plain 3
}

# told NAME: what the table of supervisors says, for the library and the server of this build.
told() {
	sed -n "s,^| .*$1.* | .\(.*\). |\$,\1,p" "$ROOT/examples/supervisors/README.md" |
		sed "s,/usr/bin/idleflush\|\bidleflush\b,$PWD/bin/idleflush,; s,/usr/bin/server,$PWD/server,g"
}

# supervised NAME COMMAND...: starts it; the server that it starts has fresh lines and ends by TERM.
supervised() {
	local name=$1
	shift
	printf '#!/bin/sh\nexec "%s" --hello=listening --port-file="%s"\n' \
		"$PWD/bin/server" "$(dir_of "$name")/port" >server
	chmod 755 server
	start_server "$name" "$@"
	wait_until 10 arrived_text "$name" listening
	for id in 1 2 3; do
		request "$(port_of "$name")" "$id"
		wait_until 10 arrived "$name" "$id"
	done
}

@test "Under each supervisor the one line of the table is enough" {
	local tool run
	for tool in tini dumb-init gosu supervisord s6-supervise runsv start-stop-daemon; do
		command -v "$tool" >/dev/null || skip "$tool is not here"
	done
	[ "$(id -u)" = 0 ] || skip "gosu changes the user, which takes root"
	cd "$BATS_TEST_TMPDIR"
	# For those who are not root.
	chmod 755 . .. ../..
	mkdir bin
	cp "$IDLEFLUSH" "$LIB" "$PROGS/server" bin
	# The helper's --port-file goes to sh, which has no use for it.
	for tool in tini dumb-init; do
		run=$(told "$tool")
		assert [ -n "$run" ]
		supervised "$tool" sh -c "exec $run" -
		stop_server "$tool"
		assert_equal "$SERVER_STATUS" 143
	done

	# Debian 12 has no su-exec; where there is one, it takes the place of gosu.
	for tool in gosu su-exec; do
		command -v "$tool" >/dev/null || continue
		mkdir "$tool"
		chmod 777 "$tool"
		supervised "$tool" sh -c "$(told gosu | sed "s/exec gosu /exec $tool /")" -
		assert_equal "$(stat -c %U "/proc/$(pid_of "$tool")")" nobody
		stop_server "$tool"
	done

	supervised start-stop-daemon sh -c "exec $(told start-stop-daemon)" -
	run -0 start-stop-daemon --stop --exec "$PWD/bin/server" --retry 10
	await_server start-stop-daemon

	printf '[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=%s/sv.pid\nuser=root\n[program:server]\n%s\nstdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n' \
		"$PWD" "$(told supervisord)" >supervisord.conf
	supervised supervisord sh -c 'exec supervisord -c supervisord.conf' -
	stop_server supervisord

	for tool in s6 runit; do
		mkdir -p "service.$tool"
		printf '#!/bin/sh\n%s\n' "$(told "$tool")" >"service.$tool/run"
		chmod 755 "service.$tool/run"
	done
	# Under s6-overlay with an empty environment.
	supervised s6 sh -c "exec env -i PATH=$PATH s6-supervise service.s6" -
	stop_server s6
	supervised runit sh -c 'exec runsv service.runit' -
	stop_server runit
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
