"""Compares autotune-bench with the engine's own benchmark client on one running server.

    own_client.py --engine vllm|sglang --bin DIR --model DIR --out FILE --port N [--steps 1:8,16:96] [--scenario 512,64]

Starts the engine under autotune-launch and then, `--rounds` times and for every step CONCURRENCY:REQUESTS, runs one client
after the other: `autotune-bench run`, and the engine's own (vllm.benchmarks.serve, sglang.benchmark.serving) inside this process,
whose Python must be the engine's. Prefix caches are off, so that no client's prompts help the other's. autotune-bench
measures until it is certain, at most 60 s; the engine's client sends REQUESTS. Writes everything to FILE and prints a table.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ENGINES = {
    "vllm": {"command": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}", "--load-format", "dummy",
                         "--no-enable-prefix-caching", "--max-model-len", "8192"],
             "health": "/health"},
    "sglang": {"command": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port",
                           "{port}", "--load-format", "dummy", "--disable-radix-cache", "--enable-metrics", "--context-length", "8192"],
               "health": "/health"},
}
METRICS = ["outputTokensPerSecond", "ttftP50", "ttftP99", "tpotP50", "tpotP99"]


def read_point(document):
    """The only point of a result document (bench/result.cpp), times in milliseconds."""
    core, latencies = json.loads(document.split(" ", 3)[3])["points"][0][:2]
    point = dict(zip(["scenario", "kind", "load", "window", "requests", "errors", "unfinished", "outputTokens",
                      "outputTokensPerSecond"], core))
    for i, name in enumerate(("ttft", "tpot", "itl", "e2e")):
        point[name] = dict(zip(["mean", "p50", "p90", "p95", "p99"], latencies[5 * i:5 * i + 5]))
    point["verdict"] = core[14]
    return point


def ours(options, directory, concurrency, requests, seed):
    inputs, outputs = options.scenario
    spec = {"scenarios": [f"D({inputs},{outputs})"], "load": {"mode": "FixedConcurrency", "fixed": [concurrency]},
            "durationMs": 60000, "seed": seed, "quality": {"measure": False, "madeUpWeights": True}}
    log = pathlib.Path(directory) / "termination-log"
    done = subprocess.run([options.bin / "autotune-bench", "run", "--dir", directory, "--port", str(options.port), "--spec",
                           json.dumps(spec), "--termination-log", str(log)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"autotune-bench: exit {done.returncode}\n{done.stdout}{done.stderr}")
    point = read_point(log.read_text())
    return {"client": "autotune-bench", "requests": point["requests"], "errors": point["errors"], "duration": point["window"],
            "outputTokens": point["outputTokens"], "outputTokensPerSecond": point["outputTokensPerSecond"],
            "ttftP50": point["ttft"]["p50"], "ttftP99": point["ttft"]["p99"], "tpotP50": point["tpot"]["p50"],
            "tpotP99": point["tpot"]["p99"], "verdict": point["verdict"], "log": done.stdout.splitlines()[-1]}


def vllm_client(options, concurrency, requests, seed):
    from vllm.benchmarks.serve import add_cli_args, main_async
    from vllm.utils.argparse_utils import FlexibleArgumentParser
    parser = FlexibleArgumentParser()
    add_cli_args(parser)
    inputs, outputs = options.scenario
    arguments = parser.parse_args(
        ["--backend", "openai", "--endpoint", "/v1/completions", "--host", "127.0.0.1", "--port", str(options.port), "--model",
         str(options.model), "--dataset-name", "random", "--random-input-len", str(inputs), "--random-output-len", str(outputs),
         "--num-prompts", str(requests), "--max-concurrency", str(concurrency), "--ignore-eos", "--temperature", "0", "--seed",
         str(seed), "--disable-tqdm", "--metric-percentiles", "99", "--percentile-metrics", "ttft,tpot,e2el"])
    with contextlib.redirect_stdout(io.StringIO()):
        r = asyncio.run(main_async(arguments))
    return {"requests": r["completed"], "duration": r["duration"], "inputTokens": r["total_input_tokens"],
            "outputTokens": r["total_output_tokens"], "outputTokensPerSecond": r["output_throughput"], "ttftP50": r["median_ttft_ms"],
            "ttftP99": r["p99_ttft_ms"], "tpotP50": r["median_tpot_ms"], "tpotP99": r["p99_tpot_ms"]}


def sglang_client(options, concurrency, requests, seed):
    from sglang.benchmark import serving
    inputs, outputs = options.scenario
    file = pathlib.Path(tempfile.mkdtemp()) / "result.jsonl"
    sys.argv = ["serving", "--backend", "sglang-oai", "--host", "127.0.0.1", "--port", str(options.port), "--model", str(options.model),
                "--tokenizer", str(options.model), "--dataset-name", "random-ids", "--random-input-len", str(inputs),
                "--random-output-len", str(outputs), "--random-range-ratio", "1", "--num-prompts", str(requests), "--max-concurrency",
                str(concurrency), "--seed", str(seed), "--disable-tqdm", "--output-file", str(file), "--warmup-requests", "1"]
    with contextlib.redirect_stdout(io.StringIO()):
        serving.cli_main()
    r = json.loads(file.read_text().splitlines()[-1])
    return {"requests": r["completed"], "duration": r["duration"], "inputTokens": r["total_input_tokens"],
            "outputTokens": r["total_output_tokens"], "outputTokensPerSecond": r["output_throughput"], "ttftP50": r["median_ttft_ms"],
            "ttftP99": r["p99_ttft_ms"], "tpotP50": r["median_tpot_ms"], "tpotP99": r["p99_tpot_ms"]}


def table(rows):
    """Median over the rounds, the difference, and the spread of the rounds (largest of both clients)."""
    lines = [f"{'concurrency':>11} {'metric':>22} {'autotune-bench':>15} {'engine client':>14} {'difference':>10} {'spread':>7}"]
    for concurrency in sorted({row["concurrency"] for row in rows}):
        for metric in METRICS:
            values = [[row[metric] for row in rows if row["concurrency"] == concurrency and (row["client"] == "autotune-bench") == mine]
                      for mine in (True, False)]
            medians = [statistics.median(v) for v in values]
            spread = max((max(v) - min(v)) / statistics.median(v) for v in values)
            difference = medians[0] / medians[1] - 1
            mark = "" if abs(difference) <= max(0.02, spread) else "  *"
            lines.append(f"{concurrency:>11} {metric:>22} {medians[0]:>15.2f} {medians[1]:>14.2f} {difference:>+10.1%} {spread:>7.1%}{mark}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", required=True, choices=list(ENGINES))
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="directory of autotune-launch and autotune-bench")
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", default="1:8,16:96,64:256,256:512")
    parser.add_argument("--scenario", default="512,64")
    parser.add_argument("engine_args", nargs="*", help="after --: more arguments for the engine")
    options = parser.parse_args()
    options.scenario = [int(n) for n in options.scenario.split(",")]
    steps = [tuple(int(n) for n in step.split(":")) for step in options.steps.split(",")]

    directory = tempfile.mkdtemp(prefix="own-client-")
    engine = ENGINES[options.engine]
    command = [part.format(model=options.model, port=options.port) for part in engine["command"]] + options.engine_args
    log = options.out.with_suffix(".engine.log").open("w")
    started = time.time()
    launcher = subprocess.Popen([options.bin / "autotune-launch", "run", "--dir", directory, "--port", str(options.port), "--health-path",
                                 engine["health"], "--startup-timeout", "420", "--", *command], stdout=log, stderr=log)
    rows = []
    try:
        while subprocess.run([options.bin / "autotune-launch", "ready", "--dir", directory], capture_output=True).returncode:
            time.sleep(0.5)
        print(f"{options.engine}: ready or ended after {time.time() - started:.0f} s", flush=True)
        theirs = {"vllm": vllm_client, "sglang": sglang_client}[options.engine]
        # What one client meets for the first time must not count against it.
        ours(options, directory, steps[-1][0], steps[-1][0], 99)
        for round_number in range(1, options.rounds + 1):
            for concurrency, requests in steps:
                seed = 100 * round_number + concurrency
                for client in [ours, theirs] if round_number % 2 else [theirs, ours]:
                    row = (ours(options, directory, concurrency, requests, seed) if client is ours else
                           {"client": options.engine, **theirs(options, concurrency, requests, seed + 50000)})
                    row.update(concurrency=concurrency, round=round_number)
                    rows.append(row)
                    print(f"{row['client']:15} x {concurrency:<4} {row['outputTokensPerSecond']:9.1f} tok/s  TTFT p50 {row['ttftP50']:8.2f} "
                          f"p99 {row['ttftP99']:8.2f}  TPOT p50 {row['tpotP50']:6.2f} p99 {row['tpotP99']:6.2f} ms  "
                          f"{row.get('verdict', '')}", file=sys.stderr, flush=True)
    finally:
        launcher.terminate()
        launcher.wait(60)
        options.out.write_text(json.dumps({"engine": options.engine, "scenario": options.scenario, "command": command, "rows": rows}, indent=1))
    print(table(rows))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    main()
