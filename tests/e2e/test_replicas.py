"""Two replicas of the operator: one leads, and whatever becomes of it costs no measurement."""

import pytest

from installed_operator import NAMESPACE, RELEASE
from tasks import over, task

EXPERIMENTS = "autotuner.io/role=experiment"
WRITES = ("create", "update", "patch", "delete", "deletecollection")


def running(operator):
    return [p for p in operator.namespace.pods() if "deletionTimestamp" not in p["metadata"]]


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def leader(operator):
    """Name of the pod that holds the lease; "" where nobody does."""
    return (operator.namespace.get("leases", RELEASE)["spec"].get("holderIdentity") or "").split("_")[0]


def wait_for_another_leader(operator, old):
    def taken(lease):
        holder = (lease["spec"].get("holderIdentity") or "").split("_")[0]
        return holder not in ("", old)
    operator.namespace.wait("leases", RELEASE, taken, "another replica leads", 60)


@pytest.fixture
def replicas(operator):
    operator.install("--set", "replicas=2")
    operator.namespace.cluster.api.wait(operator.namespace.path("pods"), lambda found: len([
        p for p in found["items"] if ready(p) and "deletionTimestamp" not in p["metadata"]]) == 2, "two ready replicas", 60)
    operator.namespace.wait("leases", RELEASE, lambda lease: lease and lease["spec"].get("holderIdentity"), "a leader", 60)
    yield operator
    operator.install()
    operator.namespace.cluster.api.wait(operator.namespace.path("pods"), lambda found: len(found["items"]) == 1,
                                        "one replica", 90)


def replace_leader(operator, how):
    """Returns when another replica leads; the name of the one that led."""
    old = leader(operator)
    if how == "terminated":
        operator.namespace.delete("pods", old)
    elif how == "killed":
        operator.cluster.kill_container(NAMESPACE, old, "operator")
        operator.namespace.delete("pods", old, grace_seconds=0)
    else:
        operator.cluster.kill_container(NAMESPACE, old, "operator", signal="STOP")
    wait_for_another_leader(operator, old)
    return old


@pytest.mark.parametrize("how", ["terminated", "killed", "stopped"])
def test_another_replica_goes_on_where_the_leader_was(namespace, replicas, how):
    created = namespace.cluster.audit.position()
    namespace.apply(task("handed-over", parameters={"max-num-seqs": [64, 128]},
                         optimization={"retries": 0, "strategy": "Grid"}))
    namespace.wait("autotunetasks", "handed-over", lambda t: t and "Measuring" in [
        e["state"] for e in t.get("status", {}).get("experiments", [])], "one measures", 120)
    old = replace_leader(replicas, how)
    if how == "stopped":
        replaced = namespace.cluster.audit.position()
        replicas.cluster.kill_container(NAMESPACE, old, "operator", signal="CONT")
    found = namespace.wait("autotunetasks", "handed-over", over, "task is over", 240)

    assert found["status"]["state"] == "Complete", found["status"]
    experiments = found["status"]["experiments"]
    assert len(experiments) == 5 and all(e["state"] == "Succeeded" and e["attempts"] == 1 for e in experiments)
    pods = [r for r in namespace.cluster.audit.requests(created, verb="create", resource="pods", namespace=namespace.name)
            if r.code == 201]
    assert len(pods) == 5, "nothing was measured twice"
    if how == "stopped":
        wrote = [r for r in namespace.cluster.audit.requests(replaced, pod=old)
                 if r.verb in WRITES and r.resource != "leases"]
        assert wrote == [], "it was not the leader any more when it went on"
        replicas.namespace.wait("pods", old, lambda p: sum(c["restartCount"] for c in p["status"]["containerStatuses"]) > 0,
                                "the old leader has ended itself", 60)
        assert "may be the leader" in replicas.namespace.kubectl("logs", old, "--previous")
