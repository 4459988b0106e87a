# work_small.py -- prices beside the main one: (f) idling, (g) start-up, (h) calls, (i) memory
# SPDX-License-Identifier: MIT
import os
import re
import subprocess
import time

import contestants
import process
import work_http


def start_all(bench):
    """Fixture servers that answered a few requests."""
    servers = {}
    for one in contestants.ALL:
        servers[one] = process.Server(work_http.fixture(bench, one)).await_port()
    for asked in [work_http.load(bench, s.port, 1000, 100) for s in servers.values()]:
        work_http.said(asked)
    return servers


def run_idle(bench):
    seconds = 2 if bench.quick else 10
    for turn in bench.rounds("f-idle", 2, 1):
        servers = start_all(bench)
        time.sleep(1.2)
        before = {one: (process.wakeups(s.pid), process.cpu_ns(s.pid))
                  for one, s in servers.items()}
        time.sleep(seconds)
        for one, server in servers.items():
            woken = process.wakeups(server.pid) - before[one][0]
            spent = process.cpu_ns(server.pid) - before[one][1]
            bench.results.add("f-idle", "wakeups_per_s", one.key, turn, woken / seconds)
            bench.results.add("f-idle", "cpu_us_per_s", one.key, turn, spent / seconds / 1e3)
            server.stop()


def run_memory(bench):
    for turn in bench.rounds("i-memory", 9, 2, 15):
        servers = start_all(bench)
        for one, server in servers.items():
            for name, value in process.memory_kib(server.pid).items():
                bench.results.add("i-memory", f"{name}_kib", one.key, turn, value)
            stack = process.stack_kib(server.pid) if one.ours else None
            if stack is not None:
                bench.results.add("i-memory", "stack_kib", one.key, turn, stack)
        for server in servers.values():
            server.stop()


def stdbuf_library():
    for folder in ("/usr/libexec/coreutils", "/usr/lib/coreutils", "/usr/lib/x86_64-linux-gnu"):
        if os.path.exists(folder + "/libstdbuf.so"):
            return folder + "/libstdbuf.so"
    return None


def run_start(bench):
    """The loader and the constructor alone, by LD_PRELOAD; and with the command before them."""
    library = stdbuf_library()
    ways = {
        "plain": ["true"],
        "idleflush": ["-e", "LD_PRELOAD=" + contestants.LIB, "true"],
        "again": ["true"],
        "idleflush-command": [contestants.IDLEFLUSH, "true"],
        "stdbuf-oL-command": ["stdbuf", "-oL", "true"],
    }
    if library:
        ways["stdbuf-oL"] = ["-e", "_STDBUF_O=L", "-e", "LD_PRELOAD=" + library, "true"]
    rare = {"unbuffer": ["unbuffer", "true"], "script": ["script", "-qfc", "true", "/dev/null"]}
    slices, each = (2, 80) if bench.quick else (40, 200)
    for turn in bench.rounds("g-start", slices, slices, 25):
        now = {**ways, **rare} if turn % 8 == 0 else ways
        keys = list(now)
        for key in keys[turn % len(keys):] + keys[:turn % len(keys)]:
            words = now[key]
            count = 10 if key in rare else each
            text = process.output(
                [bench.program("spawn"), str(count), *words], stderr=subprocess.DEVNULL
            )
            bench.results.add("g-start", "us_per_process", key, turn, float(text.split()[-1]))


def run_calls(bench):
    blocks = "300" if bench.quick else "2000"
    for turn in bench.rounds("h-calls", 5, 1, 15):
        for key, library in (("plain", []), ("idleflush", [contestants.LIB]),
                             ("thread", [contestants.THREAD_LIB])):
            said = process.output(
                [bench.program("calls"), blocks, *library], process.SERVER_CPUS
            )
            for name, *figures in re.findall(r"(\w+) ([\d.-]+) ([\d.-]+) ([\d.-]+)", said):
                for what, figure in zip(("plain", "own", "over"), figures):
                    bench.results.add("h-calls", f"{name}_{what}_ns", key, turn, float(figure))

    count = "10000000" if bench.quick else "100000000"
    ways = contestants.pick("plain", "idleflush", "idleflush-threads")
    ways += [contestants.AGAIN, contestants.THREAD]
    for turn in bench.rounds("h-putchar", 5, 1, 10):
        for one in ways:
            end, other = os.pipe()
            cat = process.start(["cat"], process.LOAD_CPUS, stdin=end, stdout=subprocess.DEVNULL)
            program = process.start(
                one.command([bench.program("chars"), count], []), process.SERVER_CPUS,
                stdout=other, stderr=subprocess.PIPE, text=True,
            )
            os.close(end)
            os.close(other)
            _, text = program.communicate()
            cat.wait()
            bench.results.add("h-putchar", "ns_per_char", one.key, turn, float(text.split()[-1]))

    rounds = "1000" if bench.quick else "4000"
    for turn in bench.rounds("h-loop", 40, 5, 20):
        for one in ways[turn % len(ways):] + ways[:turn % len(ways)]:
            said = process.output(one.command([bench.program("loop"), rounds], []),
                                  process.SERVER_CPUS)
            bench.results.add("h-loop", "ns_per_round", one.key, turn, float(said))
