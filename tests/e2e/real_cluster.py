"""What an end-to-end test does with the real cluster of tests/cluster: apply, look, wait, break.

Objects are plain dictionaries as the API server returns them. Every wait fails with what was seen last.
"""

import json
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))

from api import Api, ApiError  # noqa: E402, F401  (ApiError is for the tests)
from image import BUSYBOX  # noqa: E402, F401

from audit import AuditLog  # noqa: E402

PROGRAM = ROOT / "tests/cluster/cluster"

_GROUPS = {
    "/api/v1": ("pods", "configmaps", "secrets", "serviceaccounts", "events", "services", "persistentvolumeclaims"),
    "/apis/apps/v1": ("deployments", "replicasets"),
    "/apis/batch/v1": ("jobs",),
    "/apis/coordination.k8s.io/v1": ("leases",),
    "/apis/rbac.authorization.k8s.io/v1": ("roles", "rolebindings"),
    "/apis/autotuner.io/v1alpha1": ("autotunetasks",),
}


class ClusterError(AssertionError):
    """A command failed; the message is what it printed."""


def cluster_command(state, *arguments, input=None, timeout=600):
    """Runs `cluster ...` and returns its standard output."""
    result = subprocess.run([PROGRAM, "--state", str(state), *map(str, arguments)], input=input, capture_output=True,
                            text=True, timeout=timeout)
    if result.returncode != 0:
        raise ClusterError(f"cluster {' '.join(map(str, arguments))}: exit code {result.returncode}\n"
                           f"{result.stdout}{result.stderr}")
    return result.stdout


class RealCluster:
    """A cluster that is up, seen by its administrator."""

    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.api = Api(state)
        self.audit = AuditLog(self.state / "audit.log")

    def kubectl(self, *arguments, input=None):
        return cluster_command(self.state, "kubectl", *arguments, input=input)

    def helm(self, *arguments):
        return cluster_command(self.state, "helm", *arguments)

    def load_image(self, archive, *names):
        return cluster_command(self.state, "load-image", archive, *(f"--as={name}" for name in names))

    def image_digest(self, name):
        """Of the image that the first node has under this name."""
        rows = cluster_command(self.state, "ctr", "images", "ls", f"name=={name}").splitlines()
        assert len(rows) == 2, f"{name} is not loaded"
        return re.search(r"sha256:[0-9a-f]{64}", rows[1])[0]

    def kill_container(self, namespace, pod, container, signal="KILL"):
        """Sends a signal to the container's first process as a crash or the kernel would: Kubernetes is not asked."""
        cluster_command(self.state, "kill-container", namespace, pod, container, "--signal", signal)

    def kstatus(self, *objects):
        """How Flux and `helm --wait` judge the objects: a list of "Current", "InProgress", "Failed", ..."""
        result = subprocess.run([self.state / "bin/kstatus"], input="".join(map(json.dumps, objects)), text=True,
                                capture_output=True, check=True)
        return [line.split("\t")[0] for line in result.stdout.splitlines()]


class Namespace:
    """One namespace of the cluster and the objects in it."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def path(self, resource, name=""):
        group = next((g for g, resources in _GROUPS.items() if resource in resources), None)
        assert group, f"the API group of {resource!r} is not listed in real_cluster.py"
        return f"{group}/namespaces/{self.name}/{resource}" + (f"/{name}" if name else "")

    # ---- apply and look ----

    def apply(self, *manifests):
        """kubectl apply. A manifest is a dictionary, YAML text, or the path of a file. Returns what kubectl printed."""
        documents = []
        for manifest in manifests:
            if isinstance(manifest, pathlib.Path):
                manifest = manifest.read_text()
            documents.append(manifest if isinstance(manifest, str) else yaml.safe_dump(manifest))
        return self.cluster.kubectl("apply", "-n", self.name, "-f", "-", input="\n---\n".join(documents))

    def kubectl(self, *arguments, input=None):
        return self.cluster.kubectl("-n", self.name, *arguments, input=input)

    def get(self, resource, name):
        return self.cluster.api.get(self.path(resource, name))

    def find(self, resource, name):
        return self.cluster.api.find(self.path(resource, name))

    def list(self, resource, labels=""):
        query = f"?labelSelector={labels}" if labels else ""
        return self.cluster.api.get(self.path(resource) + query)["items"]

    def pods(self, labels=""):
        return sorted(self.list("pods", labels), key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    def delete(self, resource, name, grace_seconds=None):
        body = {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        self.cluster.api.delete(self.path(resource, name), body)

    def logs(self, pod, container):
        return self.kubectl("logs", pod, "-c", container)

    def events(self, name=None):
        """(reason, message) of each event, of one object or of all."""
        return [(e["reason"], e.get("message", "")) for e in self.list("events")
                if name is None or e["involvedObject"]["name"] == name]

    # ---- wait ----

    def wait(self, resource, name, condition, what, timeout=60):
        """Until condition(object) is true; the object may be None while it does not exist. Returns it."""
        return self.cluster.api.wait(self.path(resource, name), condition, what, timeout)

    def wait_for_end(self, pod, timeout=60):
        """Until the pod has succeeded or failed. Returns it."""
        return self.wait("pods", pod, lambda p: p and p["status"].get("phase") in ("Succeeded", "Failed"),
                         f"pod {pod} ended", timeout)

    def wait_for_absence(self, resource, name, timeout=60):
        self.wait(resource, name, lambda found: found is None, f"{resource}/{name} gone", timeout)

    def wait_for_condition(self, resource, name, type, status="True", timeout=60):
        """Until a condition of the current generation has the status. Returns the object."""
        def met(found):
            current = found and condition(found, type)
            return current and current["status"] == status and \
                current.get("observedGeneration", found["metadata"].get("generation")) == found["metadata"].get("generation")
        return self.wait(resource, name, met, f"{resource}/{name}: {type}={status}", timeout)


# ---- reading objects ----

def condition(found, type):
    """The condition of that type, or None."""
    return next((c for c in found.get("status", {}).get("conditions", []) if c["type"] == type), None)


def container_of(pod, name):
    """A container or init container as the pod's author wrote it."""
    return next(c for c in pod["spec"].get("initContainers", []) + pod["spec"]["containers"] if c["name"] == name)


def container_status(pod, name):
    """What the kubelet says about it, or None while it says nothing."""
    status = pod.get("status", {})
    return next((c for c in status.get("initContainerStatuses", []) + status.get("containerStatuses", [])
                 if c["name"] == name), None)


def termination(pod, name):
    """exitCode, reason and message with which the container last ended, or None."""
    status = container_status(pod, name) or {}
    return status.get("state", {}).get("terminated") or status.get("lastState", {}).get("terminated")


def engine_argv(pod):
    """What the engine is started with: the words after the launcher's "--"."""
    engine = container_of(pod, "engine")
    words = engine.get("command", []) + engine.get("args", [])
    return words[words.index("--") + 1:]


def restarts(pod):
    status = pod.get("status", {})
    return sum(c["restartCount"] for c in status.get("initContainerStatuses", []) + status.get("containerStatuses", []))
