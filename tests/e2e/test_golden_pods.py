"""The pods that the operator builds (tests/experiment/golden) before a real API server: nothing in them is unknown to it,
invalid, or refused by admission, in namespaces of the pod security level that the documentation promises. Only dry runs."""

import json

import pytest
from real_cluster import ROOT, ClusterError

GOLDENS = sorted((ROOT / "tests/experiment/golden").glob("*.json"))

# What admission wants to find. They are refused where they are missing, so they are part of the pods' meaning.
SURROUNDINGS = {
    "apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "nvidia"}, "handler": "nvidia"},
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "low"}, "value": -10},
    ],
}


@pytest.fixture(scope="module")
def surroundings(cluster):
    cluster.kubectl("apply", "-f", "-", input=json.dumps(SURROUNDINGS))
    yield
    cluster.kubectl("delete", "-f", "-", input=json.dumps(SURROUNDINGS))


def create(cluster, namespace, golden, level):
    """A server-side dry run in a namespace that enforces the level; what the API server would have stored."""
    cluster.kubectl("label", "namespace", namespace.name, "--overwrite", f"pod-security.kubernetes.io/enforce={level}")
    pod = json.loads(golden.read_text())
    pod["metadata"]["namespace"] = namespace.name
    if account := pod["spec"].get("serviceAccountName"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace.name}}
        cluster.kubectl("apply", "-f", "-", input=json.dumps(account))
    stored = cluster.kubectl("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-",
                             input=json.dumps(pod))
    return pod, json.loads(stored)


def lost(ours, stored, path=""):
    """Paths of what we asked for and the API server does not hold; what it adds (defaults) does not matter."""
    if isinstance(ours, dict) and isinstance(stored, dict):
        return [found for key in ours for found in lost(ours[key], stored.get(key), f"{path}.{key}")]
    if isinstance(ours, list) and isinstance(stored, list) and len(ours) <= len(stored):
        return [found for i, item in enumerate(ours) for found in lost(item, stored[i], f"{path}[{i}]")]
    return [] if ours == stored else [f"{path}: {ours!r} became {stored!r}"]


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.stem for golden in GOLDENS])
def test_the_api_server_takes_the_pod_as_it_is(cluster, namespace, surroundings, golden):
    # A directory of the node is more than "baseline" allows: that is why the operator has to be told to allow it.
    level = "privileged" if golden.stem == "host-path" else "baseline"
    ours, stored = create(cluster, namespace, golden, level)
    assert lost(ours, stored) == []
    assert stored["status"]["qosClass"] == "Burstable"


@pytest.mark.parametrize("name", ["inspect-hub", "inspect-volume", "other-user"])
def test_pods_whose_engine_is_not_root_pass_the_restricted_level(cluster, namespace, surroundings, name):
    create(cluster, namespace, ROOT / f"tests/experiment/golden/{name}.json", "restricted")


def test_only_the_engine_keeps_a_pod_from_the_restricted_level(cluster, namespace, surroundings):
    with pytest.raises(ClusterError) as refused:
        create(cluster, namespace, ROOT / "tests/experiment/golden/vllm.json", "restricted")
    message = str(refused.value)
    assert 'container "engine" must set securityContext.runAsNonRoot=true' in message
    assert '"install"' not in message and '"bench"' not in message
