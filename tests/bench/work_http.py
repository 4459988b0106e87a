# work_http.py -- servers under (b) full load, (r) steady load, (c) ages of lines, (s) stalls
# SPDX-License-Identifier: MIT
import math
import re

import contestants
import process

FIXTURE, MICROHTTPD = "epoll", "microhttpd"
RATES = 1, 10, 100, 300, 1000, 3000, 10000


def fixture(bench, one, *words):
    """The fixture server's command, run by contestant `one`."""
    command = [bench.fixture("server"), "--port-file={port_file}", "--pid-file={pid_file}", *words]
    return one.command(command, ["--setvbuf=line"])


def start(bench, kind, one, ages=None):
    """One thread, written for tests (epoll); or unmodified libmicrohttpd, which has two."""
    if kind == MICROHTTPD:
        words = one.command([bench.fixture("microhttpd"), "--port-file={port_file}"], [])
    else:
        words = fixture(bench, one)
    reader = [bench.fixture("reader"), f"--summary={ages}.sum"] if ages else ("cat",)
    return process.Server(words, reader, ages=ages).await_port()


def turns(bench, servers, *options):
    """turns.c with these servers; returns its process."""
    return process.start(
        [bench.program("turns"), *options]
        + [f"{server.port}:{','.join(map(str, process.tree(server.pid)))}" for server in servers],
        process.LOAD_CPUS, stdout=-1, text=True,
    )


def told(playing):
    """(server's number, round, CPU us a request, requests a second) of each turn."""
    text, _ = playing.communicate()
    if playing.returncode:
        raise RuntimeError(f"{' '.join(playing.args)}: exit status {playing.returncode}")
    for line in text.splitlines():
        which, turn, cpu_ns, wall_ns = line.split()
        yield int(which), int(turn), float(cpu_ns) / 1e3, 1e9 / float(wall_ns)


def take_turns(bench, workload, start_all, requests, full, quick, generations=5):
    """
    Full load on one server after the other in short turns (turns.c), round by round, for so many
    seconds. All are alive all the time: an idle one costs nothing. Where a program's pages happen
    to lie is worth some percent, so all are started anew, by `start_all`, several times.
    """
    for generation in bench.rounds(f"{workload}, short turns", generations, 1, math.inf):
        servers = start_all()
        keys = [one.key for one in servers]
        playing = turns(bench, servers.values(), "--rounds=200", f"--requests={requests}",
                        f"--seconds={quick if bench.quick else full / generations}")
        for which, turn, cpu_us, per_s in told(playing):
            turn += generation * 1000
            bench.results.add(workload, "cpu_us_per_request", keys[which], turn, cpu_us)
            bench.results.add(workload, "requests_per_s", keys[which], turn, per_s)
        for server in servers.values():
            server.stop()


def everyone():
    first = [contestants.PLAIN, contestants.IDLE, contestants.THREAD, contestants.AGAIN]
    return first + contestants.ALL[2:]


def run_full_load(bench):
    def preforked(one):
        # Two workers get both cores, as they would; one thread has one of its own.
        words = fixture(bench, one, "--graceful", "--model=prefork", "--workers=2")
        return process.Server(words, cpus=process.ALL_CPUS).await_port()

    take_turns(bench, "b-epoll", lambda: {one: start(bench, FIXTURE, one) for one in everyone()},
               4000, 45, 3)
    # How the connections happen to be shared among two workers is worth more than ten percent.
    take_turns(bench, "b-prefork", lambda: {one: preforked(one) for one in everyone()}, 4000, 45, 2,
               generations=15)
    take_turns(bench, "b-microhttpd",
               lambda: {one: start(bench, MICROHTTPD, one) for one in contestants.MAIN},
               3000, 20, 2)


# Requests a turn and seconds in all, by rate.
STEADY = {100: (40, 42), 300: (60, 24), 1000: (150, 21), 3000: (300, 21), 10000: (600, 21)}


def run_rates(bench):
    """
    CPU time a request, the whole process's, at steady rates: of the fixture and of libmicrohttpd,
    by everyone in turn. At low rates all are asked side by side, for they hardly meet.
    """
    kinds = (FIXTURE,) if bench.quick else (FIXTURE, MICROHTTPD)

    def begin(rate, *options):
        names = [(kind, one) for kind in kinds for one in contestants.MAIN]
        names += [(FIXTURE, contestants.OLDER)]
        servers = [start(bench, kind, one) for kind, one in names]
        playing = turns(bench, servers, f"--rate={rate}", *options)
        return rate, names, servers, playing

    def end(generation, rate, names, servers, playing):
        for which, turn, cpu_us, _ in told(playing):
            kind, one = names[which]
            turn += generation * 1000
            bench.results.add(f"r-{kind}", f"cpu_us@{rate}", one.key, turn, cpu_us)
        for server in servers:
            server.stop()

    low = (10,) if bench.quick else (1, 10)
    for _ in bench.rounds(f"r-rates, {' and '.join(map(str, low))}/s", 1, 1):
        rounds, seconds = (1, 3) if bench.quick else (4, 5)
        for running in [begin(rate, "--together", f"--rounds={rounds}",
                              f"--requests={rate * seconds}") for rate in low]:
            end(0, *running)
    for rate, (requests, seconds) in STEADY.items():
        if bench.quick and rate not in (1000, 10000):
            continue
        for generation in bench.rounds(f"r-rates, {rate}/s", 3, 1, math.inf):
            end(generation, *begin(rate, "--rounds=200", f"--requests={requests}",
                                   f"--seconds={1 if bench.quick else seconds / 3}"))


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


def measure_ages(bench, asked, seconds, turn):
    """
    For each (kind, contestant, rate) a server, all side by side, asked `rate` times a second and in
    the end stopped by TERM: what is still in its buffer then is lost.
    """
    running = []
    for kind, one, rate in asked:
        file = f"{process.SCRATCH}/ages-{kind}-{one.key}-{rate}"
        running.append((kind, one, rate, start(bench, kind, one, file), file))
    loads = [load(bench, server.port, rate, rate * seconds) for _, _, rate, server, _ in running]
    for (kind, one, rate, server, file), loading in zip(running, loads):
        answered = said(loading)["ok"]
        server.stop()
        add_ages(bench, f"c-{kind}", one, rate, turn, ages_ms(file), answered)


def run_ages(bench):
    """At low rates all side by side, for they hardly meet on the processor; else one by one."""
    pairs = [(FIXTURE, one) for one in contestants.ALL]
    if not bench.quick:
        pairs += [(MICROHTTPD, one) for one in contestants.MAIN if one in contestants.ALL]
    side_by_side = {(10,): 3, (1000,): 2} if bench.quick else {(1, 10, 100): 20, (300,): 5}
    for low, seconds in side_by_side.items():
        for turn in bench.rounds(f"c-ages, {', '.join(map(str, low))}/s", 1, 1):
            measure_ages(bench, [(*pair, rate) for rate in low for pair in pairs], seconds, turn)
    for rate in (1000, 3000, 10000):
        for turn in bench.rounds(f"c-ages, {rate}/s", 2, 0):
            for pair in pairs[turn:] + pairs[:turn]:
                measure_ages(bench, [(*pair, rate)], 1, turn)


SIZES = {"short": 0, "long": 400}  # bytes a line; 0: as they are, 45 or so


def run_stall(bench):
    """The collector reads nothing for 3 s while 200 requests a second come in."""
    group = contestants.pick("plain", "idleflush", "patch", "stdbuf-oL")
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
