"""Experiments in a queue of Kueue's own controller: held, admitted, preempted and admitted again."""

import time

import pytest
from kueue import Kueue
from real_cluster import BUSYBOX, condition
from tasks import over, task

EXPERIMENTS = "autotuner.io/role=experiment"
GATE = "kueue.x-k8s.io/admission"


@pytest.fixture(scope="module")
def kueue(cluster):
    running = Kueue(cluster)
    running.start()
    yield running
    running.stop()


def gated(pod):
    return any(gate["name"] == GATE for gate in pod["spec"].get("schedulingGates", []))


def wait_for_pod(namespace, matches, what, timeout=60):
    """Until an experiment's pod matches. Returns it."""
    found = namespace.cluster.api.wait(f"{namespace.path('pods')}?labelSelector={EXPERIMENTS}",
                                       lambda pods: any(matches(pod) for pod in pods["items"]), what, timeout)
    return next(pod for pod in found["items"] if matches(pod))


def running(pod):
    return pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]


def test_experiments_wait_in_the_queue_and_run_within_its_quota(namespace, operator, kueue):
    kueue.queue(namespace, 0)
    manifest = task("queued", gpu={"queueName": "team"}, parallelism=2)
    # Far less than the time in the queue.
    manifest["spec"]["optimization"].update(schedulingTimeout="5s")
    namespace.apply(manifest)

    wait_for_pod(namespace, gated, "a pod held by the queue")
    waiting = namespace.wait("autotunetasks", "queued",
                             lambda t: t and (condition(t, "Ready") or {}).get("reason") == "WaitingForResources",
                             "the task says that it waits")
    assert "waiting for quota" in condition(waiting, "Ready")["message"], condition(waiting, "Ready")
    time.sleep(8)
    found = namespace.get("autotunetasks", "queued")
    assert not over(found) and all(e["state"] != "Failed" for e in found["status"]["experiments"]), found["status"]

    kueue.set_gpus(namespace, 1)
    most = 0

    def watch(t):
        nonlocal most
        most = max(most, sum(not gated(p) and p["status"].get("phase") in ("Pending", "Running")
                             for p in namespace.pods(EXPERIMENTS)))
        return t and over(t)

    found = namespace.wait("autotunetasks", "queued", watch, "task is over", 180)
    assert found["status"]["state"] == "Complete", found["status"]
    assert [e["state"] for e in found["status"]["experiments"]] == ["Succeeded", "Succeeded"]
    assert most == 1, "two experiments of one GPU each in a queue of one"


def test_a_preempted_experiment_goes_back_to_the_queue_and_is_measured_again(namespace, operator, kueue):
    kueue.queue(namespace, 1)
    for name, value in (("low", 10), ("high", 1000)):
        namespace.apply({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": value,
                         "metadata": {"name": f"queue-test-{name}"}})
    manifest = task("preempted", gpu={"queueName": "team", "priorityClassName": "queue-test-low"})
    manifest["spec"]["benchmark"]["duration"] = "15s"
    manifest["spec"]["optimization"]["retries"] = 1
    namespace.apply(manifest)
    first = wait_for_pod(namespace, running, "the first experiment runs", 120)

    namespace.apply({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "urgent", "labels": {"kueue.x-k8s.io/queue-name": "team"}},
        "spec": {"restartPolicy": "Never", "priorityClassName": "queue-test-high", "terminationGracePeriodSeconds": 0,
                 "containers": [{"name": "main", "image": BUSYBOX, "command": ["sleep", "12"], "imagePullPolicy": "Never",
                                 "resources": {"limits": {"nvidia.com/gpu": "1", "cpu": "10m", "memory": "16Mi"}}}]}})
    again = wait_for_pod(namespace, lambda pod: pod["metadata"]["uid"] != first["metadata"]["uid"] and gated(pod),
                         "the preempted experiment is back in the queue", 120)
    namespace.wait_for_end("urgent", 120)
    found = namespace.wait("autotunetasks", "preempted", lambda t: t and over(t), "task is over", 240)

    assert found["status"]["state"] == "Complete", found["status"]
    experiments = found["status"]["experiments"]
    assert [e["state"] for e in experiments] == ["Succeeded", "Succeeded"], experiments
    assert [e["attempts"] for e in experiments].count(2) == 1, experiments
    assert float(found["status"]["cost"]["wasted"]) > 0
    reasons = [reason for reason, _ in namespace.events()]
    assert "ExperimentRetried" in reasons or any("retr" in reason.lower() for reason in reasons), reasons
    assert again["spec"]["priorityClassName"] == "queue-test-low"
