# results.py -- figures by workload, metric, contestant and round; medians, spread, ratios to plain
# SPDX-License-Identifier: MIT
import csv
import os
import statistics


class Results:
    def __init__(self):
        self.values = {}  # (workload, metric, contestant) -> {round: value}
        self.notes = {}  # (workload, contestant) -> why there are none

    def add(self, workload, metric, contestant, turn, value):
        self.values.setdefault((workload, metric, contestant), {})[turn] = value

    def note(self, workload, contestant, text):
        self.notes[workload, contestant] = text

    def has(self, workload, metric, contestant):
        return (workload, metric, contestant) in self.values

    def of(self, workload, metric, contestant):
        return list(self.values.get((workload, metric, contestant), {}).values())

    def median(self, workload, metric, contestant):
        values = self.of(workload, metric, contestant)
        return statistics.median(values) if values else None

    def spread(self, workload, metric, contestant):
        """Half the distance between the quartiles, of the median."""
        return _spread(self.of(workload, metric, contestant))

    def ratios(self, workload, metric, contestant, base="plain"):
        """To `base` in the same round: what the machine did meanwhile cancels out."""
        mine = self.values.get((workload, metric, contestant), {})
        theirs = self.values.get((workload, metric, base), {})
        return [mine[turn] / theirs[turn] for turn in mine if theirs.get(turn)]

    def ratio(self, workload, metric, contestant, base="plain"):
        values = self.ratios(workload, metric, contestant, base)
        return statistics.median(values) if values else None

    def ratio_spread(self, workload, metric, contestant, base="plain"):
        return _spread(self.ratios(workload, metric, contestant, base))

    def over(self, workload, metric, contestant, base="plain"):
        """The median difference to `base` in the same round."""
        mine = self.values.get((workload, metric, contestant), {})
        theirs = self.values.get((workload, metric, base), {})
        values = [mine[turn] - theirs[turn] for turn in mine if turn in theirs]
        return statistics.median(values) if values else None

    def write_csv(self, folder):
        for workload in sorted({key[0] for key in self.values}):
            path = os.path.join(folder, workload + ".csv")
            with open(path, "w", newline="", encoding="utf-8") as file:
                out = csv.writer(file, lineterminator="\n")
                out.writerow(["contestant", "metric", "round", "value"])
                for (where, metric, contestant), values in self.values.items():
                    if where == workload:
                        out.writerows([contestant, metric, turn, f"{value:.6g}"]
                                      for turn, value in values.items())


def _spread(values):
    if len(values) < 2:
        return 0.0
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / abs(middle) if middle else 0.0
