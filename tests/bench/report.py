# report.py -- from figures to text: the listing, the Markdown tables, the bars
# SPDX-License-Identifier: MIT
import math
import os

import bars
import contestants
import machine
import picture

SHOWN = 10, 1000  # requests a second in the first table


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


def ages(results, key, rate, workload="c-epoll"):
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
    """Everything: median, spread, ratio to plain and its spread, ratio to stdbuf -oL."""
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
            if key not in ("plain", "stdbuf-oL"):
                ratio = results.ratio(workload, metric, key, "stdbuf-oL")
                line += f"   of stdbuf -oL x{ratio:9.4f}" if ratio and math.isfinite(ratio) else ""
            lines.append(line)
    return "\n".join(lines)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def rates(results, workload):
    return sorted({int(metric.split("@")[1]) for where, metric, _ in results.values
                   if where == workload})


def name_of(one):
    return f"**{one.label}**" if one is contestants.IDLE else one.label


def ratio_of(results, workload, metric, key):
    if (workload, key) in results.notes:
        return "n/a"
    return times(results.ratio(workload, metric, key))


def cost(results, workload, metric, key, unit):
    """Plain's own figure, the others' ratio to it."""
    value = results.median(workload, metric, key)
    if key == "plain" and value is not None:
        return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    return ratio_of(results, workload, metric, key)


def thousands(results, key):
    value = results.median("b-epoll", "requests_per_s", key)
    return f"{value / 1000:.0f} k" if key == "plain" and value else ratio_of(
        results, "b-epoll", "requests_per_s", key)


def table(head, cells, everyone=None):
    """A row for each contestant who has one figure at least."""
    lines = [row(["", *head]), row([":--"] + ["--:"] * len(head))]
    for one in everyone or [*contestants.ALL, contestants.OLDER, contestants.THREAD]:
        found = cells(one.key)
        if any(cell != "–" for cell in found):
            lines.append(row([name_of(one), *found]))
    return "\n".join(lines)


def summary(results):
    def cells(key):
        memory = results.over("i-memory", "private_dirty_kib", key) if key != "plain" else 0
        return [
            *(ages(results, key, rate) for rate in SHOWN),
            *(cost(results, "r-epoll", f"cpu_us@{rate}", key, "µs") for rate in SHOWN),
            cost(results, "b-epoll", "cpu_us_per_request", key, "µs"),
            thousands(results, key),
            cost(results, "a-lines", "wall_ns_per_line", key, "ns"),
            cost(results, "x-cout", "wall_ns_per_line", key, "ns"),
            kib(memory),
        ]

    return table([*(f"age at {rate}/s" for rate in SHOWN), *(f"CPU at {rate}/s" for rate in SHOWN),
                  "CPU at full load", "requests/s", "time per line", "by cout", "memory"],
                 cells, [*contestants.MAIN, contestants.NO_RUNTIMES])


def table_of_costs(results, kind):
    """CPU time per request at every rate."""
    found = rates(results, f"r-{kind}")

    def cells(key):
        steady = [cost(results, f"r-{kind}", f"cpu_us@{rate}", key, "µs") for rate in found]
        return [*steady, cost(results, f"b-{kind}", "cpu_us_per_request", key, "µs")]

    return table([*(f"{rate}/s" for rate in found), "full load"], cells)


def table_of_ages(results, kind):
    found = rates(results, f"c-{kind}")
    return table([f"{rate}/s" for rate in found],
                 lambda key: [ages(results, key, rate, f"c-{kind}") for rate in found])


def table_of_waiting(results):
    modes = {"sleep": "prints and sleeps", "pipe": "a filter", "inetd": "a server on stdio"}
    return table(modes.values(),
                 lambda key: [ages(results, key, 50, f"w-{mode}") for mode in modes])


def table_of_load(results):
    def cells(key):
        memory = results.over("i-memory", "private_dirty_kib", key) if key != "plain" else 0
        return [cost(results, "b-epoll", "cpu_us_per_request", key, "µs"), thousands(results, key),
                cost(results, "a-lines", "wall_ns_per_line", key, "ns"),
                cost(results, "h-putchar", "ns_per_char", key, "ns"),
                cost(results, "h-loop", "ns_per_round", key, "ns"), kib(memory)]

    return table(["CPU per request", "requests/s", "time per line", "putchar", "loop", "memory"],
                 cells)


def table_of_servers(results):
    """The other servers, and what starting and idling cost."""
    def cells(key):
        begin = results.median("g-start", "us_per_process", key)
        woken = results.median("f-idle", "wakeups_per_s", key)
        return [
            *(ratio_of(results, workload, "cpu_us_per_request", key)
              for workload in ("b-prefork", "d-nginx", "e-uvicorn")),
            "n/a" if ("e-uvicorn", key) in results.notes else ages(results, key, 20, "e-uvicorn"),
            duration(begin / 1000) if begin else "–",
            "–" if woken is None else f"{woken:.1f}",
        ]

    extra = contestants.Contestant("python-u", "python3 -u")
    return table(["2 workers: CPU", "nginx: CPU", "FastAPI: CPU", "FastAPI: age of a line",
                  "start-up", "idle: wake-ups/s"], cells,
                 [*contestants.ALL, extra, contestants.THREAD])


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
        "Age of a line: median / 99th. CPU: the process's time per request. Time per line: of a "
        "program that only prints; by cout: the same in C++ after sync_with_stdio(false). Memory: "
        "private and dirty, more than plain's. Where plain has a figure the others have their ratio "
        "to it.\n\n" + summary(results),
        machine.describe(bench.quick),
        "CPU time per request by requests a second, of the whole process:\n\n"
        + table_of_costs(results, "epoll"),
        "The same of a libmicrohttpd server, which has a second thread anyway:\n\n"
        + table_of_costs(results, "microhttpd"),
        "Age of a line by requests a second, median / 99th; lost: still in the buffer when the "
        "server was stopped:\n\n" + table_of_ages(results, "epoll"),
        *(["The same of the libmicrohttpd server:\n\n" + table_of_ages(results, "microhttpd")]
          if rates(results, "c-microhttpd") else []),
        "Ages at 50 lines a second where there is no network:\n\n" + table_of_waiting(results),
        "Full load; lines and characters printed as fast as they go; a loop of write, epoll_wait "
        "and read on a socket pair:\n\n" + table_of_load(results),
        "Other servers; ratios are CPU time per request, to plain:\n\n"
        + table_of_servers(results),
    ]
    if results.notes:
        parts.append("n/a: cannot do it, or has no effect:\n\n" + notes(results))
    parts.append("What idleflush promises:\n\n" + bars.table(results))
    for name, text in (("summary.md", parts[:2]), ("table.md", parts)):
        with open(os.path.join(bench.out, name), "w", encoding="utf-8") as file:
            file.write("\n\n".join(text) + "\n")
    picture.draw(results, bench.out, rates(results, "r-epoll"))
    return listing(results) + "\n\n" + "\n\n".join(parts)
