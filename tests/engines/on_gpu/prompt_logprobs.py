"""Asks a real engine, once per preset, how likely it finds the tokens of fixed prompts: what precision costs in quality.

    prompt_logprobs.py --engine vllm:0.24.0 --bin DIR --model DIR --out FILE --port N [--presets default,kv-cache-fp8]

The model needs weights (make_models.py --weights). `autotune explain` gives the arguments of a preset. Every way that the
engine's release documents is asked (WAYS); FILE gets one complete answer of each, and for every preset the
log-probabilities of the prompts' tokens (natural logarithm, without the first), greedy answers, and the mean difference
from `default`. `default` is asked twice, on two servers: the noise.
"""

import argparse
import json
import math
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PROMPTS, TOKENS, ANSWER = 8, 128, 32
SMALL = {"vllm": ["--enforce-eager", "--gpu-memory-utilization", "0.1", "--kv-cache-memory-bytes", "1G", "--max-model-len", "2048"],
         "sglang": ["--disable-cuda-graph", "--max-total-tokens", "16384", "--mem-fraction-static", "0.8", "--context-length", "2048"]}
COMMANDS = {"vllm": ["vllm", "serve", "{model}", "--host", "127.0.0.1", "--port", "{port}"],
            "sglang": ["python3", "-m", "sglang.launch_server", "--model-path", "{model}", "--host", "127.0.0.1", "--port", "{port}"]}


def completions(prompt, **more):
    return "/v1/completions", {"prompt": prompt, "temperature": 0, "stream": False, **more}


def echoed(answer):
    return answer["choices"][0]["logprobs"]["token_logprobs"]


# How an engine can be asked for log-probabilities of the prompt: (path and body of a prompt, reading of the answer).
WAYS = {
    "echo, no token": (lambda prompt: completions(prompt, echo=True, logprobs=1, max_tokens=0), echoed),
    "echo, one token": (lambda prompt: completions(prompt, echo=True, logprobs=1, max_tokens=1), lambda answer: echoed(answer)[:-1]),
    "prompt_logprobs": (lambda prompt: completions(prompt, prompt_logprobs=0, max_tokens=1),
                        lambda answer: [place and next(iter(place.values()))["logprob"]
                                        for place in answer["choices"][0]["prompt_logprobs"]]),
    "generate": (lambda prompt: ("/generate", {"text": prompt, "sampling_params": {"temperature": 0, "max_new_tokens": 1},
                                               "return_logprob": True, "logprob_start_len": 0}),
                 lambda answer: [place[0] for place in answer["meta_info"]["input_token_logprobs"]]),
}


def post(port, path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        return json.loads(urllib.request.urlopen(request, timeout=120).read())
    except urllib.error.HTTPError as error:
        return {"httpStatus": error.code, "body": error.read().decode(errors="replace")[:2000]}


def prompts(vocabulary):
    numbers = random.Random(7)
    return [" ".join(f"w{numbers.randrange(3, vocabulary)}" for _ in range(TOKENS)) for _ in range(PROMPTS)]


def explain(options, preset):
    done = subprocess.run([options.bin / "autotune", "explain", f"preset={preset}", "--engine", options.engine, "--gpu", "h100",
                           "--model", options.model / "config.json", "-o", "json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["args"]


def measure(options, args, raw):
    """The answers of one server; a way's first answer goes to `raw` in full."""
    engine = options.engine.partition(":")[0]
    command = [part.format(model=options.model, port=options.port) for part in COMMANDS[engine]] + SMALL[engine] + args
    directory = tempfile.mkdtemp(prefix="prompt-logprobs-")
    log = options.out.with_suffix(".engine.log").open("a")
    launcher = subprocess.Popen([options.bin / "autotune-launch", "run", "--dir", directory, "--port", str(options.port), "--health-path",
                                 "/health", "--startup-timeout", "300", "--", *command], stdout=log, stderr=log)
    row = {"args": args, "logprobs": {}, "answers": []}
    try:
        while subprocess.run([options.bin / "autotune-launch", "ready", "--dir", directory], capture_output=True).returncode:
            if launcher.poll() is not None:
                raise RuntimeError(f"the engine ended with {launcher.returncode}")
            time.sleep(0.5)
        texts = prompts(json.loads((options.model / "config.json").read_text())["vocab_size"])
        for name, (ask, read) in WAYS.items():
            path, body = ask(texts[0])
            answer = post(options.port, path, body)
            raw.setdefault(name, {"path": path, "body": body, "answer": answer})
            try:
                rows = [read(answer)] + [read(post(options.port, *ask(text))) for text in texts[1:]]
                row["logprobs"][name] = [[round(value, 5) for value in values[1:]] for values in rows]
            except (KeyError, TypeError, IndexError, OSError) as error:
                row["logprobs"][name] = f"not readable: {type(error).__name__}: {error}"
        for text in texts:
            answer = post(options.port, *completions(text, max_tokens=ANSWER, ignore_eos=True))
            row["answers"].append(answer["choices"][0]["text"])
    finally:
        launcher.terminate()
        launcher.wait(60)
    return row


def compare(rows):
    """Keeps one way's values in a row (all ways answer the same, or `ways` says how far off), and adds the differences."""
    row = rows[-1]
    readable = {name: values for name, values in row["logprobs"].items() if not isinstance(values, str)}
    first = next(iter(readable))
    flat = {name: [value for prompt in values for value in prompt] for name, values in readable.items()}
    row["ways"] = {name: f"largest difference {max(abs(a - b) for a, b in zip(flat[name], flat[first], strict=True)):g}"
                   if name in readable else values for name, values in row["logprobs"].items()}
    row["logprobs"] = readable[first]
    reference = [value for prompt in rows[0]["logprobs"] for value in prompt]
    pairs = [a - b for a, b in zip(flat[first], reference, strict=True)]
    row["meanLogprob"] = round(statistics.fmean(flat[first]), 6)
    row["meanDifference"] = round(statistics.fmean(pairs), 6)
    row["standardError"] = round(statistics.stdev(pairs) / math.sqrt(len(pairs)), 6)
    row["sameWordsAsDefault"] = sum(a == b for mine, theirs in zip(row["answers"], rows[0]["answers"])
                                    for a, b in zip(mine.split(), theirs.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", required=True, help="vllm:VERSION or sglang:VERSION")
    parser.add_argument("--bin", required=True, type=pathlib.Path, help="directory of autotune and autotune-launch")
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--presets", default="default,kv-cache-fp8,dynamic-fp8")
    options = parser.parse_args()
    rows, raw = [], {}
    for preset in ["default", *options.presets.split(",")]:
        try:
            row = {"preset": preset, **measure(options, explain(options, preset), raw)}
        except (RuntimeError, OSError) as error:
            print(f"{preset}: {error}", flush=True)
            continue
        rows.append(row)
        compare(rows)  # before anything is written: it makes the row small
        options.out.write_text(json.dumps({"engine": options.engine, "model": options.model.name, "ways": raw, "rows": rows}))
        print(f"{preset:14} mean log-probability {row['meanLogprob']:.6f}, difference {row['meanDifference']:+.6f} "
              f"(standard error {row['standardError']:.6f}), {row['sameWordsAsDefault']} of {PROMPTS * ANSWER} words the same", flush=True)
    return 0 if len(rows) == 1 + len(options.presets.split(",")) else 1


if __name__ == "__main__":
    sys.exit(main())
