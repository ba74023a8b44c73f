"""What a real API server says to the manifests: every example is taken, everything in invalid/ is refused with the words
that its header expects, and the largest status that the operator can write fits."""

import json
import pathlib
import re

import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INVALID = sorted((HERE / "invalid").glob("*.yaml"))
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


def names(paths):
    return [path.stem for path in paths]


def dry_run(api_server, path):
    return api_server.kubectl("apply", "--dry-run=server", "-f", path)


def test_the_corpus_is_not_shrinking():
    assert len(INVALID) >= 60
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("path", INVALID, ids=names(INVALID))
def test_invalid_manifest_is_refused_naming_the_field(crd, path):
    expected = re.search(r"^# expect: (.+)$", path.read_text(), re.MULTILINE)
    assert expected, "the header must say what is expected"
    answer = dry_run(crd, path)
    assert answer.returncode != 0, f"accepted: {answer.stdout}"
    assert expected[1] in answer.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=names(EXAMPLES))
def test_example_is_accepted(crd, path):
    answer = dry_run(crd, path)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("path", EXAMPLES, ids=names(EXAMPLES))
def test_example_is_named_after_its_file_and_says_what_it_is_for(path):
    assert yaml.safe_load(path.read_text())["metadata"]["name"] == path.stem
    assert path.read_text().startswith("# ")


GROUP = "manifests.test.autotuner.io"
TASKS = f"autotunetasks.{GROUP}"


@pytest.fixture(scope="module")
def unwatched(api_server):
    """The API server with the same CRD under a group of its own: an operator in the cluster works on none of its tasks."""
    definition = yaml.safe_load((ROOT / "crds/autotunetask.yaml").read_text())
    definition["metadata"]["name"] = TASKS
    definition["spec"]["group"] = GROUP
    for shared in ("shortNames", "categories"):  # they go on meaning the tasks of users
        del definition["spec"]["names"][shared]
    applied = api_server.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(definition))
    assert applied.returncode == 0, applied.stderr
    ready = api_server.kubectl("wait", "--for=condition=Established", f"crd/{TASKS}", "--timeout=30s")
    assert ready.returncode == 0, ready.stderr
    yield api_server
    api_server.kubectl("delete", "crd", TASKS)


@pytest.fixture
def task(unwatched):
    """A task of its own, deleted afterwards."""
    manifest = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "AutotuneTask", "metadata": {"name": "manifest-test"},
                "spec": {"model": {"idOrPath": "a/b"}, "baseRuntime": "vllm"}}
    created = unwatched.kubectl("create", "-f", "-", input=json.dumps(manifest))
    assert created.returncode == 0, created.stderr
    yield unwatched
    unwatched.kubectl("delete", TASKS, "manifest-test")


def test_a_fresh_task_is_not_taken_for_finished(task):
    assert task.get(TASKS, "manifest-test")["status"] == {"observedGeneration": -1}


def test_defaults_are_there_for_readers_of_the_object(task):
    spec = task.get(TASKS, "manifest-test")["spec"]
    assert spec["optimization"]["maxExperiments"] == 40
    assert spec["benchmark"]["load"] == {}, "unset means the search of the limit"
    assert spec["benchmark"]["arrival"] == {"process": "Poisson"} and spec["slo"]["errorRate"] == "0.01"
    assert "gpu" not in spec, "a task may have gpus instead"
    assert "strategy" not in spec["optimization"], "unset means the operator's choice"


def worst_status():
    """As EnforceSizeLimits (operator/api) lets it grow: entries of 2900 bytes, 768 KiB in all."""
    latency = dict.fromkeys(("mean", "p50", "p90", "p95", "p99"), "123.456s")
    row = {"scenario": "D(1000000,1000000)", "concurrency": 4096, "window": "123.456s", "requests": 123456,
           "errors": 123, "inputTokens": 123456789, "outputTokens": 123456789, "outputTokensPerSecond": "123456.78",
           "requestsPerSecond": "1234.567", "ttft": latency, "tpot": latency, "e2eLatency": latency, "meetsSlo": True}
    entry = {"hash": "3fa2c10011223344", "state": "Failed", "runtime": "r" * 40,
             "quant": {"name": "q" * 63, "gemm": "bfloat16", "kvcache": "fp8_e5m2", "attention": "fp8_block",
                       "moe": "w4afp8"},
             "gpus": 1024, "loads": [row], "reason": "EngineRejectedConfiguration", "truncated": True}
    entry["message"] = "m" * (2900 - len(json.dumps(entry, separators=(",", ":"))) - 40)
    entries = [{"name": f"e{i}-3fa2c1", **entry} for i in range(256)]
    # As many as fit keep all twelve rows.
    spare = 768 * 1024 - len(json.dumps(entries, separators=(",", ":")))
    for i in range(spare // (11 * len(json.dumps(row, separators=(",", ":"))))):
        entries[i] = {**entries[i], "loads": [row] * 12}
    condition = {"type": "Ready", "status": "False", "reason": "AllExperimentsFailed", "message": "m" * 4096,
                 "observedGeneration": 1, "lastTransitionTime": "2026-11-22T12:00:00Z"}
    return {"observedGeneration": 1, "state": "Failed", "conditions": [condition], "experiments": entries}


def test_256_experiments_at_their_largest_fit_into_a_real_object(task, tmp_path):
    status = worst_status()
    sizes = [len(json.dumps(e, separators=(",", ":"))) for e in status["experiments"]]
    assert len(sizes) == 256 and min(sizes) > 1900 and sum(sizes) > 700 * 1024, "this is not the worst case"
    patch = tmp_path / "status.json"
    patch.write_text(json.dumps({"status": status}))
    answer = task.kubectl("patch", TASKS, "manifest-test", "--subresource=status", "--type=merge", "--patch-file", patch)
    assert answer.returncode == 0, answer.stderr
    stored = task.get(TASKS, "manifest-test")
    assert stored["status"] == status, "nothing was dropped or changed"
    assert len(json.dumps(stored, separators=(",", ":"))) < 1024 * 1024


def test_a_257th_experiment_is_refused(task):
    entries = [{"name": f"e{i}", "hash": "0", "state": "Pending"} for i in range(257)]
    answer = task.kubectl("patch", TASKS, "manifest-test", "--subresource=status", "--type=merge", "-p",
                          json.dumps({"status": {"experiments": entries}}))
    assert answer.returncode != 0 and "status.experiments: Too many" in answer.stderr


def test_tasks_have_short_names(crd):
    for name in ("att", "autotune"):
        answer = crd.kubectl("get", name, "-o", "name", "--all-namespaces")
        assert answer.returncode == 0, answer.stderr


def test_columns_show_where_a_task_stands(task):
    status = {"state": "Complete", "progress": "7/7", "cost": {"gpuHours": "3.42"},
              "best": {"experiment": "e7-3fa2c1", "model": "awq-4bit", "runtime": "vllm-020", "quantName": "dynamic-fp8",
                       "score": "1560.2", "gpu": "l40s", "improvementOverBaseline": "+41.3%"},
              "conditions": [{"type": "Ready", "status": "True", "reason": "Succeeded", "message": "dynamic-fp8 wins",
                              "lastTransitionTime": "2026-11-22T12:00:00Z"}]}
    answer = task.kubectl("patch", TASKS, "manifest-test", "--subresource=status", "--type=merge", "-p",
                          json.dumps({"status": status}))
    assert answer.returncode == 0, answer.stderr
    header, row = task.kubectl("get", TASKS, "-o", "wide").stdout.splitlines()
    assert header.split() == ["NAME", "STATE", "PROGRESS", "FEASIBLE", "BEST", "SCORE", "GPU-HOURS", "AGE", "CHECKPOINT", "ENGINE",
                              "GPU", "IMPROVEMENT", "MESSAGE"]
    for cell in ("Complete", "7/7", "dynamic-fp8", "1560.2", "3.42", "awq-4bit", "vllm-020", "l40s", "+41.3%", "dynamic-fp8 wins"):
        assert cell in row


def undescribed(schema, path=""):
    """Fields without a description, which `kubectl explain` shows as blank."""
    for name, field in schema.get("properties", {}).items():
        if not field.get("description", "").strip():
            yield f"{path}.{name}"
        yield from undescribed(field, f"{path}.{name}")
    for part, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(schema.get(part), dict):
            yield from undescribed(schema[part], path + mark)


def test_every_field_has_a_description():
    (version,) = yaml.safe_load((ROOT / "crds/autotunetask.yaml").read_text())["spec"]["versions"]
    # A CRD must not describe metadata: the API server does.
    assert list(undescribed(version["schema"]["openAPIV3Schema"])) == [".metadata"]


def test_explain_shows_a_description_of_every_field(crd):
    answer = crd.kubectl("explain", "autotunetasks", "--recursive=false")
    assert answer.returncode == 0 and "configurations to compare" in answer.stdout, answer.stdout + answer.stderr
    for path in ("spec.model.idOrPath", "spec.slo.tpot", "spec.gpu.schedulerName", "status.experiments.loads.itl.p99"):
        answer = crd.kubectl("explain", f"autotunetasks.{path}")
        assert "<empty>" not in answer.stdout and "DESCRIPTION:" in answer.stdout, answer.stdout
