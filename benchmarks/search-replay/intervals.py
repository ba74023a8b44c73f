#!/usr/bin/env python3
"""The table of a replay with 95 % intervals: bootstrap by task, because seeds of one task are not independent.

  intervals.py OUT.json [OUT.json ...]
"""

import collections
import json
import random
import sys

COLUMNS = [("t95_gpu", "to 95 %, GPU"), ("t95_gpu_p90", "p90"), ("t95_wall", "to 95 %, wall"), ("stop_gpu", "at stop"),
           ("stop_quality", "quality"), ("violates", "violates"), ("false", "false infeasible")]
RESAMPLES = 2000


def p90(values):
    values = sorted(values)
    return values[int(0.9 * (len(values) - 1))]


def metrics(runs):
    mean = lambda key, of: sum(r[key] for r in of) / len(of) if of else float("nan")  # noqa: E731
    feasible = [r for r in runs if r["feasible"]]
    return {"t95_gpu": mean("t95_gpu", runs), "t95_gpu_p90": p90([r["t95_gpu"] for r in runs]),
            "t95_wall": mean("t95_wall", runs), "stop_gpu": mean("stop_gpu", runs),
            "stop_quality": mean("stop_quality", feasible), "violates": mean("violates", runs),
            "false": mean("nothing", feasible)}


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    runs = [r for path in sys.argv[1:] for r in json.load(open(path))]
    policies = list(dict.fromkeys(r["policy"] for r in runs))
    print("| policy | runs | " + " | ".join(title for _, title in COLUMNS) + " |")
    print("|---|---|" + "---|" * len(COLUMNS))
    for policy in policies:
        by_task = collections.defaultdict(list)
        for r in runs:
            if r["policy"] == policy:
                by_task[r["task"]].append(r)
        tasks = sorted(by_task)
        point = metrics([r for t in tasks for r in by_task[t]])
        generator = random.Random(1)
        samples = [metrics([r for t in generator.choices(tasks, k=len(tasks)) for r in by_task[t]])
                   for _ in range(RESAMPLES)]
        cells = []
        for key, _ in COLUMNS:
            values = sorted(s[key] for s in samples)
            low, high = values[int(0.025 * RESAMPLES)], values[int(0.975 * RESAMPLES) - 1]
            digits = 4 if key in ("violates", "false") else 3
            cells.append(f"{point[key]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})")
        print(f"| {policy} | {sum(len(v) for v in by_task.values())} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
