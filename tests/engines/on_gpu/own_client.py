"""Compares autotune-bench with the engine's own benchmark client on one running server.

    own_client.py --engine vllm|sglang --bin DIR --model DIR --out FILE --port N [--steps 1:8,16:96] [--scenario 512,64]

Starts the engine under autotune-launch and then, `--rounds` times and for every step CONCURRENCY:REQUESTS, runs one client
after the other: `autotune-bench run`, and the engine's own (vllm.benchmarks.serve, sglang.benchmark.serving) inside this process,
whose Python must be the engine's. Prefix caches are off, so that no client's prompts help the other's. After each of our runs the
server's own counters are compared with what autotune-bench reports, warm-up included. Writes everything to FILE and
prints a table. Exit code 1 when the counters differ.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ENGINES = {
    "vllm": {"command": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}", "--load-format", "dummy",
                         "--no-enable-prefix-caching", "--max-model-len", "8192"],
             "health": "/health", "counters": {"input": r"^vllm:prompt_tokens_total\{.*\} (\S+)$",
                                               "output": r"^vllm:generation_tokens_total\{.*\} (\S+)$",
                                               "requests": r"^vllm:request_success_total\{.*\} (\S+)$"}},
    "sglang": {"command": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port",
                           "{port}", "--load-format", "dummy", "--disable-radix-cache", "--enable-metrics", "--context-length", "8192"],
               "health": "/health", "counters": {"input": r"^sglang:prompt_tokens_total\{.*\} (\S+)$",
                                                 "output": r"^sglang:generation_tokens_total\{.*\} (\S+)$",
                                                 "requests": r"^sglang:num_requests_total\{.*\} (\S+)$"}},
}
METRICS = ["outputTokensPerSecond", "ttftP50", "ttftP99", "tpotP50", "tpotP99"]


def counters(options):
    text = urllib.request.urlopen(f"http://127.0.0.1:{options.port}/metrics", timeout=30).read().decode()
    return {name: sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))
            for name, pattern in ENGINES[options.engine]["counters"].items()}


def settled_counters(options, expected):
    """The counters, once they have reached what is expected or stopped moving (the engine adds to them after its answer)."""
    before = None
    for _ in range(50):
        now = counters(options)
        if now == expected or (now == before and all(now[key] >= expected[key] for key in expected)):
            return now
        before = now
        time.sleep(0.2)
    return now


def read_load(document):
    """The only load step of a result document (bench/result.h), times in milliseconds."""
    row = json.loads(document.split(" ", 3)[3])["loads"][0]
    load = dict(zip(["scenario", "concurrency", "durationSeconds", "requests", "errors", "inputTokens", "outputTokens",
                     "outputTokensPerSecond", "requestsPerSecond", "ttft", "tpot", "e2e"], row))
    for name in ("ttft", "tpot", "e2e"):
        load[name] = dict(zip(["mean", "p50", "p90", "p95", "p99"], load[name]))
    return load


def ours(options, directory, concurrency, requests, seed):
    inputs, outputs = options.scenario
    spec = {"scenarios": [f"D({inputs},{outputs})"], "concurrency": [concurrency], "durationMs": 600000,
            "maxRequests": requests, "warmupRequests": 1, "seed": seed}
    log = pathlib.Path(directory) / "termination-log"
    before = counters(options)
    done = subprocess.run([options.bin / "autotune-bench", "run", "--dir", directory, "--port", str(options.port), "--spec",
                           json.dumps(spec), "--termination-log", str(log)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"autotune-bench: exit {done.returncode}\n{done.stdout}{done.stderr}")
    load = read_load(log.read_text())
    expected = {"input": before["input"] + load["inputTokens"] + inputs, "output": before["output"] + load["outputTokens"] + outputs,
                "requests": before["requests"] + load["requests"] + 1}
    after = settled_counters(options, expected)
    return {"client": "autotune-bench", "requests": load["requests"], "errors": load["errors"], "duration": load["durationSeconds"],
            "inputTokens": load["inputTokens"], "outputTokens": load["outputTokens"],
            "outputTokensPerSecond": load["outputTokensPerSecond"], "ttftP50": load["ttft"]["p50"], "ttftP99": load["ttft"]["p99"],
            "tpotP50": load["tpot"]["p50"], "tpotP99": load["tpot"]["p99"], "log": done.stdout.splitlines()[-1],
            "countersDiffer": {key: after[key] - expected[key] for key in expected if after[key] != expected[key]}}


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
                          f"{row.get('countersDiffer', '')}", file=sys.stderr, flush=True)
    finally:
        launcher.terminate()
        launcher.wait(60)
        options.out.write_text(json.dumps({"engine": options.engine, "scenario": options.scenario, "command": command, "rows": rows}, indent=1))
    print(table(rows))
    wrong = [row for row in rows if row.get("countersDiffer")]
    print(f"server counters: {'equal in every run' if not wrong else f'{len(wrong)} runs differ'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
