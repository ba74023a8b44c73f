"""Starts a real engine once for every cell of the quantization matrix and compares what it did with what the rules say.

    try_cells.py --engine vllm:0.24.0 --autotune BIN --models DIR --out DIR [--gpus 0,1] [--side-by-side 6] [--only REGEX]

For every preset and every value of the four fields, on a dense and on an MoE model (make_models.py), `autotune explain`
gives the verdict and the arguments. Equal argument lists are started once. A cell that the rules reject is started anyway,
with what somebody would write who does not know (FORCED), to see whether the engine's reason is the rules' reason. Every
start goes the product's own way, `autotune run`: launcher, load generator and classifier are tried too.

Writes OUT/cells.json (one row a start, with the cells that it stands for) and OUT/logs/. Exit code 1 when an engine did
something else than the rules said.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import threading

import yaml

FIELDS = {
    "gemmDtype": ["auto", "float16", "bfloat16", "float32", "fp8", "int8"],
    "kvcacheDtype": ["auto", "fp16", "bfloat16", "fp8", "fp8_e5m2", "fp8_e4m3", "int8", "int4"],
    "attentionDtype": ["auto", "float16", "bfloat16", "fp8", "fp8_e5m2", "fp8_e4m3", "fp8_block"],
    "moeDtype": ["auto", "float16", "bfloat16", "fp8", "w4afp8", "mxfp4", "int8"],
}
PRESETS = ["default", "kv-cache-fp8", "dynamic-fp8", "bf16-stable", "aggressive-moe"]
# Two fields whose combination has a rule of its own.
PAIRS = {
    "vllm": [["gemmDtype=fp8", "kvcacheDtype=fp8_e5m2"], ["gemmDtype=fp8", "moeDtype=int8"],
             ["gemmDtype=fp8", "moeDtype=bfloat16"], ["gemmDtype=float32", "kvcacheDtype=fp8"],
             ["gemmDtype=float16", "kvcacheDtype=fp16"], ["gemmDtype=fp8", "kvcacheDtype=int8"]],
    "sglang": [["gemmDtype=fp8", "kvcacheDtype=fp8_e5m2"], ["gemmDtype=int8", "moeDtype=int8"],
               ["gemmDtype=float16", "kvcacheDtype=fp16"], ["gemmDtype=int8", "kvcacheDtype=fp8"]],
}

# What somebody starts who wants the value and does not know that it cannot be had: (field, value) -> arguments.
FORCED = {
    "vllm": {("gemmDtype", "int8"): ["--quantization", "int8"], ("kvcacheDtype", "fp16"): ["--kv-cache-dtype", "float16"],
             ("kvcacheDtype", "int4"): ["--kv-cache-dtype", "int4_per_token_head"],
             ("moeDtype", "w4afp8"): ["--quantization", "w4afp8"],
             ("moeDtype", "mxfp4"): ["--quantization", "online", "--quantization-config", '{"moe":"mxfp4"}'],
             ("gemmDtype=float32", "kvcacheDtype=fp8"): ["--dtype", "float32", "--kv-cache-dtype", "fp8"]},
    "sglang": {("gemmDtype", "float32"): ["--dtype", "float32"], ("kvcacheDtype", "fp16"): ["--kv-cache-dtype", "fp16"],
               ("kvcacheDtype", "int8"): ["--kv-cache-dtype", "int8"], ("kvcacheDtype", "int4"): ["--kv-cache-dtype", "int4"],
               ("moeDtype", "w4afp8"): ["--quantization", "w4afp8"], ("moeDtype", "mxfp4"): ["--quantization", "mxfp4"],
               ("moeDtype", "int8"): ["--quantization", "w8a8_int8"],
               ("moeDtype", "fp8"): ["--moe-runner-backend", "flashinfer_cutlass", "--quantization", "fp8"]},
}

# Methods that read the weights in their own format: a start with dummy weights says nothing about a checkpoint that does
# not have it.
CHECKPOINT_ONLY = {"vllm": [], "sglang": ["w4afp8", "w8a8_int8", "w8a8_fp8"]}

# Failures whose logs are worth keeping: what is started, and how the launcher and the classifier should call it.
#   model      a directory below --models, or a hub id
#   bare       without SMALL, the arguments that let several run side by side
#   alone      bare, and on a GPU where nothing else runs
#   gpus: 2    on two GPUs, with what the task needs for it among args
#   env        variables of the engine
#   shm        size of an own /dev/shm (a pod without an emptyDir there has 64m), where mounting is allowed
#   benchmark  replaces the task's
#   kill       the process (by its title) that gets SIGKILL when the engine is measured
LONG_PROMPTS = {"scenarios": ["D(7000,8)"], "load": {"concurrency": [16]}, "duration": "20s", "warmup": "1s"}
LONG_ENOUGH_TO_KILL = {"scenarios": ["D(64,64)"], "load": {"concurrency": [4]}, "duration": "30s", "warmup": "1s"}
# Plain NCCL between the GPUs: the rest is not what these rows are about (and NVLink multicast is not for shared hosts).
VLLM_TWO = ["--tensor-parallel-size", "2", "--disable-custom-all-reduce"]
SGLANG_TWO = ["--tp-size", "2", "--disable-custom-all-reduce", "--enforce-disable-flashinfer-allreduce-fusion"]
NO_NETWORK_INTERFACE = [{"name": "NCCL_SOCKET_IFNAME", "value": "none0"}]
COPY_THROUGH_SHM = [{"name": "NCCL_P2P_DISABLE", "value": "1"}]
REFUSES, NO_ROOM, CRASHES = ["EngineRejectedConfiguration"], ["OutOfMemory"], ["EngineCrashed"]
FAILURES = {
    "vllm": [
        {"name": "oom-loading", "model": "too-big", "alone": True, "args": ["--load-format", "dummy", "--enforce-eager"],
         "reason": NO_ROOM},
        # A KV cache of fixed size skips vLLM's own calculation; the rest is not enough for one batch of long prompts.
        {"name": "oom-serving", "model": "dense-8b", "alone": True, "reason": NO_ROOM, "benchmark": LONG_PROMPTS,
         "args": ["--load-format", "dummy", "--enforce-eager", "--kv-cache-memory-bytes", "63G", "--max-model-len", "8192",
                  "--max-num-batched-tokens", "32768"]},
        {"name": "kv-too-small", "model": "dense-8b", "alone": True, "reason": NO_ROOM,
         "args": ["--load-format", "dummy", "--enforce-eager", "--gpu-memory-utilization", "0.18"]},
        {"name": "kv-below-context", "model": "dense-1b", "reason": NO_ROOM + REFUSES, "bare": True,
         "args": ["--load-format", "dummy", "--enforce-eager", "--gpu-memory-utilization", "0.1", "--kv-cache-memory-bytes", "100M",
                  "--max-model-len", "32768"]},
        *[{"name": name, "model": name, "bare": True, "args": ["--enforce-eager", "--gpu-memory-utilization", "0.1"],
           "reason": REFUSES} for name in ["no-weights", "wrong-shapes", "lfs-pointer", "cut-off", "unknown-architecture"]],
        {"name": "hub-offline", "model": "meta-llama/Llama-3.2-1B", "bare": True, "args": ["--enforce-eager"],
         "reason": REFUSES},
        {"name": "bad-tokenizer", "model": "dense-1b", "args": ["--tokenizer", "/nowhere"], "reason": REFUSES},
        {"name": "worker-killed", "model": "dense-1b", "args": [], "kill": "VLLM::EngineCore", "reason": CRASHES,
         "benchmark": LONG_ENOUGH_TO_KILL},
        {"name": "tp-no-interface", "model": "dense-1b", "gpus": 2, "args": VLLM_TWO, "reason": CRASHES,
         "env": NO_NETWORK_INTERFACE},
        # vLLM 0.24.0 served (2026-11-25): nothing of it needs more than these 16 MiB.
        {"name": "tp-small-shm", "model": "dense-1b", "gpus": 2, "args": VLLM_TWO, "reason": [*CRASHES, ""],
         "env": COPY_THROUGH_SHM, "shm": "16m"},
        {"name": "tp-worker-killed", "model": "dense-1b", "gpus": 2, "args": VLLM_TWO,
         "kill": "VLLM::Worker_TP1", "reason": CRASHES, "benchmark": LONG_ENOUGH_TO_KILL},
    ],
    "sglang": [
        {"name": "oom-loading", "model": "too-big", "alone": True, "args": ["--load-format", "dummy", "--disable-cuda-graph"],
         "reason": NO_ROOM},
        {"name": "oom-serving", "model": "dense-8b", "alone": True, "reason": NO_ROOM, "benchmark": LONG_PROMPTS,
         "args": ["--load-format", "dummy", "--disable-cuda-graph", "--mem-fraction-static", "0.97", "--context-length", "8192",
                  "--chunked-prefill-size", "32768", "--max-prefill-tokens", "32768"]},
        {"name": "kv-too-small", "model": "dense-8b", "alone": True, "reason": NO_ROOM,
         "args": ["--load-format", "dummy", "--disable-cuda-graph", "--mem-fraction-static", "0.1"]},
        *[{"name": name, "model": name, "bare": True, "args": ["--disable-cuda-graph", "--mem-fraction-static", "0.1"],
           "reason": REFUSES} for name in ["no-weights", "wrong-shapes", "lfs-pointer", "cut-off", "unknown-architecture"]],
        {"name": "hub-offline", "model": "meta-llama/Llama-3.2-1B", "bare": True, "args": ["--disable-cuda-graph"],
         "reason": REFUSES},
        {"name": "worker-killed", "model": "dense-1b", "args": [], "kill": "sglang::scheduler", "reason": CRASHES,
         "benchmark": LONG_ENOUGH_TO_KILL},
        {"name": "tp-no-interface", "model": "dense-1b", "gpus": 2, "args": SGLANG_TWO, "reason": CRASHES,
         "env": NO_NETWORK_INTERFACE},
        {"name": "tp-small-shm", "model": "dense-1b", "gpus": 2, "args": SGLANG_TWO, "reason": CRASHES,
         "env": COPY_THROUGH_SHM, "shm": "16m"},
        {"name": "tp-worker-killed", "model": "dense-1b", "gpus": 2, "args": SGLANG_TWO,
         "kill": "sglang::scheduler_TP1", "reason": CRASHES, "benchmark": LONG_ENOUGH_TO_KILL},
    ],
}

# So that several run beside each other on one GPU and start quickly.
SMALL = {
    "vllm": ["--load-format", "dummy", "--enforce-eager", "--gpu-memory-utilization", "0.1", "--kv-cache-memory-bytes", "1G",
             "--max-model-len", "2048"],
    "sglang": ["--load-format", "dummy", "--disable-cuda-graph", "--max-total-tokens", "16384", "--mem-fraction-static", "0.8",
               "--context-length", "2048"],
}
BACKENDS = {
    "vllm": {"attention": [r"Using (\w+) attention backend", r"Using AttentionBackendEnum\.(\w+) backend", r"Using (\w+) backend"],
             "flash_attention": [r"Using FlashAttention version (\d)"],
             "moe": [r"Using '?([\w ]+?)'? (?:Int8|Fp8|Unquantized|FP8|MoE).*backend", r"Using (\w+) (?:Fp8 )?MoE backend"]},
    "sglang": {"attention": [r"Setting attention backend to (\w+)", r"Use (\w+) backend by default",
                             r"attention_backend='(\w+)'"],
               "flash_attention": [], "moe": [r"moe_runner_backend='(\w+)'"]},
}


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options)


def explain(options, settings, model):
    answer = run([options.autotune, "explain", *settings, "--engine", options.engine, "--gpu", "h100",
                  "--model", str(options.models / model / "config.json"), "-o", "json"])
    if answer.returncode:
        sys.exit(f"explain {settings}: {answer.stderr}")
    return json.loads(answer.stdout)


def cells(options, engine):
    """One row per distinct start: {"model", "args", "cells": [{"ask", "rejected", "warnings", "forced"}]}."""
    starts = collections.OrderedDict()
    for model in ["dense-1b", "moe-small"]:
        asks = [[f"preset={name}"] for name in PRESETS]
        asks += [[f"{field}={value}"] for field, values in FIELDS.items() for value in values]
        for ask in asks + PAIRS[engine]:
            plan = explain(options, ask, model)
            rejected, args = plan["rejected"], plan["args"]
            if rejected:
                key = tuple(ask) if len(ask) == 2 else tuple(ask[0].split("="))
                args = FORCED[engine].get(key)
            cell = {"ask": " ".join(ask), "rejected": rejected and rejected["reason"],
                    "message": rejected["message"] if rejected else "",
                    "warnings": [w["reason"] for w in plan["warnings"]]}
            if args is None:
                cell["not_run"] = "there is nothing that somebody could start for it"
            key = (model, json.dumps(args) if args is not None else "none " + cell["ask"])
            starts.setdefault(key, {"model": model, "args": args, "cells": []})["cells"].append(cell)
    return list(starts.values())


def task(options, engine, version, name, model, args, failure):
    directory = options.models / model
    local = directory.is_dir()
    config = json.loads((directory / "config.json").read_text()) if local else {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": 2048,
        "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256}
    spec = {
        "model": {"idOrPath": f"/{model}" if local else model, "facts": config},
        "runtimes": [{"name": engine, "engine": engine, "version": version, "args": args, "env": failure.get("env", [])}],
        "optimization": {"startupTimeout": "5m", "experimentTimeout": "8m", "retries": 0},
        "benchmark": failure.get("benchmark", {"scenarios": ["D(64,8)"], "load": {"concurrency": [1]}, "duration": "10s",
                                               "warmup": "1s"}),
    }
    if local:
        spec["model"]["volume"] = {"hostPath": {"path": str(options.models)}}
    return {"apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": name}, "spec": spec}


def descendants(root):
    """Processes below `root` (a pid), as (pid, command line). Engines rename their processes."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    below = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in below} - below
        if not more:
            break
        below |= more
    found = []
    for pid in below - {root}:
        try:
            found.append((pid, pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")))
        except OSError:
            continue
    return found


def backends(engine, log):
    found = {}
    for what, patterns in BACKENDS[engine].items():
        for pattern in patterns:
            matches = re.findall(pattern, log)
            if matches:
                found[what] = matches[0] if what != "attention" or engine == "vllm" else matches[-1 if "Setting" in pattern else 0]
                break
    return found


def start(options, engine, version, name, model, args, gpu, failure):
    """One start through `autotune run`: what became of it. `failure`: a row of FAILURES, or nothing."""
    kill = failure.get("kill")
    work = options.out / "work" / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    (work / "task.json").write_text(json.dumps(task(options, engine, version, name, model, args, failure)))
    environment = dict(os.environ, CUDA_VISIBLE_DEVICES=gpu)
    command = [options.autotune, "run", "-f", str(work / "task.json"), "-o", "yaml", "--keep-logs", str(work / "logs"),
               *options.run_args]
    if "shm" in failure:
        command = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size={failure["shm"]} tmpfs /dev/shm && exec "$@"', "sh", *command]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=(work / "progress").open("w"), text=True)
    while kill:
        if process.poll() is not None:
            break
        if "measuring" in (work / "progress").read_text():
            for pid, command_line in descendants(process.pid):
                if kill in command_line:
                    os.kill(pid, 9)
            break
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            pass
    output, _ = process.communicate(timeout=900)
    row = {"outcome": "not started", "reason": "", "message": (work / "progress").read_text()[-600:]}
    try:
        finished = yaml.safe_load(output)
        experiment = finished["status"]["experiments"][0]
        row = {"outcome": "ready" if experiment["state"] == "Succeeded" else "failed", "reason": experiment.get("reason", ""),
               "message": experiment.get("message", ""), "startSeconds": experiment.get("startSeconds"),
               "simulated": experiment.get("simulated", False), "engineVersion": experiment.get("engineVersion", "")}
    except (yaml.YAMLError, KeyError, IndexError, TypeError):
        pass
    logs = sorted((work / "logs").glob("*/engine.log"))
    text = logs[-1].read_text(errors="replace") if logs else ""
    row["backends"] = backends(engine, text)
    if logs:
        kept = options.out / "logs" / f"{name}.log"
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(logs[-1], kept)
    return row


def verdict(engine, row):
    """"" or what the engine did that the rules did not say."""
    did = row["did"]
    starts = did["outcome"] == "ready"
    if starts and set(row["args"]) & set(CHECKPOINT_ONLY[engine]):
        row["undecided"] = "a method for checkpoints that carry it, started with dummy weights"
        return ""
    backend = (did["backends"].get("attention", ""), did["backends"].get("flash_attention", ""))
    usual = backend in [("FLASH_ATTN", "3"), ("FLASH_ATTN", ""), ("fa3", "")]
    problems = collections.OrderedDict()
    for cell in row["cells"]:
        if cell["rejected"] and starts:
            problem = f"rejected ({cell['rejected']}), but the engine serves it"
        elif not cell["rejected"] and not starts:
            problem = f"mapped, but the engine does not serve it: {did['reason']}: {did['message']}"
        elif starts and backend[0] and usual == ("AttentionBackendChanges" in cell["warnings"]):
            problem = f"attention backend {' '.join(backend)}, but the warnings are {cell['warnings']}"
        else:
            continue
        problems.setdefault(problem, []).append(cell["ask"])
    return "; ".join(f"{', '.join(asks)}: {problem}" for problem, asks in problems.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", required=True, help="vllm:VERSION or sglang:VERSION")
    parser.add_argument("--autotune", required=True, type=pathlib.Path)
    parser.add_argument("--models", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--gpus", default="0", help="indexes of the GPUs to use, as in CUDA_VISIBLE_DEVICES: 0,1")
    parser.add_argument("--side-by-side", type=int, default=6, help="starts at once on one GPU")
    parser.add_argument("--only", default="", help="cells and failures in which this regular expression is found")
    parser.add_argument("--skip", choices=["cells", "failures"], default="")
    parser.add_argument("run_args", nargs="*", help="after --: passed to autotune run")
    options = parser.parse_args()
    engine, version = options.engine.split(":")
    options.out.mkdir(parents=True, exist_ok=True)

    rows = [] if options.skip == "cells" else cells(options, engine)
    rows = [row for row in rows if any(re.search(options.only, cell["ask"]) for cell in row["cells"])]
    failures = [] if options.skip == "failures" else [dict(f) for f in FAILURES[engine] if re.search(options.only, f["name"])]
    gpus = options.gpus.split(",")
    for failure in [f for f in failures if f.get("gpus", 1) > len(gpus)]:
        print(f"not run: {failure['name']} needs {failure['gpus']} GPUs")
        failures.remove(failure)

    def save():
        # After every start: a machine that is taken away leaves what it has done so far.
        result = {"engine": engine, "version": version, "cells": rows, "failures": failures}
        with saving:
            (options.out / "cells.json").write_text(json.dumps(result, indent=1))

    saving = threading.Lock()
    jobs = []
    for i, row in enumerate(rows):
        if row["args"] is not None:
            jobs.append((row, f"{engine}-{i}", row["args"] + SMALL[engine], options.side_by_side))
    for failure in failures:
        bare = failure.get("bare") or failure.get("alone")
        jobs.append((failure, f"{engine}-{failure['name']}", failure["args"] + ([] if bare else SMALL[engine]),
                     1 if failure.get("alone") else options.side_by_side))

    def carry_out(job):
        row, name, args, _ = job
        gpu = slots.get()
        try:
            visible = options.gpus if row.get("gpus", 1) > 1 else gpu
            row["did"] = start(options, engine, version, name, row["model"], args, visible, row)
        finally:
            slots.put(gpu)
        if "cells" in row:
            row["differs"] = verdict(engine, row)
        else:
            row["differs"] = "" if row["did"]["reason"] in row["reason"] else f"{row['name']}: classified as {row['did']['reason'] or row['did']['outcome']}"
        print(f"{'DIFFERS' if row['differs'] else 'ok':8} {row['did']['outcome']:7} {row['model']:10} {' '.join(row['args'])[:90]}  "
              f"{row['did']['backends']} {row['did']['reason']} {row['did']['message'][:160]}", flush=True)
        save()

    for side_by_side in sorted({options.side_by_side, 1}, reverse=True):
        slots = queue.Queue()
        for _ in range(side_by_side):
            for gpu in gpus:
                slots.put(gpu)
        with concurrent.futures.ThreadPoolExecutor(side_by_side * len(gpus)) as pool:
            list(pool.map(carry_out, [job for job in jobs if job[3] == side_by_side]))
    shutil.rmtree(options.out / "work", ignore_errors=True)
    different = [row for row in rows + failures if row.get("differs")]
    asked = sum(len(row["cells"]) for row in rows)
    print(f"{asked} cells by {sum(row['args'] is not None for row in rows)} starts, {len(failures)} provoked failures: "
          f"{len(different)} differ from the rules")
    for row in different:
        print("  " + row["differs"])
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
