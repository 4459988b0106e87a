# bars.py -- what was promised, beside what was measured
# SPDX-License-Identifier: MIT
import math

THREAD = "… of a sleeping thread, nothing else"


def _promises(results):
    """(what, measured, bar, how to say it); measured is None where it was not, bar
    where nothing was promised."""
    r = results

    def ratio(workload, metric, key="idleflush"):
        return r.ratio(workload, metric, key)

    def median(workload, metric, key="idleflush"):
        return r.median(workload, metric, key)

    yield "lines: wall time", ratio("a-lines", "wall_ns_per_line"), "<= 1.02", "x {:.3f}"
    yield ("lines, -b 64K: wall time", ratio("a-lines", "wall_ns_per_line", "idleflush-64k"),
           "<= 0.95", "x {:.3f}")
    for name, workload in (("one thread", "b-epoll"), ("2 workers", "b-prefork")):
        yield f"{name}: requests/s", ratio(workload, "requests_per_s"), ">= 0.97", "x {:.3f}"
        yield (f"{name}: CPU per request", ratio(workload, "cpu_us_per_request"),
               "<= 1.03", "x {:.3f}")
        yield (THREAD,
               ratio(workload, "cpu_us_per_request", "thread"), None, "x {:.3f}")
    rates = sorted({int(metric.split("@")[1]) for workload, metric, _ in r.values
                    if workload == "c-ages"})
    for rate in rates:
        yield (f"age at {rate}/s, median", median("c-ages", f"median_ms@{rate}"),
               "<= 8", "{:.1f} ms")
        yield f"age at {rate}/s, 99th", median("c-ages", f"p99_ms@{rate}"), "<= 20", "{:.1f} ms"
    yield "nginx: CPU per request", ratio("d-nginx", "cpu_us_per_request"), "<= 1.03", "x {:.3f}"
    yield (THREAD,
           ratio("d-nginx", "cpu_us_per_request", "thread"), None, "x {:.3f}")
    yield ("uvicorn: CPU per request", ratio("e-uvicorn", "cpu_us_per_request"),
           "<= 1.03", "x {:.3f}")
    yield "uvicorn: age, median", median("e-uvicorn", "median_ms@20"), "<= 8", "{:.1f} ms"
    yield "idle: wake-ups a second", median("f-idle", "wakeups_per_s"), "<= 1.1", "{:.2f}"
    yield ("start: a process over plain", r.over("g-start", "us_per_process", "idleflush"),
           "<= 150", "{:.0f} µs")
    for name in ("socket", "client", "pipe", "file"):
        limit = "<= 30" if name == "socket" else "<= 10"
        yield (f"write to a {name}: the wrapper", median("h-calls", f"{name}_own_ns"),
               limit, "{:.1f} ns")
        yield (f"write to a {name}: over plain", median("h-calls", f"{name}_over_ns"),
               limit, "{:.1f} ns")
        yield (THREAD,
               median("h-calls", f"{name}_over_ns", "thread"), None, "{:.1f} ns")
    yield ("memory: RSS over plain", r.over("i-memory", "rss_kib", "idleflush"),
           "<= 100", "{:.0f} KiB")
    yield ("memory: of its own (private, dirty)",
           r.over("i-memory", "private_dirty_kib", "idleflush"), "<= 100", "{:.0f} KiB")
    yield ("stalled collector, short lines: worst response over plain",
           r.over("stall", "worst_ms_short", "idleflush"), "<= 5", "{:.1f} ms")
    yield ("stalled collector, long lines: worst response",
           ratio("stall", "worst_ms_long"), "<= 1.05", "x {:.3f}")
    for size in ("short", "long"):
        yield (f"stalled collector, {size} lines: lines lost",
               median("stall", f"lost_{size}"), "<= 0", "{:.0f}")


def table(results):
    lines = ["| | measured | bar | |", "|:--|--:|--:|:--|"]
    for what, measured, bar, words in _promises(results):
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
