# report.py -- from figures to text: the listing, the Markdown table, the bars, the picture's data
# SPDX-License-Identifier: MIT
import math
import os
import subprocess

import bars
import contestants
import machine
import picture

RATE = 10  # requests a second at which the table and the picture show ages


def duration(ms):
    """As a reader would say it, two digits: 40 us, 5.2 ms, 1.3 s."""
    if ms is None:
        return "–"
    if math.isinf(ms):
        return "never"
    for unit, factor in (("s", 1000), ("ms", 1), ("µs", 0.001)):
        value = ms / factor
        if value >= 0.995 or unit == "µs":
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return "0"


def ages(results, key, rate, workload="c-ages"):
    """`median / 99th`, or how many lines were lost where that is what happened to them."""
    median = results.median(workload, f"median_ms@{rate}", key)
    last = results.median(workload, f"p99_ms@{rate}", key)
    lost = results.median(workload, f"lost@{rate}", key)
    if median is None:
        return "–"
    if math.isinf(median):
        return f"lost ({lost:.0%})"
    if math.isinf(last):
        return f"{duration(median)}, {lost:.0%} lost"
    return f"{duration(median)} / {duration(last)}"


def times(value):
    if value is None:
        return "–"
    return f"{value:.2f}" if value < 9.95 else f"{value:.0f}"


def kib(value):
    return "–" if value is None else f"{max(value, 0):.0f} KiB"


def listing(results):
    """Everything: median, spread, ratio to plain and its spread."""
    groups = {}
    for workload, metric, key in results.values:
        groups.setdefault((workload, metric), []).append(key)
    lines = []
    for (workload, metric), keys in groups.items():
        lines.append(f"\n{workload}: {metric}")
        for key in keys:
            median = results.median(workload, metric, key)
            line = f"  {contestants.LABELS.get(key, key):30}{median:12.5g}"
            if not math.isinf(median):
                line += f"  ±{results.spread(workload, metric, key):6.1%}"
            ratio = results.ratio(workload, metric, key)
            if ratio and math.isfinite(ratio) and key != "plain" and ratio > 0:
                spread = results.ratio_spread(workload, metric, key)
                line += f"   x{ratio:9.4f}  ±{spread:6.1%}"
            lines.append(line)
    return "\n".join(lines)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def rates(results):
    return sorted({int(metric.split("@")[1]) for workload, metric, _ in results.values
                   if workload == "c-ages"})


def name_of(one):
    return f"**{one.label}**" if one is contestants.IDLE else one.label


def ratio_of(results, workload, metric, key):
    if (workload, key) in results.notes:
        return "n/a"
    return times(results.ratio(workload, metric, key))


def table(results):
    """The contestants side by side; ratios are to plain."""
    head = ["", "age of a line, median / 99th", "CPU per request", "requests/s",
            "time per printed line", "memory of its own"]
    lines = [row(head), row([":--"] + ["--:"] * (len(head) - 1))]
    for one in contestants.ALL + [contestants.THREAD]:
        memory = results.over("i-memory", "private_dirty_kib", one.key) if one.key != "plain" else 0
        lines.append(row([
            name_of(one), ages(results, one.key, RATE),
            ratio_of(results, "b-epoll", "cpu_us_per_request", one.key),
            ratio_of(results, "b-epoll", "requests_per_s", one.key),
            ratio_of(results, "a-lines", "wall_ns_per_line", one.key), kib(memory),
        ]))
    return "\n".join(lines)


def table_of_servers(results):
    """The other servers: what plain and its like cost there."""
    head = ["", "2 workers: CPU", "nginx: CPU", "FastAPI: CPU", "FastAPI: age of a line",
            "start-up", "idle: wake-ups/s"]
    lines = [row(head), row([":--"] + ["--:"] * (len(head) - 1))]
    extra = contestants.Contestant("python-u", "python3 -u")
    for one in contestants.ALL + [extra, contestants.THREAD]:
        start = results.median("g-start", "us_per_process", one.key)
        woken = results.median("f-idle", "wakeups_per_s", one.key)
        lines.append(row([
            name_of(one),
            ratio_of(results, "b-prefork", "cpu_us_per_request", one.key),
            ratio_of(results, "d-nginx", "cpu_us_per_request", one.key),
            ratio_of(results, "e-uvicorn", "cpu_us_per_request", one.key),
            "n/a" if ("e-uvicorn", one.key) in results.notes
            else ages(results, one.key, 20, "e-uvicorn"),
            duration(start / 1000) if start else "–",
            "–" if woken is None else f"{woken:.1f}",
        ]))
    return "\n".join(lines)


def table_of_ages(results):
    found = rates(results)
    lines = [row(["age of a line at"] + [f"{rate}/s" for rate in found]),
             row([":--"] + ["--:"] * len(found))]
    for one in contestants.ALL:
        lines.append(row([name_of(one)] + [ages(results, one.key, rate) for rate in found]))
    return "\n".join(lines)


def notes(results):
    said = {}
    for (workload, key), text in results.notes.items():
        said.setdefault((workload, text), []).append(contestants.LABELS[key])
    return "\n".join(f"- {workload.split('-')[1]}: {', '.join(names)}: {text}"
                     for (workload, text), names in said.items())


def write(bench):
    """Writes table.md, its beginning and the picture, of a whole run; returns what to print."""
    results = bench.results
    if not bench.whole:
        return listing(results) + "\n\n" + bars.table(results)
    parts = [
        f"Ratios are to plain, age is at {RATE} requests/s:\n\n" + table(results),
        machine.describe(bench.quick),
        "Ages by requests a second, median / 99th; lost: still in the buffer when the server was "
        f"stopped after {3 if bench.quick else 20} s:\n\n" + table_of_ages(results),
        "Other servers; ratios are CPU time per request, to plain:\n\n"
        + table_of_servers(results),
    ]
    if results.notes:
        parts.append("n/a: cannot do it, or has no effect:\n\n" + notes(results))
    parts.append("What idleflush promised:\n\n" + bars.table(results))
    for name, text in (("summary.md", parts[:2]), ("table.md", parts)):
        with open(os.path.join(bench.out, name), "w", encoding="utf-8") as file:
            file.write("\n\n".join(text) + "\n")
    if picture.write_data(results, bench.out, RATE):
        subprocess.run(
            ["gnuplot", "-e", f"folder='{bench.out}'", contestants.HERE + "/picture.gp"], check=True
        )
    return listing(results) + "\n\n" + "\n\n".join(parts)
