"""Kueue's own controller beside the test cluster: the program of its module, its CRDs and its webhooks for pods.

It runs as a process in the cluster's namespaces, as the cluster's administrator. Everything else is Kueue's: what it
gates, admits and preempts. Its webhooks apply only to namespaces with the label `kueue-test: "true"`, so that other
tests do not depend on it.
"""

import base64
import json
import pathlib
import signal
import subprocess

import yaml
from pki import Pki
from real_cluster import ROOT

MODULE = ROOT / "tests/cluster/kueue"
PORT = 9443
LABEL = {"kueue-test": "true"}
API = "/apis/kueue.x-k8s.io/v1beta2"


def _sources():
    """The directory of Kueue's module, with the manifests that its releases are made of."""
    answer = subprocess.run(["go", "mod", "download", "-json", "sigs.k8s.io/kueue"], cwd=MODULE, check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    return pathlib.Path(json.loads(answer)["Dir"])


def _program():
    tools = subprocess.run([ROOT / "tests/cluster/tools.sh", "kueue"], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(tools.stdout.strip()) / "kueue"


class Kueue:
    def __init__(self, cluster):
        self.cluster = cluster
        self.api = cluster.api
        self.box = cluster.api.box
        self.sources = _sources()
        self.webhooks = []

    def start(self):
        pki = Pki(self.cluster.state / "pki")
        place = self.cluster.state / "kueue"
        place.mkdir(exist_ok=True)
        pki.leaf("kueue", "/CN=kueue", ["extendedKeyUsage=serverAuth", "subjectAltName=IP:127.0.0.1"])
        for ending in ("crt", "key"):
            (place / f"tls.{ending}").write_bytes(pki.path(f"kueue.{ending}").read_bytes())
        (place / "config.yaml").write_text(yaml.safe_dump({
            "apiVersion": "config.kueue.x-k8s.io/v1beta2", "kind": "Configuration",
            "health": {"healthProbeBindAddress": "127.0.0.1:8481"}, "metrics": {"bindAddress": "0"},
            "webhook": {"port": PORT, "certDir": str(place)},
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {"enable": False},
            "managedJobsNamespaceSelector": {"matchLabels": LABEL},
            "integrations": {"frameworks": ["pod"]},
        }))
        components = self.sources / "config/components"
        self.cluster.kubectl("apply", "--server-side", *(f"--filename={path}" for path in
                                                         sorted((components / "crd/bases").glob("*.yaml"))))
        self.cluster.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=60s")
        if self.api.find("/api/v1/namespaces/kueue-system") is None:
            self.api.create("/api/v1/namespaces", {"metadata": {"name": "kueue-system"}})
        # With certificates of somebody else it wants those of its metrics at a fixed path, which gets a view of its own.
        view = (f"mkdir -p {place}/etc && cp -a /etc/. {place}/etc && mkdir -p {place}/etc/kueue/metrics/certs && "
                f"cp {place}/tls.* {place}/etc/kueue/metrics/certs && mount --bind {place}/etc /etc && exec \"$@\"")
        self.box.spawn("kueue", ["unshare", "--mount", "sh", "-c", view, "sh", _program(), f"--config={place}/config.yaml",
                                 "--feature-gates=VisibilityOnDemand=false", f"--kubeconfig={pki.path('admin.conf')}"],
                       {"POD_NAMESPACE": "kueue-system"})
        self.box.wait("Kueue's webhooks", lambda: self.box.connect("127.0.0.1", PORT).close() is None, 60, ["kueue"])
        self._register((components / "webhook/manifests.yaml").read_text(), pki.path("ca.crt").read_text())

    def _register(self, manifests, authority):
        """Its webhooks for pods and for its own kinds, by address instead of by Service."""
        bundle = base64.b64encode(authority.encode()).decode()
        for configuration in yaml.safe_load_all(manifests):
            kept = []
            for webhook in configuration["webhooks"]:
                resources = {resource for rule in webhook["rules"] for resource in rule["resources"]}
                groups = {group for rule in webhook["rules"] for group in rule["apiGroups"]}
                if resources != {"pods"} and groups != {"kueue.x-k8s.io"}:
                    continue
                path = webhook["clientConfig"]["service"]["path"]
                webhook["clientConfig"] = {"url": f"https://127.0.0.1:{PORT}{path}", "caBundle": bundle}
                if resources == {"pods"}:
                    webhook["namespaceSelector"] = {"matchLabels": LABEL}
                kept.append(webhook)
            configuration["webhooks"] = kept
            configuration["metadata"]["name"] = "kueue-" + configuration["metadata"]["name"]
            self.webhooks.append(f"{configuration['kind'].lower()}/{configuration['metadata']['name']}")
            self.cluster.kubectl("apply", "-f", "-", input=json.dumps(configuration))

    def stop(self):
        if self.webhooks:
            self.cluster.kubectl("delete", *self.webhooks)
        self.box.signal("kueue", signal.SIGTERM)

    # ---- queues ----

    def queue(self, namespace, gpus):
        """A ClusterQueue with this many GPUs for one namespace, which lower priorities leave for higher ones, and the
        LocalQueue "team" in it."""
        flavor = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ResourceFlavor", "metadata": {"name": "any"}}
        quotas = [{"name": name, "nominalQuota": quota} for name, quota in
                  (("cpu", "1000"), ("memory", "1000Ti"), ("nvidia.com/gpu", gpus), ("ephemeral-storage", "1000Ti"))]
        queue = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "ClusterQueue", "metadata": {"name": namespace.name},
                 "spec": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace.name}},
                          "preemption": {"withinClusterQueue": "LowerPriority"},
                          "resourceGroups": [{"coveredResources": [q["name"] for q in quotas],
                                              "flavors": [{"name": "any", "resources": quotas}]}]}}
        local = {"apiVersion": "kueue.x-k8s.io/v1beta2", "kind": "LocalQueue",
                 "metadata": {"name": "team", "namespace": namespace.name}, "spec": {"clusterQueue": namespace.name}}
        self.api.patch(f"/api/v1/namespaces/{namespace.name}", {"metadata": {"labels": LABEL}})
        for manifest in (flavor, queue, local):
            self.cluster.kubectl("apply", "-f", "-", input=json.dumps(manifest))

    def set_gpus(self, namespace, gpus):
        found = self.api.get(f"{API}/clusterqueues/{namespace.name}")
        for quota in found["spec"]["resourceGroups"][0]["flavors"][0]["resources"]:
            if quota["name"] == "nvidia.com/gpu":
                quota["nominalQuota"] = str(gpus)
        self.api.patch(f"{API}/clusterqueues/{namespace.name}", {"spec": {"resourceGroups": found["spec"]["resourceGroups"]}})
