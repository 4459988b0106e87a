# work_real.py -- servers that others wrote: (d) nginx, which needs no help; (e) uvicorn, FastAPI
# SPDX-License-Identifier: MIT
import os
import shutil
import socket
import tempfile
import time

import contestants
import process
import work_http

NGINX = """
daemon off;
worker_processes 1;
{user}
pid {dir}/nginx.pid;
error_log /dev/stderr crit;
events {{}}
http {{
	access_log /dev/stdout;
	keepalive_requests 1000000000;
	keepalive_timeout 1h;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen 127.0.0.1:{port};
		location / {{
			return 200 "hello world\\n";
		}}
	}}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listening(server, port):
    def listening():
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended: {server.process.args}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    process.until(listening, 30, f"port {port}")
    server.port = port
    return server


def start_nginx(one):
    where = tempfile.mkdtemp(dir=process.SCRATCH)
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    with open(where + "/nginx.conf", "w", encoding="ascii") as file:
        file.write(NGINX.format(dir=where, port=port, user=user))
    command = one.command(["nginx", "-p", where, "-c", where + "/nginx.conf"], [])
    server = process.Server(command)
    server.pid_file = where + "/nginx.pid"
    return await_listening(server, port)


def run_nginx(bench):
    for one in contestants.pick("patch"):
        bench.results.note("d-nginx", one.key, "its log does not go through stdio")
    for one in contestants.pick("stdbuf-oL", "stdbuf-o0"):
        bench.results.note("d-nginx", one.key, "no effect: its log does not go through stdio")

    def start():
        return {one: start_nginx(one) for one in work_http.everyone()
                if one.key not in ("patch", "stdbuf-oL", "stdbuf-o0")}

    work_http.take_turns(bench, "d-nginx", start, 3000, 30, 2)


def python_contestants(bench):
    """What a Python user would pick: -u instead of stdbuf, flush=True for the source patch."""
    unbuffered = contestants.Contestant("python-u", "python3 -u")
    chosen = contestants.pick("plain", "idleflush", "patch", "unbuffer", "script")
    return chosen[:2] + [unbuffered] + ([] if bench.quick else [contestants.AGAIN, *chosen[2:]])


def start_uvicorn(bench, one, ages=None):
    port = free_port()
    flags = ["-u"] if one.key == "python-u" else []
    words = ["/usr/bin/python3", *flags, "-m", "uvicorn", "--app-dir", contestants.HERE,
             "--port", str(port), "--timeout-keep-alive", "3600",
             "--no-access-log", "--log-level", "warning", "app:app"]
    env = {"PYTHONDONTWRITEBYTECODE": "1"}
    if one.patched:
        env["APP_FLUSH"] = "1"
    reader = [bench.fixture("reader"), f"--summary={ages}.sum"] if ages else ("cat",)
    # The pid comes from the application itself, for beneath a terminal it is not our child.
    env["APP_PID_FILE"] = pid_file = tempfile.mktemp(dir=process.SCRATCH)
    server = process.Server(one.command(words, []), reader, env=env, ages=ages)
    server.pid_file = pid_file
    return await_listening(server, port)


def run_uvicorn(bench):
    if not shutil.which("uvicorn"):
        for one in contestants.ALL:
            bench.results.note("e-uvicorn", one.key, "uvicorn is not installed")
        return
    for one in contestants.pick("stdbuf-oL", "stdbuf-o0"):
        bench.results.note("e-uvicorn", one.key, "no effect: CPython has its own buffer")

    def start():
        return {one: start_uvicorn(bench, one) for one in python_contestants(bench)}

    work_http.take_turns(bench, "e-uvicorn", start, 300, 30, 2)
    if bench.quick:
        return

    running = []
    for one in python_contestants(bench):
        if one is contestants.AGAIN:
            continue
        file = f"{process.SCRATCH}/python-{one.key}"
        running.append((one, start_uvicorn(bench, one, file), file))
    time.sleep(0.5)
    rate, seconds = 20, 10
    for _ in bench.rounds("e-uvicorn ages", 1, 0):
        loads = [work_http.load(bench, server.port, rate, rate * seconds)
                 for _, server, _ in running]
        for (one, server, file), asked in zip(running, loads):
            answered = work_http.said(asked)["ok"]
            server.stop()
            ages = work_http.ages_ms(file)
            work_http.add_ages(bench, "e-uvicorn", one, rate, 0, ages, answered)
