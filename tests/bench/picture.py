# picture.py -- where the points and their labels go; gnuplot draws them
# SPDX-License-Identifier: MIT
import math
import os

import contestants

# The plot's area in picture.gp, in pixels, and its axes.
WIDTH, HEIGHT = 740, 430
X_LOW, Y_LOW, Y_HIGH = 0.88, 1e-5, 60  # times plain; seconds
LINE = 22  # pixels from label to label
LETTER = 8

SHORT = {"plain": "full buffering", "patch": "setvbuf in the source"}


class Point:
    def __init__(self, one, cost, age):
        self.one, self.cost = one, cost
        self.lost = math.isinf(age)  # when the server was stopped
        self.age = Y_HIGH / 3 if self.lost else age / 1000
        self.label = SHORT.get(one.key, one.label) + (": lost" if self.lost else "")
        self.ours = 2 if one is contestants.IDLE else 1 if one.ours else 0


def _points(results, rate):
    for one in contestants.ALL:
        cost = results.ratio("b-epoll", "cpu_us_per_request", one.key)
        age = results.median("c-ages", f"median_ms@{rate}", one.key)
        if cost is not None and age is not None:
            yield Point(one, cost, age)


class Plane:
    """Pixels, from the lower left corner."""

    def __init__(self, x_high):
        self.x_high = x_high

    def x(self, cost):
        return WIDTH * (cost - X_LOW) / (self.x_high - X_LOW)

    def y(self, age):
        return HEIGHT * math.log(age / Y_LOW) / math.log(Y_HIGH / Y_LOW)

    def back(self, x, y):
        age = Y_LOW * (Y_HIGH / Y_LOW) ** (y / HEIGHT)
        return X_LOW + (self.x_high - X_LOW) * x / WIDTH, age


def _place(points, plane):
    """Where each label begins: right of its point, above what it would cover."""
    taken = [(plane.x(p.cost) - 8, plane.y(p.age), 16) for p in points]  # left end, middle, width
    places = {}
    for p in sorted(points, key=lambda p: (plane.y(p.age), -p.cost)):
        width = LETTER * len(p.label) * (1.2 if p.ours == 2 else 1)
        x, y = plane.x(p.cost) + 16, plane.y(p.age)
        for step in (0, 1, -1, 2, -2, 3, 4, 5, 6):
            here = x + (12 if step else 0), y + step * LINE * 0.85
            if here[1] > 8 and not any(
                abs(here[1] - other_y) < LINE * 0.8
                and here[0] < other_x + other_width
                and other_x < here[0] + width
                for other_x, other_y, other_width in taken
            ):
                break
        taken.append((here[0], here[1], width))
        places[p.one.key] = here
    return places


def write_data(results, folder, rate):
    """points.dat: x, y, the label's x and y, ours (2: default, 1: other settings, 0), label."""
    points = list(_points(results, rate))
    if not points:
        return False
    x_high = max([1.2] + [p.cost for p in points]) * 1.12 + 0.1
    plane = Plane(x_high)
    places = _place(points, plane)
    with open(os.path.join(folder, "points.dat"), "w", encoding="utf-8") as file:
        for p in points:
            x, y = plane.back(*places[p.one.key])
            file.write(f'{p.cost:.4f} {p.age:.8f} {x:.4f} {y:.8f} {p.ours} "{p.label}"\n')
    with open(os.path.join(folder, "axes.gp"), "w", encoding="utf-8") as file:
        file.write(f"set xrange [{X_LOW}:{x_high:.4f}]\nset yrange [{Y_LOW}:{Y_HIGH}]\n"
                   f"set xtics {0.1 if x_high < 1.7 else 0.2}\nrate = {rate}\n")
    return True
