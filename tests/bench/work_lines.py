# work_lines.py -- millions of lines into a pipe, as fast as they go: (a) printf, (x) C++'s cout
# SPDX-License-Identifier: MIT
import os
import subprocess
import time

import contestants
import process


def lines_through_cat(words):
    """Wall and CPU seconds of `words | cat >/dev/null`; cat's CPU time is not counted."""
    end, other = os.pipe()
    cat = process.start(["cat"], process.LOAD_CPUS, stdin=end, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    program = process.start(words, process.SERVER_CPUS, stdout=other, stderr=subprocess.DEVNULL)
    os.close(end)
    os.close(other)
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    cat.wait()
    wall = time.monotonic() - began
    if program.returncode:
        raise RuntimeError(f"{words}: exit status {program.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def run(bench):
    """
    Five million lines and more of each, a slice a round; the slow ones print less, for what is
    compared is the time of one line. Everyone comes first once in a while.
    """
    slice_, rounds = (500_000, 5) if bench.quick else (1_000_000, 40)
    everyone = [contestants.PLAIN, contestants.IDLE, contestants.AGAIN] + contestants.ALL[2:]
    fast = [c for c in everyone if c.ours or c.key in ("plain", "again")]
    for turn in bench.rounds("a-lines", rounds, rounds, 2 if bench.quick else 40):
        group = everyone if turn % 4 == 0 else fast
        first = turn % len(fast)
        for one in group[first:] + group[:first]:
            count = slice_ if one in fast else slice_ // 5
            command = one.command([bench.program("lines"), str(count)], ["line"])
            wall, cpu = lines_through_cat(command)
            bench.results.add("a-lines", "wall_ns_per_line", one.key, turn, wall / count * 1e9)
            bench.results.add("a-lines", "cpu_ns_per_line", one.key, turn, cpu / count * 1e9)


def run_cout(bench):
    """A million numbers by cout << n << '\\n' after sync_with_stdio(false)."""
    ways = [contestants.PLAIN, contestants.IDLE, contestants.NO_RUNTIMES, contestants.AGAIN,
            contestants.STDBUF]
    for turn in bench.rounds("x-cout", 20, 3, 20):
        for one in ways[turn % len(ways):] + ways[:turn % len(ways)]:
            wall, cpu = lines_through_cat(one.command([bench.program("ints"), "1000000"], []))
            bench.results.add("x-cout", "wall_ns_per_line", one.key, turn, wall * 1e3)
            bench.results.add("x-cout", "cpu_ns_per_line", one.key, turn, cpu * 1e3)
