#!/usr/bin/env python3
"""Turns measurements into the CSV files that search_replay reads (README.md has the format).

  prepare.py public FILE --out DIR [--model PART] [--caps]   silicon_sample.csv of github.com/ai-dynamo/aiconfigurator
  prepare.py recorded STATUS.yaml ... --out DIR              this project's recorded tasks

The public file is Apache-2.0, Copyright NVIDIA CORPORATION & AFFILIATES, and is not part of this repository. Its rows mix
things that a search would take for signal; how they are cleaned is said at each step below.
"""

import argparse
import collections
import csv
import hashlib
import math
import os
import re
import statistics
import sys

TASK = "task family model gpu isl osl origin start_s step_s crash_s slo_stat candidates points note".split()
CANDIDATE = ("task cand engine engine_version precision kv_dtype gpus tp pp dp ep max_num_seqs max_batched_tokens spec "
             "eager start_s").split()
POINT = ("task cand load ttft_ms tpot_ms ttft_mean_ms tpot_mean_ms out_tok_s sd_ttft sd_tpot replicates step_s").split()
SCENARIO = "task scenario slo_ttft_ms slo_tpot_ms feasible_candidates best_tok_s_gpu".split()

# Public config.json files; the last two are the generated models of tests/engines.
MODELS = [
    dict(model="llama-3.1-70b", layers=80, hidden=8192, heads=64, kv_heads=8, head_dim=128, ffn=28672, vocab=128256),
    dict(model="llama-3.1-8b", layers=32, hidden=4096, heads=32, kv_heads=8, head_dim=128, ffn=14336, vocab=128256),
    dict(model="minimax-m2.5", layers=62, hidden=3072, heads=48, kv_heads=8, head_dim=128, ffn=1536, vocab=200064,
         experts=256, experts_per_token=8, expert_ffn=1536),
    dict(model="deepseek-r1", layers=61, hidden=7168, heads=128, kv_heads=128, head_dim=128, ffn=18432, vocab=129280,
         experts=256, experts_per_token=8, shared_experts=1, expert_ffn=2048, dense_layers=3, attention="mla",
         q_lora=1536, kv_lora=512, rope_dim=64, nope_dim=128, v_dim=128),
    dict(model="dense-8b", layers=32, hidden=4096, heads=32, kv_heads=8, head_dim=128, ffn=14336, vocab=32000),
    dict(model="moe-64x8", layers=16, hidden=2048, heads=32, kv_heads=4, head_dim=128, ffn=6144, vocab=32000,
         experts=64, experts_per_token=8, expert_ffn=768),
]
MODEL = ("model layers hidden heads kv_heads head_dim ffn vocab tied experts experts_per_token shared_experts expert_ffn "
         "dense_layers attention q_lora kv_lora rope_dim nope_dim v_dim full_attention_layers window window_layers "
         "linear_params_per_layer linear_state_bytes expert_only_quant").split()
# Data sheets.
GPUS = [("h100", 85520809984, 3.35e12, 989e12, 1979e12, 0, 450e9), ("h200", 150754820096, 4.8e12, 989e12, 1979e12, 0, 450e9),
        ("b200", 192265846784, 7.7e12, 2250e12, 4500e12, 9000e12, 900e9),
        ("b300", 288400343040, 7.75e12, 2250e12, 4500e12, 14000e12, 900e9)]
GPU = "gpu mem_bytes mem_bw flops_bf16 flops_fp8 flops_fp4 link_bw".split()

START, STEP, CRASH = 480, 120, 240  # seconds: the public rows carry no times
QUANTILES = {"tight": (0.5, 0.25), "median": (0.7, 0.5), "loose": (0.9, 0.8)}  # of TTFT and TPOT of a task's points


def write(directory, name, columns, rows):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "w", newline="") as out:
        writer = csv.DictWriter(out, columns, restval="", lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def number(value):
    return f"{value:.6g}"


def draw(*key):
    """A standard normal number that depends on the key only, within two deviations."""
    digest = int.from_bytes(hashlib.sha256("|".join(map(str, key)).encode()).digest()[:8], "big")
    return max(-2.0, min(2.0, statistics.NormalDist().inv_cdf((digest + 0.5) / 2**64)))


def gap(values, quantile):
    """A bound near the quantile, in the middle of the widest gap there: no point is on its edge."""
    values = sorted(set(values))
    if len(values) < 2:
        return values[0] * 1.1
    middle = quantile * (len(values) - 1)
    near = [i for i in range(len(values) - 1) if abs(i + 0.5 - middle) <= max(1.5, 0.08 * len(values))]
    best = max(near, key=lambda i: values[i + 1] / values[i])
    return math.sqrt(values[best] * values[best + 1])


def scenarios(task, points, gpus, bounds):
    rows = []
    for name, (ttft, tpot) in bounds.items():
        value = collections.defaultdict(float)
        for p in points:
            if (ttft is None or float(p["ttft_ms"]) <= ttft) and (tpot is None or float(p["tpot_ms"]) <= tpot):
                value[p["cand"]] = max(value[p["cand"]], float(p["out_tok_s"]) / gpus[p["cand"]])
        rows.append(dict(task=task, scenario=name, slo_ttft_ms="" if ttft is None else number(ttft),
                         slo_tpot_ms="" if tpot is None else number(tpot), feasible_candidates=len(value),
                         best_tok_s_gpu=number(max(value.values(), default=0))))
    return rows


def usual_bounds(points):
    ttft = [float(p["ttft_ms"]) for p in points]
    tpot = [float(p["tpot_ms"]) for p in points]
    bounds = {name: (gap(ttft, a), gap(tpot, b)) for name, (a, b) in QUANTILES.items()}
    bounds["infeasible"] = (0.6 * min(ttft), 0.6 * min(tpot))
    return bounds


def model_key(path):
    name = path.split("/")[-1].lower()
    # One family under two names: the same measurements appear as both.
    return {"deepseek-v3": "deepseek-r1", "deepseek-r1-nvfp4": "deepseek-r1"}.get(
        name, re.sub(r"-(instruct|fp8|nvfp4)(?=-|$)", "", name))


def read_public(path):
    with open(path, newline="") as source:
        rows = list(csv.DictReader(source))
    wanted = {"mode", "backend", "system", "tp_size", "silicon_ttft_ms", "silicon_tpot_ms", "silicon_data_source"}
    missing = wanted - set(rows[0] if rows else [])
    if missing:
        sys.exit(f"prepare.py: {path}: no column {sorted(missing)[0]}")
    measured = []
    for row in rows:
        # Disaggregated rows mostly lack worker counts, so that throughput per GPU is not known.
        if row["mode"] != "agg" or not row["silicon_ttft_ms"] or not row["silicon_tpot_ms"]:
            continue
        if not row["system"].endswith("_sxm"):
            continue
        found = re.search(r"silicon_concurrency=(\d+)", row["silicon_data_source"])
        load = int(found.group(1)) if found else int(float(row["batch_size"]))
        integer = lambda key, row=row: max(1, int(float(row[key] or 1)))  # noqa: E731
        image = row["silicon_data_source"].split(";")[-1].strip().split("/")[-1]
        day = re.search(r"measured=(\d{4}-\d{2}-\d{2})", row["silicon_data_source"])
        version = image if ":" in image else row["backend_version"] or f"unknown-{day.group(1) if day else ''}"
        dp = integer("attention_dp_size")
        measured.append(dict(
            model=model_key(row["model_path"]), gpu=row["system"][:-4], isl=int(row["isl"]), osl=int(row["osl"]),
            engine=row["backend"], version=version, precision=row["precision"] or "bf16", tp=integer("tp_size"),
            pp=integer("pp_size"), dp=dp, ep=integer("moe_ep_size"), load=load, ttft=float(row["silicon_ttft_ms"]),
            tpot=float(row["silicon_tpot_ms"])))
    # Rows with expert parallelism are listed a second time with tp*ep GPUs and the same latencies: the smaller count is
    # what was used.
    smallest = {}
    for m in measured:
        key = tuple(m[k] for k in ("model", "gpu", "isl", "osl", "engine", "version", "precision", "load", "ttft", "tpot"))
        if key not in smallest or m["tp"] * m["dp"] * m["pp"] < smallest[key]["tp"] * smallest[key]["dp"] * smallest[key]["pp"]:
            smallest[key] = m
    return list(smallest.values())


def public(arguments):
    tasks, candidates, points, scenario_rows = [], [], [], []
    by_task = collections.defaultdict(lambda: collections.defaultdict(lambda: collections.defaultdict(list)))
    for m in read_public(arguments.file):
        if arguments.model and arguments.model not in m["model"]:
            continue
        gpus = m["tp"] * m["pp"] * m["dp"]
        config = (m["engine"], m["precision"], gpus, m["tp"], m["pp"], m["dp"], m["ep"])
        by_task[(m["model"], m["gpu"], m["isl"], m["osl"])][config][m["version"]].append(m)
    for (model, gpu, isl, osl), configs in sorted(by_task.items()):
        task = f"{model}.{gpu}.{isl}.{osl}"
        own_candidates, own_points = [], []
        for config, versions in sorted(configs.items()):
            # One version of the engine per candidate: the one with most loads.
            version, rows = max(versions.items(), key=lambda item: (len({r["load"] for r in item[1]}), item[0]))
            engine, precision, gpus, tp, pp, dp, ep = config
            name = f"{engine}-{precision}-g{gpus}-tp{tp}" + (f"-dp{dp}" if dp > 1 else "") + (f"-ep{ep}" if ep > 1 else "")
            cells = collections.defaultdict(list)
            for r in rows:
                cells[r["load"]].append(r)
            # Series with and without draft tokens share all columns; they differ by a factor in TPOT at the same load.
            split = sum(1 for c in cells.values()
                        if max(r["tpot"] for r in c) / min(r["tpot"] for r in c) > 1.16) >= 2
            for spec in ("none", "mtp") if split else ("none",):
                series = {}
                for load, cell in cells.items():
                    middle = math.sqrt(max(r["tpot"] for r in cell) * min(r["tpot"] for r in cell))
                    series[load] = [r for r in cell if not split or (r["tpot"] < middle) == (spec == "mtp")]
                series = {load: cell for load, cell in series.items() if cell}
                if len(series) < 3:
                    continue
                cand = name + ("-mtp" if spec == "mtp" else "")
                own_candidates.append(dict(task=task, cand=cand, engine=engine, engine_version=version, precision=precision,
                                           gpus=gpus, tp=tp, pp=pp, dp=dp, ep=ep, spec=spec, eager=0))
                for load, cell in sorted(series.items()):
                    ttft = math.exp(statistics.fmean(math.log(r["ttft"]) for r in cell))
                    tpot = math.exp(statistics.fmean(math.log(r["tpot"]) for r in cell))
                    # Published replicates: a deviation of 2.4 % in the median, with heavy tails.
                    sd = [min(cap, base * math.exp(tail * draw(task, cand, load, key)))
                          for key, base, tail, cap in (("ttft", 0.035, 0.68, 0.20), ("tpot", 0.007, 1.1, 0.08))]
                    own_points.append(dict(task=task, cand=cand, load=load, ttft_ms=number(ttft), tpot_ms=number(tpot),
                                           ttft_mean_ms=number(ttft), tpot_mean_ms=number(tpot),
                                           out_tok_s=number(1000 * load * osl / (ttft + (osl - 1) * tpot)),
                                           sd_ttft=f"{sd[0]:.3g}", sd_tpot=f"{sd[1]:.3g}", replicates=len(cell)))
        if len(own_candidates) < 5:
            continue
        sets = [(task, "measured", own_candidates, own_points)]
        if arguments.caps:
            sets.append(capped(task, osl, own_candidates, own_points))
        for name, origin, of_candidates, of_points in sets:
            gpus_of = {c["cand"]: c["gpus"] for c in of_candidates}
            tasks.append(dict(task=name, family=model.split("-")[0], model=model, gpu=gpu, isl=isl, osl=osl, origin=origin,
                              start_s=START, step_s=STEP, crash_s=CRASH, slo_stat="mean", candidates=len(of_candidates),
                              points=len(of_points)))
            candidates += of_candidates
            points += of_points
            scenario_rows += scenarios(name, of_points, gpus_of, usual_bounds(of_points))
    return tasks, candidates, points, scenario_rows


def capped(task, osl, candidates, points):
    """Every candidate once per cap on concurrent sequences: beyond the cap a closed loop waits in a queue."""
    name = "knob." + task
    out_candidates, out_points = [], []
    for c in candidates:
        at = {int(p["load"]): p for p in points if p["cand"] == c["cand"]}
        for cap in (8, 16, 32, 64, 128, 256):
            if cap not in at:
                continue
            loads = [load for load in (16, 64, 256) if load >= cap or load in at]
            if not loads:
                continue
            cand = f"{c['cand']}-s{cap}"
            out_candidates.append({**c, "task": name, "cand": cand, "max_num_seqs": cap})
            for load in loads:
                p = at[min(load, cap)]
                ttft, tpot = float(p["ttft_ms"]), float(p["tpot_ms"])
                running = min(load, cap)
                seconds = (ttft + (osl - 1) * tpot) / 1000
                waited = ttft + 1000 * (load - running) * seconds / running
                out_points.append({**p, "task": name, "cand": cand, "load": load, "ttft_ms": number(waited),
                                   "ttft_mean_ms": number(waited)})
    return name, "derived", out_candidates, out_points


def milliseconds(text):
    return float(text[:-2]) if text.endswith("ms") else 1000 * float(text[:-1])


def recorded(arguments):
    import yaml
    tasks, candidates, points, scenario_rows = [], [], [], []
    for path in arguments.files:
        with open(path) as source:
            task = yaml.safe_load(source)
        name = "own." + task["metadata"]["name"]
        facts = task["spec"]["model"]["facts"]
        experts = facts.get("num_experts") or facts.get("num_local_experts") or 0
        version = {r["name"]: r.get("version", "") for r in task["spec"]["runtimes"]}
        isl, osl = map(int, re.fullmatch(r"D\((\d+),(\d+)\)", task["spec"]["benchmark"]["scenarios"][0]).groups())
        own_candidates, own_points = [], []
        for e in task["status"]["experiments"]:
            if e.get("state") != "Succeeded":
                continue
            flag = lambda key, e=e: next((b for a, b in zip(e["args"], e["args"][1:]) if a == key), "")  # noqa: E731
            tp = int(flag("--tensor-parallel-size") or flag("--tp-size") or 1)
            cap = flag("--max-num-seqs") or flag("--max-running-requests")
            quant = e["quant"]
            gemm = "fp8" if "fp8" in (quant["gemm"], quant["moe"]) else "bf16"
            cand = f"{e['runtime']}-{quant['name']}" + (f"-s{cap}" if cap else "") + (f"-tp{tp}" if tp > 1 else "")
            own_candidates.append(dict(
                task=name, cand=cand, engine=e["runtime"], engine_version=version.get(e["runtime"], ""), precision=gemm,
                kv_dtype="fp8" if quant["kvcache"] == "fp8" else "bf16", gpus=e.get("gpus", 1), tp=tp, pp=1, dp=1, ep=1,
                max_num_seqs=cap, spec="none", eager=int("--enforce-eager" in e["args"]), start_s=e["startSeconds"]))
            for load in e["loads"]:
                own_points.append(dict(
                    task=name, cand=cand, load=load["concurrency"], ttft_ms=milliseconds(load["ttft"]["p99"]),
                    tpot_ms=milliseconds(load["tpot"]["mean"]), ttft_mean_ms=milliseconds(load["ttft"]["mean"]),
                    tpot_mean_ms=milliseconds(load["tpot"]["mean"]), out_tok_s=load["outputTokensPerSecond"], sd_ttft=0.05,
                    sd_tpot=0.02, replicates=1, step_s=number(float(e["measureSeconds"]) / len(e["loads"]))))
        slo = task["spec"].get("slo", {})
        bounds = {"recorded": (milliseconds(slo["ttft"]["p99"]) if "ttft" in slo else None,
                               milliseconds(slo["tpot"]["mean"]) if "mean" in slo.get("tpot", {}) else None),
                  **usual_bounds(own_points)}
        del bounds["loose"]
        gpus_of = {c["cand"]: c["gpus"] for c in own_candidates}
        tasks.append(dict(task=name, family="own", model="moe-64x8" if experts else "dense-8b", gpu="h100", isl=isl, osl=osl,
                          origin="recorded", start_s=90, step_s=10, crash_s=30, slo_stat="p99 TTFT and mean TPOT",
                          candidates=len(own_candidates), points=len(own_points)))
        candidates += own_candidates
        points += own_points
        scenario_rows += scenarios(name, own_points, gpus_of, bounds)
    return tasks, candidates, points, scenario_rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("public")
    command.add_argument("file")
    command.add_argument("--model", help="only models whose name contains this")
    command.add_argument("--caps", action="store_true", help="also a derived task per task: caps on concurrent sequences")
    command.add_argument("--out", required=True)
    command = commands.add_parser("recorded")
    command.add_argument("files", nargs="+")
    command.add_argument("--out", required=True)
    arguments = parser.parse_args()
    tasks, candidates, points, scenario_rows = (public if arguments.command == "public" else recorded)(arguments)
    if not tasks:
        sys.exit("prepare.py: no task has enough candidates")
    write(arguments.out, "tasks.csv", TASK, tasks)
    write(arguments.out, "candidates.csv", CANDIDATE, candidates)
    write(arguments.out, "points.csv", POINT, points)
    write(arguments.out, "scenarios.csv", SCENARIO, scenario_rows)
    used = {t["model"] for t in tasks}
    zeros = dict.fromkeys(MODEL, 0)
    write(arguments.out, "models.csv", MODEL,
          [{**zeros, "attention": "gqa", "full_attention_layers": m["layers"], **m} for m in MODELS if m["model"] in used])
    write(arguments.out, "gpus.csv", GPU, [dict(zip(GPU, g)) for g in GPUS])
    print(f"{len(tasks)} tasks, {len(candidates)} candidates, {len(points)} points, {len(scenario_rows)} scenarios")


if __name__ == "__main__":
    main()
