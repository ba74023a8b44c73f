"""The operator as the chart installs it in the real cluster."""

import json
import subprocess
import time

from real_cluster import ROOT, ClusterError, Namespace, restarts

IMAGE = "ghcr.io/autotuner/autotune:dev"
# The simulated engine runs under the names that the operator gives pods for the real ones.
ENGINE_IMAGES = (
    "docker.io/vllm/vllm-openai:v0.24.0",
    "docker.io/vllm/vllm-openai:v0.23.0",
    "docker.io/lmsysorg/sglang:v0.5.15",
    "nvcr.io/nvidia/tensorrt-llm/release:1.2.0",
)
RELEASE = "autotune-operator"
NAMESPACE = "autotune-system"


def load_images(cluster):
    """Builds the images from the repository's Dockerfiles (nothing to do when the sources are unchanged) and imports them."""
    built = subprocess.run([ROOT / "tests/cluster/build-images"], check=True, stdout=subprocess.PIPE, text=True).stdout
    archives = dict(line.split(" ", 1) for line in built.splitlines())
    cluster.load_image(archives["product"], IMAGE)
    cluster.load_image(archives["engine"], *ENGINE_IMAGES)


class InstalledOperator:
    """Installed by helm; it runs with the ServiceAccount and the roles of the chart and nothing else."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.namespace = Namespace(cluster, NAMESPACE)

    def install(self, *helm_arguments):
        """Installs the chart, or upgrades to other values. Returns when helm judges everything ready.

        The pod carries the digest of the image that the node has, so that the operator is replaced when another image was
        loaded under the same tag."""
        repository, tag = IMAGE.rsplit(":", 1)
        self.cluster.helm("upgrade", "--install", RELEASE, ROOT / "charts/autotune-operator", "--namespace", NAMESPACE,
                          "--create-namespace", "--wait", "--timeout", "90s", "--set", f"image.repository={repository}",
                          "--set", f"image.tag={tag}", "--set", "image.pullPolicy=IfNotPresent",
                          # One, unless a test is about several: its pod is the operator.
                          "--set", "replicas=1",
                          "--set", "ui.enabled=true",
                          # Of examples/shared-cluster.yaml.
                          "--set", "operator.allowServiceAccounts={default,experiments}",
                          "--set", f"podAnnotations.imageDigest={self.cluster.image_digest(IMAGE)}", *helm_arguments)

    def wait_until_owners_are_known(self, timeout=120):
        """Until the API server lets the operator's pods be owned by tasks: its admission (OwnerReferencesPermissionEnforcement)
        learns of new kinds only every now and then, and a pod that is refused for that costs writes that are not its
        experiment's. Asked as the operator: whoever may finalize everything is not asked for the owner's kind."""
        pod = {"apiVersion": "v1", "kind": "Pod",
               "metadata": {"name": "owned", "namespace": "default", "ownerReferences": [
                   {"apiVersion": "autotuner.io/v1alpha1", "kind": "AutotuneTask", "name": "none", "uid": "none",
                    "controller": True, "blockOwnerDeletion": True}]},
               "spec": {"containers": [{"name": "none", "image": "none"}]}}
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.cluster.kubectl(f"--as={self.user()}", "create", "--dry-run=server", "-f", "-", input=json.dumps(pod))
                return
            except ClusterError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def uninstall(self):
        self.cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")

    def pod(self):
        """The one pod that is not being deleted."""
        pods = [p for p in self.namespace.pods() if "deletionTimestamp" not in p["metadata"]]
        assert len(pods) == 1, f"expected one operator pod, found {[p['metadata']['name'] for p in pods]}"
        return pods[0]

    def user(self):
        """The operator's name in the audit log."""
        return f"system:serviceaccount:{NAMESPACE}:{self.pod()['spec']['serviceAccountName']}"

    def kill(self):
        """SIGKILL. Returns at once; the kubelet starts the container again, wait_restarted() waits for that."""
        pod = self.pod()
        self.cluster.kill_container(NAMESPACE, pod["metadata"]["name"], pod["spec"]["containers"][0]["name"])

    def wait_restarted(self, restarts_before, timeout=60):
        """Until the container was started again and is ready. With several kills the kubelet waits 10 s, 20 s, ...:
        replace() is quicker then."""
        name = self.pod()["metadata"]["name"]
        return self.namespace.wait("pods", name, lambda p: p and restarts(p) > restarts_before and is_ready(p),
                                   "operator restarted", timeout)

    def kill_and_replace(self, timeout=60):
        """SIGKILL, and a fresh pod at once instead of the kubelet's growing wait. Returns when the new one is ready."""
        old = self.pod()["metadata"]["name"]
        self.kill()
        self.namespace.delete("pods", old, grace_seconds=0)
        self.namespace.wait_for_absence("pods", old, timeout)
        self.cluster.api.wait(self.namespace.path("pods"),
                              lambda found: any(is_ready(p) for p in found["items"]), "operator replaced", timeout)

    def restarts(self):
        return restarts(self.pod())

    def logs(self, previous=False):
        return self.namespace.kubectl("logs", self.pod()["metadata"]["name"], *(["--previous"] if previous else []))

    def log_records(self):
        """The operator's log lines, which are JSON."""
        return [json.loads(line) for line in self.logs().splitlines() if line.startswith("{")]


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
