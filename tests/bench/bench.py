#!/usr/bin/env python3
# bench.py -- idleflush beside what a user would pick instead: age of a line, and its cost
# SPDX-License-Identifier: MIT
"""
Usage: bench.py [--quick] [--only=a,b,...] [--out=DIR]

Workloads: a lines, x lines of C++'s cout, b full load, r steady rates, c ages, d nginx, e uvicorn, f idling, g start-up,
h calls, i memory, s a stalled collector, w programs that are no network servers.
In the environment: BUILD, the folder of what was built; LIB=FILE measures another library (its
launcher lies beside it); BENCH_UNPINNED=1 lets the scheduler place servers and load.
"""
import argparse
import os
import sys
import time

import contestants
import report
import results
import work_http
import work_lines
import work_real
import work_small
import work_waiting

WORKLOADS = {
    "a": work_lines.run,
    "x": work_lines.run_cout,
    "b": work_http.run_full_load,
    "r": work_http.run_rates,
    "c": work_http.run_ages,
    "d": work_real.run_nginx,
    "e": work_real.run_uvicorn,
    "f": work_small.run_idle,
    "i": work_small.run_memory,
    "g": work_small.run_start,
    "h": work_small.run_calls,
    "s": work_http.run_stall,
    "w": work_waiting.run,
}


class Bench:
    def __init__(self, options):
        self.quick = options.quick
        self.whole = options.only == ",".join(WORKLOADS)
        folder = os.path.join(contestants.BUILD, "bench", *(["quick"] if options.quick else []))
        self.out = os.path.abspath(options.out or folder)
        self.results = results.Results()
        self.began = time.monotonic()

    def program(self, name):
        return os.path.join(contestants.BUILD, "bench", "bin", name)

    def fixture(self, name):
        return os.path.join(contestants.BUILD, "tests", name)

    def rounds(self, what, full, quick, seconds=60):
        """
        Counts the rounds of a workload and says where we are. Once `seconds` are over no round
        begins, but there are two at least where there are to be more.
        """
        count = quick if self.quick else full
        began = time.monotonic()
        for turn in range(count):
            if turn >= 2 and time.monotonic() - began > seconds:
                break
            print(f"\r{time.monotonic() - self.began:6.0f} s  {what}, round {turn + 1} of {count}",
                  end="\x1b[K", file=sys.stderr, flush=True)
            yield turn
        if count:
            print(file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.strip())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--out")
    options = parser.parse_args()
    bench = Bench(options)
    os.makedirs(bench.out, exist_ok=True)
    for key in options.only.split(","):
        WORKLOADS[key](bench)
        bench.results.write_csv(bench.out)
    print(report.write(bench))
    print(f"{time.monotonic() - bench.began:.0f} s in all; CSV, table and picture: {bench.out}",
          file=sys.stderr)


if __name__ == "__main__":
    main()
