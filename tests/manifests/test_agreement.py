"""The command line and a real API server agree on what a task may say: mutations of the examples are taken by both or by
neither. What the command line alone refuses needs a model or an engine release to judge, and is found later, so only what
it refuses while reading counts."""

import copy
import json
import os
import pathlib
import random
import re
import subprocess

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("AUTOTUNE_MUTATION_SEED", "1"))
COUNT = int(os.environ.get("AUTOTUNE_MUTATIONS", "150"))
VALUES = ["", "x", "1.5m", "9", "-1", "1%", "08", "10s", "0", "1", "70 Gi", "a b", "A" * 5000, "/x", "é", 0, 1, -1, 3, 2.5,
          1000000, True, False, [], {}, ["a", "a"], [1], {"a": "b"}, ["Deployment"], None, 3.0]


def places(value, path=()):
    """Every place within a manifest's spec."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], path + (index,))


def mutated(task, chance):
    """One thing about the spec changed, and what it is."""
    task = copy.deepcopy(task)
    path = chance.choice(list(places(task["spec"])))
    holder = task["spec"]
    for step in path[:-1]:
        holder = holder[step]
    how = chance.choice(["set", "set", "set", "delete", "twice", "unknown"])
    if how == "delete":
        del holder[path[-1]]
        return task, f"{path} deleted"
    if how == "twice" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[path[-1]]))
        return task, f"{path} twice"
    if how == "unknown" and isinstance(holder, dict):
        holder["notAField"] = 1
        return task, f"{path[:-1]}.notAField"
    holder[path[-1]] = copy.deepcopy(chance.choice(VALUES))
    return task, f"{path} = {str(holder[path[-1]])[:40]!r}"


def test_command_line_and_api_server_agree(crd, tmp_path, autotune):
    chance = random.Random(SEED)
    examples = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "examples").glob("*.yaml"))]
    changes = {}
    for index in range(COUNT):
        task, change = mutated(chance.choice(examples), chance)
        name = f"m-{index:04d}"
        changes[name] = f"{task['metadata']['name']}: {change}"
        task["metadata"] = {"name": name}
        (tmp_path / f"{name}.json").write_text(json.dumps(task))
    # One that is surely wrong, so that the command line stops after reading.
    (tmp_path / "wrong.json").write_text(json.dumps({"apiVersion": examples[0]["apiVersion"], "kind": "AutotuneTask"}))

    # A file each: kubectl goes on after one that is refused.
    answer = crd.kubectl("create", "--dry-run=server", "--validate=strict", "-f", tmp_path)
    taken = set(re.findall(r"autotunetask\.autotuner\.io/(m-\d+) created", answer.stdout))
    assert 0 < len(taken) < COUNT, answer.stderr[:2000]

    read = subprocess.run([autotune, "plan", "--offline", tmp_path], capture_output=True, text=True)
    assert read.returncode == 2 and "wrong.json" in read.stderr, read.stderr[:2000]
    refused = {name: line for line in read.stderr.splitlines() for name in re.findall(r"(m-\d+)\.json", line)
               if not line.startswith("note: ")}

    disagreements = [f"{changes[name]}: only the API server refuses it" for name in changes
                     if name not in taken and name not in refused]
    disagreements += [f"{changes[name]}: only the command line refuses it: {refused[name]}" for name in sorted(refused)
                      if name in taken]
    assert not disagreements, "\n".join(disagreements)


# What people write, as they write it: YAML's words, units, cases, types, and the names of fields.
TEXTS = {
    "null-field": "description:", "null-parameter": "parameters: {max-num-seqs: null}", "null-item": "quantConfig: {presets: [default, null]}",
    "null-object": "slo:", "null-runtimes": "runtimes: null", "null-default": "optimization: {maxExperiments: null}",
    "whole-float": "optimization: {maxExperiments: 10.0}", "exponent": "optimization: {maxExperiments: 1e1}", "underscore": "optimization: {maxExperiments: 1_0}",
    "octal": "optimization: {maxExperiments: 012}", "too-large": "optimization: {seed: 99999999999999999999}", "number-as-text": 'optimization: {maxExperiments: "10"}',
    "yes": "suspend: yes", "on": "suspend: on", "one-letter": "suspend: Y", "off": "quality: {measure: off}", "no": "keepPods: no", "date": "description: 2026-11-29",
    "price": "gpu: {pricePerHour: 2.5}", "bytes": "gpu: {minMemory: 70}", "bytes-text": 'gpu: {minMemory: "70"}', "gigabytes": "gpu: {minMemory: 70GB}", "small-g": "gpu: {minMemory: 70g}",
    "capability": "gpu: {minComputeCapability: 9.0}", "days": "retention: {pods: 7d}", "microseconds": "slo: {ttft: {p99: 500us}}", "upper-unit": "slo: {ttft: {p99: 500MS}}",
    "upper-field": "slo: {TTFT: {p99: 500ms}}", "upper-statistic": "slo: {ttft: {P99: 500ms}}", "case-of-enum": "optimization: {strategy: grid}", "scalar-for-list": "quantConfig: {presets: default}",
    "unquoted-version": "runtimes: [{name: a, engine: vllm, version: 0.10}]", "spaces-in-scenario": 'benchmark: {scenarios: ["D(512, 128)"]}', "anchor": "slo: {ttft: &t {p99: 1s}, tpot: *t}",
    "merge": "slo: {ttft: &t {p99: 1s}, tpot: {<<: *t}}", "tab": "slo:\n\tttft: {p99: 1s}", "two-colons": "description: a: b", "at-sign": "description: @x", "open-brace": "slo: {ttft: {p99: 1s}",
}
METADATA = {"typo": "lables: {a: b}", "number-label": "labels: {a: 1}", "null-label": "labels: {a: null}", "annotation": "annotations: {a: b}", "namespace": "namespace: default"}


def test_texts_get_one_verdict(crd, tmp_path, autotune):
    head = "apiVersion: autotuner.io/v1alpha1\nkind: AutotuneTask\n"
    spec = "spec:\n  model: {idOrPath: org/model}\n"
    files = {}
    for name, body in TEXTS.items():
        runtime = "" if "runtimes" in body else "  baseRuntime: vllm\n"
        files[name] = f"{head}metadata: {{name: {name}}}\n{spec}{runtime}" + "".join(f"  {line}\n" for line in body.split("\n"))
    for name, body in METADATA.items():
        files[f"m-{name}"] = f"{head}metadata:\n  name: m-{name}\n  {body}\n{spec}  baseRuntime: vllm\n"
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "wrong.json").write_text('{"apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask"}')
    read = subprocess.run([autotune, "plan", "--offline", tmp_path], capture_output=True, text=True)
    assert read.returncode == 2 and "wrong.json" in read.stderr, read.stderr[:2000]
    problems = [line for line in read.stderr.splitlines() if not line.startswith("note: ")]
    disagreements = []
    for name in files:
        answer = crd.kubectl("create", "--dry-run=server", "--validate=strict", "-f", tmp_path / f"{name}.yaml")
        refused = [line for line in problems if f"/{name}.yaml" in line]
        if (answer.returncode == 0) == bool(refused):
            disagreements.append(f"{name}: {refused or 'taken'}; the API server: {(answer.stdout + answer.stderr).strip()}")
        # Where, and for values what is wrong with them.
        disagreements += [f"{name}: says too little: {line}" for line in refused if line.count(":") < 2]
    assert not disagreements, "\n".join(disagreements)
