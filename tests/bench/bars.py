# bars.py -- what is promised, beside what was measured
# SPDX-License-Identifier: MIT
import math

import work_http

THREAD = "… of a sleeping thread, nothing else"
STDBUF = "stdbuf-oL"


def _at_rates(r):
    """A server's lines and costs at steady rates: as fresh as line buffering, and never dearer."""
    for kind in (work_http.FIXTURE, work_http.MICROHTTPD):
        for rate in work_http.RATES:
            median, last = ("<= 0.3", "<= 2") if rate <= 100 else ("<= 3", "<= 11")
            name = f"{kind}, {rate}/s"
            yield (f"{name}: age, median", r.median(f"c-{kind}", f"median_ms@{rate}", "idleflush"),
                   median, "{:.2f} ms")
            yield (f"{name}: age, 99th", r.median(f"c-{kind}", f"p99_ms@{rate}", "idleflush"),
                   last, "{:.2f} ms")
            cpu = f"r-{kind}", f"cpu_us@{rate}"
            yield (f"{name}: CPU, to stdbuf -oL", r.ratio(*cpu, "idleflush", STDBUF),
                   "<= 1.05", "x {:.3f}")
            yield ("… on an older kernel", r.ratio(*cpu, "idleflush-older", STDBUF),
                   "<= 1.05", "x {:.3f}")
            yield (f"{name}: CPU, to plain", r.ratio(*cpu, "idleflush"),
                   "<= 1.03" if rate >= 3000 else None, "x {:.3f}")
        cpu = f"b-{kind}", "cpu_us_per_request"
        yield f"{kind}, full load: CPU", r.ratio(*cpu, "idleflush"), "<= 1.01", "x {:.3f}"
        yield "… --start=threads", r.ratio(*cpu, "idleflush-threads"), "<= 1.01", "x {:.3f}"
        yield THREAD, r.ratio(*cpu, "thread"), None, "x {:.3f}"
        yield (f"{kind}, full load: requests/s",
               r.ratio(f"b-{kind}", "requests_per_s", "idleflush"), ">= 0.99", "x {:.3f}")


def _elsewhere(r):
    for name, workload, bar in (("2 workers", "b-prefork", "<= 1.01"),
                                ("nginx", "d-nginx", "<= 1.02"),
                                ("FastAPI", "e-uvicorn", "<= 1.02")):
        yield (f"{name}: CPU per request", r.ratio(workload, "cpu_us_per_request", "idleflush"),
               bar, "x {:.3f}")
        yield THREAD, r.ratio(workload, "cpu_us_per_request", "thread"), None, "x {:.3f}"
    yield ("FastAPI, 20/s: age, median", r.median("e-uvicorn", "median_ms@20", "idleflush"),
           "<= 8", "{:.1f} ms")
    for mode, what in (("sleep", "prints and sleeps"), ("pipe", "filter, by read and write"),
                       ("inetd", "server on stdio")):
        yield (f"{what}: age, median", r.median(f"w-{mode}", "median_ms@50", "idleflush"),
               "<= 0.5", "{:.2f} ms")
    yield ("lines: wall time", r.ratio("a-lines", "wall_ns_per_line", "idleflush"),
           "<= 0.88", "x {:.3f}")
    for name, key in (("C++, cout off C stdio: wall time", "idleflush"),
                      ("… --runtimes=none", "idleflush-none")):
        yield name, r.ratio("x-cout", "wall_ns_per_line", key), None, "x {:.3f}"
    loop = "h-loop", "ns_per_round"
    yield "loop on a socket pair", r.ratio(*loop, "idleflush"), "<= 1.04", "x {:.3f}"
    yield "… --start=threads", r.ratio(*loop, "idleflush-threads"), None, "x {:.3f}"
    yield THREAD, r.ratio(*loop, "thread"), None, "x {:.3f}"
    for name in ("socket", "client", "pipe", "file"):
        yield (f"write to a {name}: the wrapper",
               r.median("h-calls", f"{name}_own_ns", "idleflush"),
               "<= 30" if name == "socket" else "<= 10", "{:.1f} ns")


def _small(r):
    yield ("idle: wake-ups a second", r.median("f-idle", "wakeups_per_s", "idleflush"),
           "<= 1.1", "{:.2f}")
    yield ("start: a process over plain", r.over("g-start", "us_per_process", "idleflush"),
           "<= 70", "{:.0f} µs")
    yield ("memory: RSS over plain", r.over("i-memory", "rss_kib", "idleflush"),
           "<= 100", "{:.0f} KiB")
    yield ("memory: of its own (private, dirty)",
           r.over("i-memory", "private_dirty_kib", "idleflush"), "<= 100", "{:.0f} KiB")
    yield ("stalled collector, short lines: worst response over plain",
           r.over("stall", "worst_ms_short", "idleflush"), "<= 5", "{:.1f} ms")
    yield ("stalled collector, long lines: worst response",
           r.ratio("stall", "worst_ms_long", "idleflush"), "<= 1.05", "x {:.3f}")
    for size in ("short", "long"):
        yield (f"stalled collector, {size} lines: lines lost",
               r.median("stall", f"lost_{size}", "idleflush"), "<= 0", "{:.0f}")


def table(results):
    """(what, measured, bar, how to say it) by row; no bar where nothing is promised."""
    lines = ["| | measured | bar | |", "|:--|--:|--:|:--|"]
    for what, measured, bar, words in [*_at_rates(results), *_elsewhere(results), *_small(results)]:
        if measured is None or math.isnan(measured):
            continue
        if bar is None:
            lines.append(f"| {what} | {words.format(measured)} | | |")
            continue
        limit = float(bar[2:])
        good = measured <= limit if bar[0] == "<" else measured >= limit
        bar = bar.replace("<=", "≤").replace(">=", "≥")
        lines.append(f"| {what} | {words.format(measured)} | {bar} | {'' if good else 'missed'} |")
    return "\n".join(lines)
