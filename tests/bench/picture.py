# picture.py -- age of a line against CPU time a request, a dot for each rate: an SVG
# SPDX-License-Identifier: MIT
"""
Light and dark by a media query in the picture's own style sheet, which browsers heed in an <img>
as well; its type is large enough for the width of a telephone.
"""
import math
import os

import contestants

WIDTH, HEIGHT = 480, 496
LEFT, RIGHT, TOP, BOTTOM = 62, 466, 178, 438  # the plot
LOST = TOP - 18  # where dots go whose median line was still in the buffer at the end
AGES = [(0.01, "10 µs"), (0.1, "100 µs"), (1, "1 ms"), (10, "10 ms"), (100, "100 ms"), (1e3, "1 s"),
        (1e4, "10 s")]
COSTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]
COLOURS = {  # light, dark
    "plain": ("#6e7781", "#9198a1"),
    "idleflush": ("#0a7d72", "#3fd0bf"),
    "idleflush-threads": ("#5aa9e0", "#79c0ff"),
    "stdbuf-oL": ("#bc4c00", "#f0883e"),
    "unbuffer": ("#8250df", "#bc8cff"),
}
STYLE = """
text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 }
.faint { fill: #59636e; font-size: 13px }
.rate { font-size: 12px }
.back { fill: #ffffff }
.grid { stroke: #d8dee4; stroke-width: 1 }
polyline { fill: none; stroke-width: 2.2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.faint { fill: #9198a1 }
.back { fill: #0d1117 }
.grid { stroke: #30363d }
}
"""


class Line:
    """A contestant's dots: (rate, x, y), in pixels."""

    def __init__(self, one, points, scale):
        self.key, self.label = one.key, one.label
        self.dots = [(rate, scale(cost), _height(age)) for rate, cost, age in points]


def _height(age_ms):
    if math.isinf(age_ms):
        return LOST
    low, high = math.log(AGES[0][0]), math.log(AGES[-1][0] * 2)
    return BOTTOM - (BOTTOM - TOP) * min(max((math.log(age_ms) - low) / (high - low), 0), 1)


def _points(results, key, rates):
    for rate in rates:
        cost = results.median("r-epoll", f"cpu_us@{rate}", key)
        age = results.median("c-epoll", f"median_ms@{rate}", key)
        if cost is not None and age is not None:
            yield rate, cost, max(age, AGES[0][0])


def _text(x, y, text, kind="", anchor="start"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{text}</text>'


def _rates(lines):
    """Our dots say their rate, the others' the first and the last one, where there is room."""
    # Of what is there already: the middle, half its width and half its height.
    taken = [(x, y, 5, 5) for line in lines for _, x, y in line.dots]
    for line in sorted(lines, key=lambda line: line.key != "idleflush"):
        if line.key == "idleflush-threads":  # close to the line above
            continue
        dots = line.dots if line.key == "idleflush" else [line.dots[0], line.dots[-1]]
        for rate, x, y in dots:
            label = f"{rate:,}/s".replace(",", "\u202f")
            half = 3.3 * len(label)
            for at_x, at_y in ((x, y + 14), (x, y - 14), (x + half + 8, y), (x - half - 8, y)):
                free = all(abs(at_x - x2) > half + w2 or abs(at_y - y2) > 6 + h2
                           for x2, y2, w2, h2 in taken)
                if free and LEFT + half < at_x < RIGHT + 10 - half and at_y < BOTTOM - 4:
                    taken.append((at_x, at_y, half, 6))
                    yield _text(at_x, at_y + 4, label, f"rate {line.key}", "middle")
                    break


def _legend(lines):
    for i, line in enumerate(lines):
        x, y = (14, 248)[i % 2], 66 + 21 * (i // 2)
        yield f'<polyline class="{line.key}" points="{x},{y - 5} {x + 24},{y - 5}"/>'
        yield f'<circle class="{line.key}" cx="{x + 12}" cy="{y - 5}" r="4"/>'
        yield _text(x + 32, y, line.label)


def draw(results, folder, rates):
    """folder/figures.svg, where there is something to draw."""
    points = {one: list(_points(results, one.key, rates)) for one in contestants.MAIN}
    points = {one: found for one, found in points.items() if found}
    if not points:
        return
    costs = [cost for found in points.values() for _, cost, _ in found]
    low, high = math.log(min(costs) / 1.25), math.log(max(costs) * 1.25)

    def scale(cost):
        return LEFT + (RIGHT - LEFT) * (math.log(cost) - low) / (high - low)

    lines = [Line(one, found, scale) for one, found in points.items()]
    light, dark = ("".join(
        f".{key} {{ stroke: {pair[i]} }}\n"
        f"circle.{key}, text.{key} {{ fill: {pair[i]}; stroke: none }}\n"
        for key, pair in COLOURS.items()) for i in (0, 1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{1.5 * WIDTH:.0f}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">',
        f"<style>{STYLE}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}</style>",
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}" rx="6"/>',
        _text(14, 26, "How old is a log line, and what does it cost?", "title"),
        _text(14, 45, f"a dot for each rate: {', '.join(map(str, rates))} requests/s", "faint"),
        *_legend(lines),
    ]
    for age, label in AGES:
        y = _height(age)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.0f}H{RIGHT}"/>')
        parts.append(_text(LEFT - 6, y + 5, label, "faint", "end"))
    parts.append(_text(14, LOST - 20, "median age of a line"))
    parts.append(_text(LEFT - 6, LOST + 5, "lost", "faint", "end"))
    for cost in COSTS:
        if low < math.log(cost) < high:
            parts.append(f'<path class="grid" d="M{scale(cost):.0f} {TOP}V{BOTTOM}"/>')
            parts.append(_text(scale(cost), BOTTOM + 18, f"{cost} µs", "faint", "middle"))
    parts.append(_text(RIGHT, BOTTOM + 42, "CPU time per request, whole process", "", "end"))
    # Ours last, above the others.
    for line in sorted(lines, key=lambda line: line.key == "idleflush"):
        where = " ".join(f"{x:.1f},{y:.1f}" for _, x, y in line.dots)
        parts.append(f'<polyline class="{line.key}" points="{where}"/>')
        parts += [f'<circle class="{line.key}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
                  for _, x, y in line.dots]
    parts += [*_rates(lines), "</svg>"]
    with open(os.path.join(folder, "figures.svg"), "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
