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
          1000000, True, False, [], {}, ["a", "a"], [1], {"a": "b"}, ["Deployment"]]


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
    refused = {name: line for line in read.stderr.splitlines() for name in re.findall(r"(m-\d+)\.json", line)}

    disagreements = [f"{changes[name]}: only the API server refuses it" for name in changes
                     if name not in taken and name not in refused]
    disagreements += [f"{changes[name]}: only the command line refuses it: {refused[name]}" for name in sorted(refused)
                      if name in taken]
    assert not disagreements, "\n".join(disagreements)
