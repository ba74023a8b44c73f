"""The chart on a real cluster, with a small program in the operator's place that answers its probes: what the chart makes of
users, tokens, roll-outs and `helm test`. The operator itself is installed in test_operator.py."""

import pathlib
import subprocess

import pytest
import yaml
from image import write_busybox_image
from real_cluster import ROOT, termination

CHART = ROOT / "charts/autotune-operator"
STAND_IN = "localhost/autotune-tests/stand-in"
KUBECTL = "localhost/autotune-tests/kubectl:1"


@pytest.fixture(scope="module")
def stand_in(cluster, tmp_path_factory):
    """An image that is ready on /healthz and /readyz, under two tags."""
    archive = tmp_path_factory.mktemp("image") / "image.tar"
    serve = "trap 'kill $!; exit 0' TERM; httpd -f -p 8081 -h /www & wait"
    write_busybox_image(archive, f"{STAND_IN}:v1", {"www/healthz": b"ok", "www/readyz": b"ok"}, User="65532:65532",
                        Entrypoint=["/bin/sh", "-c", serve, "operator"])
    cluster.load_image(archive, f"{STAND_IN}:v1", f"{STAND_IN}:v2")


@pytest.fixture(scope="module")
def kubectl_image(cluster, tmp_path_factory):
    tools = subprocess.run([ROOT / "tests/cluster/tools.sh", "kubecp"], check=True, stdout=subprocess.PIPE, text=True)
    program = (pathlib.Path(tools.stdout.split()[-1]) / "kubectl").read_bytes()
    archive = tmp_path_factory.mktemp("image") / "kubectl.tar"
    write_busybox_image(archive, KUBECTL, {"bin/kubectl": program}, User="nonroot", Entrypoint=["/bin/kubectl"])
    cluster.load_image(archive, KUBECTL)


@pytest.fixture
def release(cluster, namespace, stand_in):
    """helm on one release in a namespace that enforces the restricted Pod Security Standard."""
    cluster.kubectl("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted")
    # A CRD belongs to one release: that of the operator's tests, where it is installed.
    present = cluster.kubectl("get", "crd", "autotunetasks.autotuner.io", "--ignore-not-found", "-o", "name").strip()

    def helm(command, *arguments):
        return cluster.helm(command, "x", *([CHART] if command in ("install", "upgrade") else []), "-n", namespace.name,
                            *arguments)

    helm("install", "--wait", "--timeout", "90s", "--set", f"image.repository={STAND_IN}", "--set", "image.tag=v1",
         "--set", "networkPolicy.enabled=true", "--set", f"tests.image={KUBECTL}", "--set", "crds.keep=false",
         "--set", f"crds.enabled={'false' if present else 'true'}")
    yield helm
    helm("uninstall", "--wait")


def test_the_helm_test_passes(release, kubectl_image):
    assert "Phase:          Succeeded" in release("test", "--timeout", "90s")


def test_an_upgrade_never_has_fewer_ready_replicas_than_before(release, namespace):
    name = "x-autotune-operator"
    release("upgrade", "--reset-then-reuse-values", "--set", "image.tag=v2", "--wait", "--timeout", "90s")
    deployment = namespace.get("deployments", name)
    assert deployment["status"]["readyReplicas"] == 2
    images = {c["image"] for p in namespace.pods() if "deletionTimestamp" not in p["metadata"] for c in p["spec"]["containers"]}
    assert images == {f"{STAND_IN}:v2"}
    # The old replicas go one by one, each after a new one was ready.
    downs = [message for reason, message in namespace.events(name) if reason == "ScalingReplicaSet" and "down" in message]
    assert len(downs) == 2, downs


def test_the_charts_pod_reads_its_token_as_whatever_user_its_image_or_the_cluster_gives_it(namespace, tmp_path):
    """The chart fixes no user, and files of a projected volume belong to root where no user and no group is fixed."""
    image = "localhost/autotune-tests/somebody:1"
    write_busybox_image(tmp_path / "image.tar", image, User="65532:65532")
    namespace.cluster.load_image(tmp_path / "image.tar", image)
    rendered = namespace.cluster.helm("template", "x", ROOT / "charts/autotune-operator", "-s", "templates/deployment.yaml")
    spec = yaml.safe_load(rendered)["spec"]["template"]["spec"]
    (operator,) = spec["containers"]
    script = "cat /var/run/secrets/kubernetes.io/serviceaccount/* >/tmp/read && id -u >/dev/termination-log"
    for name, user in (("of-the-image", {}), ("of-the-cluster", {"runAsUser": 1000670000, "fsGroup": 1000670000})):
        token = [mount for mount in operator["volumeMounts"] if mount["name"] == "api-access"]
        main = {"name": "main", "image": image, "command": ["sh", "-c", script], "securityContext": operator["securityContext"],
                "volumeMounts": [*token, {"name": "tmp", "mountPath": "/tmp"}]}
        namespace.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
            "restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [main],
            "securityContext": {**spec["securityContext"], **user},
            "volumes": [*(v for v in spec["volumes"] if v["name"] == "api-access"), {"name": "tmp", "emptyDir": {}}]}})
        ended = namespace.wait_for_end(name)
        assert ended["status"]["phase"] == "Succeeded", ended["status"]
        assert termination(ended, "main")["message"].strip() == str(user.get("runAsUser", 65532))
