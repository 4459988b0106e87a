# picture.py -- where the points and their labels go; gnuplot draws them
# SPDX-License-Identifier: MIT
import math
import os

import contestants

# The plot's area in picture.gp, in pixels, and its axes.
WIDTH, HEIGHT = 760, 430
Y_LOW, Y_HIGH = 1e-5, 30  # seconds
LINE = 21  # pixels from label to label

SHORT = {"plain": "plain", "patch": "setvbuf in the source", "idleflush": "idleflush"}


def _points(results, rate):
    for one in contestants.ALL:
        cost = results.ratio("b-epoll", "cpu_us_per_request", one.key)
        age = results.median("c-ages", f"median_ms@{rate}", one.key)
        if cost is None or age is None:
            continue
        never = math.isinf(age)
        yield one, cost, Y_HIGH / 2 if never else age / 1000, never


def _pixel(age):
    return HEIGHT * math.log(age / Y_LOW) / math.log(Y_HIGH / Y_LOW)


def _age(pixel):
    return Y_LOW * (Y_HIGH / Y_LOW) ** (pixel / HEIGHT)


def _spread_labels(points):
    """A height for each label: as near to its point as the labels below it allow."""
    heights, columns = {}, []
    for one, cost, age, _ in sorted(points, key=lambda point: _pixel(point[2])):
        near = [h for other_cost, h in columns if abs(other_cost - cost) < 0.45]
        height = max([_pixel(age)] + [h + LINE for h in near])
        columns.append((cost, height))
        heights[one.key] = height
    return heights


def write_data(results, folder, rate):
    """points.dat: x, y, label's x and y, label, ours (2 default, 1 other settings, 0 others)."""
    points = list(_points(results, rate))
    if not points:
        return False
    high = max(1.2, max(cost for _, cost, _, _ in points)) * 1.12 + 0.1
    heights = _spread_labels(points)
    with open(os.path.join(folder, "points.dat"), "w", encoding="utf-8") as file:
        file.write(f"# at {rate} requests/s; x up to {high:.2f}\n")
        for one, cost, age, never in points:
            label = SHORT.get(one.key, one.label) + (" (lost)" if never else "")
            ours = 2 if one is contestants.IDLE else 1 if one.ours else 0
            file.write(f'{cost:.4f} {age:.8f} {cost + 0.03 * high:.4f} '
                       f'{_age(heights[one.key]):.8f} "{label}" {ours}\n')
    return True
