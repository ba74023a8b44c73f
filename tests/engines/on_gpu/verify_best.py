"""Checks the answer of a search: is the named best really the best nearby, and does its limit hold?

    verify_best.py --status STATUS.yaml --bin DIR --model DIR --slo ttft.p99=2s --scenario D(512,128) --gpus 0,1 --out FILE
                   [--neighbours 4] [--seconds 40] [--search-seconds 30] [--factors 0.9,1.1]

Starts fresh servers, one on each GPU at a time, and measures each with `autotune bench`:
  * the best and the runner-up: their limit by concurrency, and then open-loop points at 0.9 and 1.1 times the rate that the
    search reports for them (`factors`);
  * the best's neighbours that were not measured: one value of one swept parameter up or down, or another preset.
Writes one JSON line for each server to FILE as soon as it has it, and prints a table at the end.

A vLLM on the PATH, this project's programs in --bin. Parameters and presets are read from the task in the status file.
"""

import argparse
import json
import os
import pathlib
import queue
import subprocess
import sys
import threading
import time

import yaml


def flags(arguments):
    """["--a", "1", "--b"] as {"--a": "1", "--b": None}."""
    found, name = {}, None
    for word in arguments:
        if word.startswith("--"):
            name = word
            found[name] = None
        else:
            found[name] = word
    return found


def arguments_of(by_flag):
    return [word for flag, value in by_flag.items() for word in ((flag,) if value is None else (flag, str(value)))]


def neighbours(task, best, measured):
    """The best's settings with one swept parameter a step up or down, or those of another preset; what was measured is left out."""
    mine = flags(best["args"])
    out = []
    for name, values in task["spec"]["parameters"].items():
        if not isinstance(values, list) or len(values) < 2:
            continue
        flag = "--" + name
        at = [str(v) for v in values].index(str(mine[flag]))
        out += [mine | {flag: str(values[i])} for i in (at - 1, at + 1) if 0 <= i < len(values)]
    swept = {"--" + name for name in task["spec"]["parameters"]}
    presets = {}  # the quantization flags of each preset, from any of its experiments
    for experiment in task["status"]["experiments"]:
        own = {f: v for f, v in flags(experiment["args"]).items() if f not in swept}
        presets.setdefault(experiment["quant"]["name"], own)
    for name, own in presets.items():
        if name != best["quant"]["name"]:
            out.append({f: v for f, v in mine.items() if f in swept} | own)
    return [n for n in out if n not in measured]


def serve(options, arguments, gpu, port, log):
    environment = dict(os.environ, CUDA_VISIBLE_DEVICES=str(gpu))
    command = ["vllm", "serve", options.model, "--host", "127.0.0.1", "--port", str(port), *arguments]
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True)


def bench(options, port, *more):
    command = [str(options.bin / "autotune"), "bench", f"http://127.0.0.1:{port}", "--slo", options.slo,
               "--scenario", options.scenario, "-o", "json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        return {"error": done.stderr.strip()[-600:]}
    return json.loads(done.stdout)


def short(point):
    keys = ("concurrency", "requestRate", "verdict", "windowSeconds", "requests", "unfinished", "requestsPerSecond",
            "outputTokensPerSecond", "outputTokensPerSecondCi")
    return {k: point[k] for k in keys if k in point} | {"ttftP99": point["ttft"]["p99"]}


def measure(options, job, gpu, port):
    log_path = options.out.with_suffix(f".{job['name']}.log")
    row = dict(job, gpu=gpu)
    begin = time.monotonic()
    with open(log_path, "w", encoding="utf-8") as log:
        server = serve(options, job["args"], gpu, port, log)
        try:
            while subprocess.run(["curl", "-sf", "-o", os.devnull, f"http://127.0.0.1:{port}/health"], check=False).returncode:
                if server.poll() is not None or time.monotonic() - begin > options.startup:
                    row["error"] = f"no server: see {log_path.name}"
                    return row
                time.sleep(1)
            row["startSeconds"] = round(time.monotonic() - begin, 1)
            found = bench(options, port, "--duration", f"{options.search_seconds}s")
            row["limits"] = found.get("limits", found)
            row["points"] = [short(p) for p in found.get("points", [])]
            if "rate" in job:
                rates = ",".join(f"{job['rate'] * f:.2f}" for f in options.factors)
                found = bench(options, port, "--rate", rates, "--duration", f"{options.seconds}s", "--drain", "15s")
                row["openLoop"] = [short(p) for p in found["points"]] if "points" in found else found
        finally:
            subprocess.run(["pkill", "-INT", "-s", str(os.getpgid(server.pid))], check=False)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                subprocess.run(["pkill", "-KILL", "-s", str(server.pid)], check=False)
    return row


def best_point(row):
    points = row.get("points", [])
    for limit in row.get("limits", []) if isinstance(row.get("limits"), list) else []:
        if "point" in limit:
            return points[limit["point"]]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--status", required=True, type=pathlib.Path)
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--slo", required=True)
    parser.add_argument("--scenario", required=True)
    parser.add_argument("--gpus", required=True, type=lambda text: text.split(","))
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--neighbours", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--search-seconds", type=int, default=30, help="longest point of the search for a limit")
    parser.add_argument("--startup", type=int, default=400, help="seconds")
    parser.add_argument("--factors", type=lambda text: [float(f) for f in text.split(",")], default=[0.9, 1.1])
    options = parser.parse_args()

    task = yaml.safe_load(options.status.read_text(encoding="utf-8"))
    rows = {e["name"]: e for e in task["status"]["experiments"] if e.get("score") is not None}
    best = rows[task["status"]["best"]["experiment"]]
    ranked = sorted(rows.values(), key=lambda e: -float(e["score"]))
    second = next(e for e in ranked if e is not best)

    def rate(experiment):
        kept = [p for p in experiment["loads"] if p["meetsSlo"]]
        return max(float(p["requestsPerSecond"]) for p in kept)

    jobs = [{"name": e["name"], "role": role, "args": e["args"], "rate": rate(e), "score": float(e["score"]), "scoreCi": float(e.get("scoreCi", 0))}
            for e, role in ((best, "best"), (second, "second"))]
    near = neighbours(task, best, [flags(e["args"]) for e in rows.values()])
    jobs += [{"name": f"n{i + 1}", "role": "neighbour", "args": arguments_of(n)} for i, n in enumerate(near[:options.neighbours])]

    todo = queue.Queue()
    for job in jobs:
        todo.put(job)
    done, lock = [], threading.Lock()

    def worker(index, gpu):
        while True:
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            row = measure(options, job, gpu, 18100 + index)
            with lock:
                done.append(row)
                with open(options.out, "a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
                limit = best_point(row)
                print(row["role"], row["name"], " ".join(row["args"]), "->", limit or row.get("error"), flush=True)

    threads = [threading.Thread(target=worker, args=(i, g)) for i, g in enumerate(options.gpus)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    print(f"\n{'':10} {'limit':>6} {'tok/s':>9} {'+-':>7} {'TTFT p99':>9}  arguments")
    for row in sorted(done, key=lambda r: -(best_point(r) or {"outputTokensPerSecond": 0})["outputTokensPerSecond"]):
        limit = best_point(row)
        if limit is None:
            print(f"{row['role']:10} {'':6} {'none':>9} {'':7} {'':9}  {' '.join(row['args'])}")
            continue
        print(f"{row['role']:10} {limit['concurrency']:6g} {limit['outputTokensPerSecond']:9.1f} {limit['outputTokensPerSecondCi']:7.1f} "
              f"{limit['ttftP99']:6.0f} ms  {' '.join(row['args'])}")
        for point in row.get("openLoop", []):
            print(f"{'':10} {point['requestRate']:6.1f}/s answered {point['requestsPerSecond']:.1f}/s, {point['verdict']}, "
                  f"TTFT p99 {point['ttftP99']:.0f} ms")
    return 0 if all(best_point(row) for row in done) else 1


if __name__ == "__main__":
    sys.exit(main())
