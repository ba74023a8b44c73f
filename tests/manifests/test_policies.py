"""The admission policies of examples/policies, on a real API server."""

import json
import pathlib
import time

import pytest

POLICIES = pathlib.Path(__file__).resolve().parents[2] / "examples/policies"


def test_every_policy_says_what_it_is_for():
    paths = sorted(POLICIES.glob("*.yaml"))
    assert paths and all(path.read_text().startswith("# ") for path in paths)


def task(namespace, budget):
    spec = {"model": {"idOrPath": "a/b"}, "baseRuntime": "vllm"}
    if budget is not None:
        spec["optimization"] = {"budget": budget}
    return {"apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask",
            "metadata": {"name": "budget", "namespace": namespace}, "spec": spec}


@pytest.fixture(scope="module")
def limited(crd):
    """Two namespaces, one of them with a limit of 2.5 GPU-hours a task; the policy is in force."""
    for name, labels in (("policy-limited", {"autotuner.io/max-gpu-hours": "2.5"}), ("policy-free", {})):
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        assert crd.kubectl("apply", "-f", "-", input=json.dumps(namespace)).returncode == 0
    path = POLICIES / "gpu-hours-per-task.yaml"
    applied = crd.kubectl("apply", "-f", path)
    assert applied.returncode == 0, applied.stderr
    deadline = time.monotonic() + 60  # the API server takes a policy up in its own time
    while create(crd, "policy-limited", None).returncode == 0:
        assert time.monotonic() < deadline, "the policy is never enforced"
        time.sleep(0.5)
    yield crd
    crd.kubectl("delete", "-f", path)
    crd.kubectl("delete", "namespace", "policy-limited", "policy-free", "--wait=false")


def create(server, namespace, budget):
    return server.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(task(namespace, budget)))


def test_gpu_hours_of_a_task_are_capped_in_namespaces_that_say_so(limited):
    for budget in ({"gpuHours": "2.5"}, {"gpuHours": "0.1", "deadline": "1h"}):
        answer = create(limited, "policy-limited", budget)
        assert answer.returncode == 0, answer.stderr
    for budget, told in ((None, "is not set"), ({"deadline": "1h"}, "is not set"), ({"gpuHours": "2.6"}, "is 2.6"),
                         ({"gpuHours": "10"}, "is 10")):
        answer = create(limited, "policy-limited", budget)
        assert answer.returncode != 0, (budget, answer.stdout)
        assert (f"spec.optimization.budget.gpuHours {told}: namespace policy-limited allows at most 2.5 a task"
                in answer.stderr), answer.stderr
    assert create(limited, "policy-free", None).returncode == 0, "a namespace without the label has no limit"


def test_a_task_that_exists_keeps_its_budget_until_its_spec_is_edited(limited):
    def kubectl(*arguments, **options):
        return limited.kubectl("-n", "policy-limited", *arguments, **options)

    limited.kubectl("label", "namespace", "policy-limited", "autotuner.io/max-gpu-hours=100", "--overwrite")
    deadline = time.monotonic() + 60
    while (made := kubectl("create", "-f", "-", input=json.dumps(task("policy-limited", {"gpuHours": "50"})))).returncode:
        assert time.monotonic() < deadline, made.stderr
        time.sleep(0.5)
    limited.kubectl("label", "namespace", "policy-limited", "autotuner.io/max-gpu-hours=2.5", "--overwrite")
    while create(limited, "policy-limited", {"gpuHours": "50"}).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    labelled = kubectl("label", "autotunetask", "budget", "team=a")
    assert labelled.returncode == 0, labelled.stderr
    edited = kubectl("patch", "autotunetask", "budget", "--type=merge", "-p",
                     '{"spec": {"optimization": {"maxExperiments": 3}}}')
    assert "allows at most 2.5 a task" in edited.stderr, edited.stderr
    assert kubectl("delete", "autotunetask", "budget").returncode == 0
