"""Checks that what was measured holds: open loops below and above a limit, on the server that it was found on or on fresh ones.

    verify_best.py limits URL --bin DIR --slo ttft.p99=2s --scenario D(512,128) --out FILE [--factors 0.9,1.1] [--seconds 40]
                   [--search-seconds 60] [--budget 540]
    verify_best.py server URL --limit limit.json --bin DIR [--factors 0.9,1.1] [--seconds 180] [--out FILE]
    verify_best.py search --status STATUS.yaml --bin DIR --model DIR --slo ttft.p99=2s --scenario D(512,128) --gpus 0,1 --out FILE
                   [--neighbours 4] [--factors 0.9,1.1] [--seconds 40] [--search-seconds 30] [--ladder 32,256]

`limits`: both limits of a running server, which may still be starting: by rate, open loops around it, by concurrency, then by rate once more
with another seed while the budget lasts. FILE is written again after each step: {"steps": [...]}, each with the seconds that it took, so what
an interrupted run has measured is kept. Exit code 0 if both limits were found and the open loops agree.

`server`: one limit. `limit.json` is what `autotune bench URL --slo ... -o json` wrote; the server runs at URL, started as it was then.
Prints one JSON line: {"limit": 53.2, "slo": [...], "openLoop": [{"share": 0.9, "verdict": "Met", ...}, ...], "agrees": true}.
`agrees`: met below the limit and missed above it. Exit code 0 if so, 1 if not.

`search`: is the named best of a task really the best nearby? Starts fresh servers, one on each GPU at a time, a vLLM on the PATH:
  * the best and the runner-up: their limit by concurrency, and open loops around the rate that the search reports for them;
  * the best's neighbours that were not measured: one value of one swept parameter up or down, or another preset.
With `--ladder`, each server also gets these fixed numbers of requests in flight, and the table says what a ladder of them would have
reported: the throughput at the highest of them that meets the SLO.
Writes one JSON line for each server to FILE as soon as it has it, and prints a table at the end. Exit code 1 where a limit is missing.
What a server has so far is in FILE with the suffix .NAME.json, so what an interrupted run has measured is kept.
Parameters and presets are read from the task in the status file.

Open loops are Poisson arrivals with the workload of the limit, at each of `--factors` times its requests/s, for `--seconds`.
"""

import argparse
import json
import os
import pathlib
import queue
import signal
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


def bench(options, url, *more, seconds=None):
    """The result document; {"error": text} where there is none. After `seconds` it is interrupted, and says what it has."""
    command = [str(options.bin / "autotune"), "bench", url, "-o", "json", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            out, errors = program.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGINT)
            out, errors = program.communicate(timeout=60)
    if not out.startswith("{"):
        return {"error": errors.strip()[-600:]}
    return json.loads(out)


def short(point):
    keys = ("concurrency", "requestRate", "verdict", "windowSeconds", "requests", "errors", "unfinished", "requestsPerSecond",
            "outputTokensPerSecond", "outputTokensPerSecondCi", "clientLagP99")
    return {k: point[k] for k in keys if k in point} | {"ttftP99": point["ttft"]["p99"]}


def workload_arguments(spec):
    """The command line of the same workload."""
    arguments = []
    for scenario in spec.get("scenarios", []):
        arguments += ["--scenario", scenario]
    if "dataset" in spec:
        arguments += ["--dataset", spec["dataset"]["path"], "--format", spec["dataset"]["format"]]
        if "outputTokens" in spec["dataset"]:
            arguments += ["--output-tokens", str(spec["dataset"]["outputTokens"])]
    if spec.get("endpoint") == "Chat":
        arguments.append("--chat")
    if "prefix" in spec:
        arguments += ["--prefix", f"{spec['prefix']['tokens']}x{spec['prefix']['groups']}"]
    if "turns" in spec:
        arguments += ["--turns", str(spec["turns"])]
    return arguments


def judged(point, slo):
    """The verdict by the numbers of a long window, and these numbers."""
    values = {f"{b['metric']}.{b['statistic']}": point[b["metric"]][b["statistic"]] for b in slo.get("bounds", [])}
    if point["verdict"] in ("ClientBound", "ShortAnswers"):
        return {"verdict": point["verdict"], "values": values}
    broken = [f"{b['metric']}.{b['statistic']}" for b in slo.get("bounds", [])
              if values[f"{b['metric']}.{b['statistic']}"] > b["limit"]]
    sent = point["requests"] + point["errors"]
    if point["errors"] > slo.get("errorRate", 0.01) * sent:
        broken.append("errorRate")
    if point.get("saturated"):
        broken.append("requestRate")
    return {"verdict": "Missed" if broken else "Met", "broken": broken, "values": values}


def open_loop(options, url, spec, rate):
    """Long points around a limit that was found under `spec`. The bench is given no bound, which would end a point as soon as it is
    decided: `judged` decides."""
    if spec.get("slo", {}).get("attainment"):
        return {"error": "a limit under slo.attainment cannot be checked by percentiles"}
    points = []
    for share in options.factors:
        found = bench(options, url, "--rate", f"{rate * share:.4g}", "--duration", f"{options.seconds}s", "--drain", "60s",
                      "--max", "1024", "--seed", "2", *workload_arguments(spec))  # not the search's seed
        if "points" not in found:
            return found
        point = found["points"][-1]
        points.append({"share": share, **short(point), **judged(point, spec.get("slo", {}))})
    return points


def ladder(options, url, workload):
    """Points at fixed concurrencies, for `--ladder-seconds` each, judged by their numbers; and what a ladder would have reported."""
    slo = workload.get("slo", {})
    found = bench(options, url, "--concurrency", ",".join(str(c) for c in options.ladder), "--duration", f"{options.ladder_seconds}s",
                  "--drain", "20s", "--max", str(max(options.ladder)), *workload_arguments(workload))
    if "points" not in found:
        return found
    points = [short(p) | judged(p, slo) for p in found["points"]]
    kept = [p for p in points if p["verdict"] == "Met"]
    return {"points": points, "reported": kept[-1] if kept else None}


def limit_of(result):
    """The point that is the limit; None where no load meets the SLO."""
    for limit in result.get("limits", []):
        if "point" in limit:
            return result["points"][limit["point"]]
    return None


def measure(options, job, gpu, port):
    log_path, kept_path = (options.out.with_suffix(f".{job['name']}.{kind}") for kind in ("log", "json"))
    row = dict(job, gpu=gpu)
    begin = time.monotonic()

    def keep(**more):
        row.update(more)
        kept_path.write_text(json.dumps(row) + "\n", encoding="utf-8")

    with open(log_path, "w", encoding="utf-8") as log:
        server = serve(options, job["args"], gpu, port, log)
        try:
            while subprocess.run(["curl", "-sf", "-o", os.devnull, f"http://127.0.0.1:{port}/health"], check=False).returncode:
                if server.poll() is not None or time.monotonic() - begin > options.startup:
                    row["error"] = f"no server: see {log_path.name}"
                    return row
                time.sleep(1)
            keep(startSeconds=round(time.monotonic() - begin, 1))
            url = f"http://127.0.0.1:{port}"
            found = bench(options, url, "--slo", options.slo, "--scenario", options.scenario, "--duration", f"{options.search_seconds}s")
            if "error" in found:
                row["error"] = found["error"]
                return row
            keep(limits=found["limits"], points=[short(p) for p in found["points"]])
            if options.ladder:
                keep(ladder=ladder(options, url, found["spec"]))
            if "rate" in job:
                keep(openLoop=open_loop(options, url, found["spec"], job["rate"]))
        finally:
            subprocess.run(["pkill", "-INT", "-s", str(os.getpgid(server.pid))], check=False)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                subprocess.run(["pkill", "-KILL", "-s", str(server.pid)], check=False)
    return row


def wait_until_healthy(url, seconds):
    begin = time.monotonic()
    while subprocess.run(["curl", "-sf", "-o", os.devnull, url + "/health"], check=False).returncode:
        if time.monotonic() - begin > seconds:
            sys.exit(f"{url}: not healthy after {seconds} s")
        time.sleep(1)
    return round(time.monotonic() - begin, 1)


def agree(points):
    """Met below the limit, missed above it."""
    return all(p["verdict"] == ("Met" if p["share"] < 1 else "Missed") for p in points)


def check_limits(options):
    steps = [{"step": "start", "seconds": wait_until_healthy(options.url, options.startup)}]
    begin = time.monotonic()

    def left():
        return options.budget - (time.monotonic() - begin)

    def keep(step, started, row):
        steps.append({"step": step, "seconds": round(time.monotonic() - started, 1)} | row)
        options.out.write_text(json.dumps({"url": options.url, "steps": steps}, indent=1), encoding="utf-8")
        print(json.dumps(steps[-1]), flush=True)

    def search(step, by, seed, seconds):
        started = time.monotonic()
        found = bench(options, options.url, "--slo", options.slo, "--scenario", options.scenario, "--search", by, "--seed", str(seed),
                      "--duration", f"{options.search_seconds}s", seconds=max(seconds, 1))
        limit = limit_of(found)
        row = {"error": found["error"]} if "error" in found else {"limits": found["limits"], "points": [short(p) for p in found["points"]]}
        if limit:
            row["limit"] = short(limit)
        keep(step, started, row)
        return found.get("spec"), limit

    # What does not end must not take the others' time: the open loops need theirs, the search by concurrency what is left.
    rate_spec, by_rate = search("by rate", "rate", 1, left() - 2.5 * options.seconds)
    around = []
    if by_rate:
        started = time.monotonic()
        around = open_loop(options, options.url, rate_spec, by_rate["requestRate"])
        keep("open loops", started, around if isinstance(around, dict) else {"points": around})
    _, by_concurrency = search("by concurrency", "concurrency", 1, left())
    if by_rate and left() > options.again:
        search("by rate again", "rate", 3, left())
    return 0 if by_concurrency and by_rate and isinstance(around, list) and around and agree(around) else 1


def check_server(options):
    result = json.loads(options.limit.read_text(encoding="utf-8"))
    limit = limit_of(result)
    if limit is None:
        sys.exit(f"no load meets the SLO: {json.dumps(result['limits'])}")
    # Of a closed loop: what it got through.
    rate = limit.get("requestRate", limit["requestsPerSecond"])
    points = open_loop(options, options.url, result["spec"], rate)
    if isinstance(points, dict):
        sys.exit(points["error"])
    agrees = agree(points)
    line = json.dumps({"limit": rate, "slo": result["spec"].get("slo", {}).get("bounds", []), "openLoop": points, "agrees": agrees})
    print(line)
    if options.out:
        with options.out.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    return 0 if agrees else 1


def check_search(options):
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
                limit = limit_of(row)
                print(row["role"], row["name"], " ".join(row["args"]), "->", limit or row.get("error"), flush=True)

    threads = [threading.Thread(target=worker, args=(i, g)) for i, g in enumerate(options.gpus)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    print(f"\n{'':10} {'limit':>6} {'tok/s':>9} {'+-':>7} {'TTFT p99':>9}  arguments")
    for row in sorted(done, key=lambda r: -(limit_of(r) or {"outputTokensPerSecond": 0})["outputTokensPerSecond"]):
        limit = limit_of(row)
        if limit is None:
            print(f"{row['role']:10} {'':6} {'none':>9} {'':7} {'':9}  {' '.join(row['args'])}")
            continue
        print(f"{row['role']:10} {limit['concurrency']:6g} {limit['outputTokensPerSecond']:9.1f} {limit['outputTokensPerSecondCi']:7.1f} "
              f"{limit['ttftP99']:6.0f} ms  {' '.join(row['args'])}")
        if "ladder" in row:
            step = row["ladder"].get("reported")
            print(f"{'':10} ladder: " + (f"{step['outputTokensPerSecond']:.1f} tok/s at {step['concurrency']:g} in flight" if step else
                                         row["ladder"].get("error", "no load meets the SLO")))
        for point in row["openLoop"] if isinstance(row.get("openLoop"), list) else []:
            print(f"{'':10} {point['requestRate']:6.1f}/s answered {point['requestsPerSecond']:.1f}/s, {point['verdict']}, "
                  f"TTFT p99 {point['ttftP99']:.0f} ms")
    return 0 if all(limit_of(row) for row in done) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    server = modes.add_parser("server", help="the limit of one running server")
    server.add_argument("url")
    server.add_argument("--limit", required=True, type=pathlib.Path, help="what `autotune bench -o json` wrote")
    server.add_argument("--out", type=pathlib.Path, help="append the line to this file, too")
    server.add_argument("--seconds", type=int, default=180, help="of each open loop")
    server.set_defaults(check=check_server)
    limits = modes.add_parser("limits", help="both limits of one running server, and open loops around the one by rate")
    limits.add_argument("url")
    limits.add_argument("--slo", required=True)
    limits.add_argument("--scenario", required=True)
    limits.add_argument("--out", required=True, type=pathlib.Path)
    limits.add_argument("--seconds", type=int, default=60, help="of each open loop")
    limits.add_argument("--search-seconds", type=int, default=60, help="longest point of the searches for a limit")
    limits.add_argument("--budget", type=int, default=540, help="seconds, once the server is healthy")
    limits.add_argument("--again", type=int, default=100, help="seconds that have to be left for the limit by rate once more")
    limits.add_argument("--startup", type=int, default=400, help="seconds")
    limits.set_defaults(check=check_limits)
    search = modes.add_parser("search", help="the best of a task and its neighbours, on fresh servers")
    search.add_argument("--status", required=True, type=pathlib.Path)
    search.add_argument("--model", required=True)
    search.add_argument("--slo", required=True)
    search.add_argument("--scenario", required=True)
    search.add_argument("--gpus", required=True, type=lambda text: text.split(","))
    search.add_argument("--out", required=True, type=pathlib.Path)
    search.add_argument("--neighbours", type=int, default=4)
    search.add_argument("--seconds", type=int, default=40, help="of each open loop")
    search.add_argument("--search-seconds", type=int, default=30, help="longest point of the search for a limit")
    search.add_argument("--ladder", type=lambda text: [int(c) for c in text.split(",")], help="requests in flight, ascending")
    search.add_argument("--ladder-seconds", type=int, default=15, help="of each load of the ladder")
    search.add_argument("--startup", type=int, default=400, help="seconds")
    search.set_defaults(check=check_search)
    for mode in (server, limits, search):
        mode.add_argument("--bin", required=True, type=pathlib.Path, help="where this project's programs are")
        mode.add_argument("--factors", type=lambda text: [float(f) for f in text.split(",")], default=[0.9, 1.1])
    options = parser.parse_args()
    return options.check(options)


if __name__ == "__main__":
    sys.exit(main())
