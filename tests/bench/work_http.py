# work_http.py -- servers under load: (b) full load, (c) steady rates, and a collector that stalls
# SPDX-License-Identifier: MIT
import math
import re

import contestants
import process


def fixture(bench, one, *words):
    """The fixture server's command, run by contestant `one`."""
    command = [bench.fixture("server"), "--port-file={port_file}", "--pid-file={pid_file}", *words]
    return one.command(command, ["--setvbuf=line"])


def wrk(port, seconds=1, connections=16, path="/1"):
    """Requests a second."""
    said = process.output(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", f"http://127.0.0.1:{port}{path}"],
        process.LOAD_CPUS,
    )
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m)", said)
    if not found or "Non-2xx" in said or int(found[1]) == 0:
        raise RuntimeError(f"wrk: {said}")
    return int(found[1]) / float(found[2]) * (1000 if found[3] == "ms" else 1)


def take_turns(bench, workload, start, requests, full, quick):
    """
    Full load on one server after the other in short turns (turns.c), round by round, for so many
    seconds. All are alive all the time: an idle one costs nothing. Where a program's pages happen
    to lie is worth some percent, so all are started anew, by `start`, several times.
    """
    generations = 1 if bench.quick else 5
    for generation in bench.rounds(f"{workload}, short turns", generations, 1, math.inf):
        servers = start()
        text = process.output(
            [bench.program("turns"), "200", str(quick if bench.quick else full // generations),
             str(requests), "16"]
            + [f"{server.port}:{','.join(map(str, process.tree(server.pid)))}"
               for server in servers.values()],
            process.LOAD_CPUS,
        )
        for server in servers.values():
            server.stop()
        note_turns(bench, workload, [one.key for one in servers], generation, text)


def note_turns(bench, workload, keys, generation, text):
    for line in text.splitlines():
        which, turn, cpu_ns, wall_ns = line.split()
        add = bench.results.add
        key, turn = keys[int(which)], generation * 1000 + int(turn)
        add(workload, "cpu_us_per_request", key, turn, float(cpu_ns) / 1e3)
        add(workload, "requests_per_s", key, turn, 1e9 / float(wall_ns))


def take_wrk(bench, workload, servers, full, quick):
    """The same load by wrk, a second each: what it says of requests/s."""
    for turn in bench.rounds(f"{workload}, wrk", full, quick, 25):
        for one, server in servers.items():
            if not bench.quick or one.key in ("plain", "idleflush", "stdbuf-oL"):
                bench.results.add(workload, "wrk_requests_per_s", one.key, turn, wrk(server.port))


def everyone():
    first = [contestants.PLAIN, contestants.IDLE, contestants.THREAD, contestants.AGAIN]
    return first + contestants.ALL[2:]


def run_full_load(bench):
    for workload, model in (
        ("b-epoll", ["--model=epoll"]),
        ("b-prefork", ["--model=prefork", "--workers=2"]),
    ):
        # Two workers get both cores, as they would; one thread has one of its own.
        cpus = process.SERVER_CPUS if workload == "b-epoll" else process.ALL_CPUS

        def start():
            return {one: process.Server(fixture(bench, one, "--graceful", *model), cpus=cpus)
                    .await_port() for one in everyone()}

        take_turns(bench, workload, start, 4000, 50, 7 if workload == "b-epoll" else 4)
        if workload == "b-epoll":
            servers = start()
            take_wrk(bench, workload, servers, 3, 1)
            for server in servers.values():
                server.stop()


def load(bench, port, rate, count):
    """Starts a steady load; its `ok=` says how many were answered."""
    return process.start(
        [bench.fixture("load"), f"--port={port}", f"--rate={rate}", f"--count={count}",
         "--connections=16"],
        process.LOAD_CPUS,
        stdout=-1,
        text=True,
    )


def said(process_):
    text, _ = process_.communicate()
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", text)}


def ages_ms(path, stamp="req "):
    """Ages of the stamped lines that arrived: `AGE_US LINE` each."""
    ages = []
    with open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            age, _, rest = line.partition(" ")
            if rest.startswith(stamp) and age != "-":
                ages.append(int(age) / 1000)
    return ages


def percentile(values, percent):
    values = sorted(values)
    return values[(len(values) - 1) * percent // 100]


def add_ages(bench, workload, one, rate, turn, ages, answered):
    """A line that never came is infinitely old."""
    lost = max(answered - len(ages), 0)
    ages = ages + [math.inf] * lost
    bench.results.add(workload, f"median_ms@{rate}", one.key, turn, percentile(ages, 50))
    bench.results.add(workload, f"p99_ms@{rate}", one.key, turn, percentile(ages, 99))
    bench.results.add(workload, f"lost@{rate}", one.key, turn, lost / answered)


def measure_ages(bench, pairs, seconds, turn):
    """
    For each (contestant, rate) a server, all side by side, asked `rate` times a second and in the
    end stopped by TERM: what is still in its buffer then is lost.
    """
    running = []
    for one, rate in pairs:
        file = f"{process.SCRATCH}/ages-{one.key}-{rate}"
        server = process.Server(
            fixture(bench, one), [bench.fixture("reader"), f"--summary={file}.sum"], ages=file
        ).await_port()
        running.append((one, rate, server, file))
    loads = [load(bench, server.port, rate, rate * seconds) for _, rate, server, _ in running]
    for (one, rate, server, file), asked in zip(running, loads):
        answered = said(asked)["ok"]
        server.stop()
        add_ages(bench, "c-ages", one, rate, turn, ages_ms(file), answered)


def run_ages(bench):
    """At low rates all side by side, for they do not meet on the processor; else one by one."""
    low, high, seconds = ((10,), (), 3) if bench.quick else ((1, 10, 100), (1000, 10000), 20)
    for turn in bench.rounds("c-ages, low rates", 1, 1):
        measure_ages(bench, [(one, rate) for rate in low for one in contestants.ALL], seconds, turn)
    for turn in bench.rounds("c-ages, 1000/s", 0, 1):
        measure_ages(bench, [(one, 1000) for one in contestants.ALL], 2, turn)
    for rate in high:
        for turn in bench.rounds(f"c-ages, {rate}/s", 2, 0):
            for one in contestants.ALL:
                measure_ages(bench, [(one, rate)], 2, turn)


SIZES = {"short": 0, "long": 400}  # bytes a line; 0: as they are, 45 or so


def run_stall(bench):
    """The collector reads nothing for 3 s while 200 requests a second come in."""
    group = contestants.pick("plain", "idleflush", "idleflush-64k", "patch", "stdbuf-oL")
    for turn in bench.rounds("stall", 3, 1):
        running = []
        for one in group:
            for size, bytes_ in SIZES.items():
                words = fixture(bench, one, "--graceful", f"--line-size={bytes_}")
                file = f"{process.SCRATCH}/stall-{one.key}-{size}"
                reader = [bench.fixture("reader"), "--stall=3000", f"--summary={file}.sum"]
                server = process.Server(words, reader, ages=file).await_port()
                running.append((one, size, server, file))
        loads = [load(bench, server.port, 200, 800) for _, _, server, _ in running]
        for (one, size, server, file), asked in zip(running, loads):
            end = said(asked)
            server.stop()
            add, lost = bench.results.add, end["ok"] - len(ages_ms(file))
            add("stall", f"worst_ms_{size}", one.key, turn, end["max_us"] / 1000)
            add("stall", f"lost_{size}", one.key, turn, lost)
            add("stall", f"failed_{size}", one.key, turn, end["failed"])
