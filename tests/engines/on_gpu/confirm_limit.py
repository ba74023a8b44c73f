"""Is the limit that `autotune bench` found held by open arrivals, and is more not held?

    confirm_limit.py URL --limit limit.json --autotune bin/autotune [--below 0.9] [--above 1.1] [--minutes 3] [--out FILE]

`limit.json` is what `autotune bench URL --slo ... -o json` wrote. The server must be running at URL, started as it was then. Measures
the limit's requests/s times `--below` and times `--above` with Poisson arrivals, each for `--minutes`, with the same workload, and
prints one JSON line:

    {"limit": 53.2, "slo": [...], "points": [{"share": 0.9, "rate": 47.88, "verdict": "Met", "windowSeconds": 180.0, ...}, ...],
     "agrees": true}

`agrees`: met below and missed above. Exit code 0 if so, 1 if not, 2 for wrong input.
"""

import argparse
import json
import pathlib
import subprocess
import sys


def limit_of(result):
    """Requests/s at the limit, and the spec it was measured under."""
    for limit in result["limits"]:
        if "point" in limit:
            point = result["points"][limit["point"]]
            # Of a closed loop: what it got through.
            return point.get("requestRate", point["requestsPerSecond"]), result["spec"]
    sys.exit(f"no load keeps the SLO: {json.dumps(result['limits'])}")


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


def measure(options, spec, rate, share):
    """One long point. No bound is given to the bench, which would end it as soon as it is decided: `judged` decides."""
    command = [options.autotune, "bench", options.url, "--rate", f"{rate:.4g}", "--duration", f"{round(60 * options.minutes)}s",
               "--drain", "60s", "--max", str(options.max), "--seed", str(options.seed), "-o", "json", *workload_arguments(spec)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1) or not done.stdout.strip():
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    point = json.loads(done.stdout)["points"][-1]
    return {"share": share, "rate": rate, **judged(point, spec.get("slo", {})),
            **{name: point[name] for name in ("windowSeconds", "requests", "errors", "unfinished", "requestsPerSecond",
                                              "outputTokensPerSecond", "outputTokensPerSecondCi", "clientLagP99")}}


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--limit", required=True, type=pathlib.Path, help="what `autotune bench -o json` wrote")
    parser.add_argument("--autotune", default="autotune")
    parser.add_argument("--below", type=float, default=0.9)
    parser.add_argument("--above", type=float, default=1.1)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--max", type=int, default=1024, help="most requests in flight")
    parser.add_argument("--seed", type=int, default=2, help="of arrivals and contents: not the search's")
    parser.add_argument("--out", type=pathlib.Path, help="append the line to this file, too")
    options = parser.parse_args()
    rate, spec = limit_of(json.loads(options.limit.read_text()))
    if spec.get("slo", {}).get("attainment"):
        sys.exit("a limit under slo.attainment cannot be checked by percentiles")
    points = [measure(options, spec, rate * share, share) for share in (options.below, options.above)]
    line = json.dumps({"limit": rate, "slo": spec.get("slo", {}).get("bounds", []), "points": points,
                       "agrees": [point["verdict"] for point in points] == ["Met", "Missed"]})
    print(line)
    if options.out:
        with options.out.open("a") as file:
            file.write(line + "\n")
    sys.exit(0 if json.loads(line)["agrees"] else 1)


if __name__ == "__main__":
    main()
