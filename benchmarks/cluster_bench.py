"""What the figures about the operator share: a real cluster with the operator installed by its chart.

AUTOTUNE_CLUSTER_STATE=DIR uses the cluster that `tests/cluster/cluster --state DIR up` has started and leaves it running;
otherwise one is started and taken down again.
"""

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/cluster")]

from api import Api  # noqa: E402
from installed_operator import RELEASE, InstalledOperator, is_ready, load_images  # noqa: E402, F401
from real_cluster import Namespace, RealCluster, cluster_command  # noqa: E402
from tasks import over, task  # noqa: E402, F401

EXPERIMENTS = "autotuner.io/role=experiment"


@contextlib.contextmanager
def installed(*helm_arguments):
    """Yields (cluster, operator)."""
    given = os.environ.get("AUTOTUNE_CLUSTER_STATE")
    state = given or f"/var/tmp/autotune-bench-{os.getpid()}"
    if not given:
        cluster_command(state, "up")
    try:
        cluster = RealCluster(state)
        load_images(cluster)
        operator = InstalledOperator(cluster)
        operator.install(*helm_arguments)
        yield cluster, operator
    finally:
        if not given:
            cluster_command(state, "down")
            pathlib.Path(f"{state}.lock").unlink(missing_ok=True)


@contextlib.contextmanager
def namespace(cluster, name):
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    cluster.api.wait(f"/api/v1/namespaces/{name}/serviceaccounts/default", bool, f"ServiceAccount of {name}")
    try:
        yield Namespace(cluster, name)
    finally:
        # Thousands of objects take longer than a request may; the namespace's deletion goes on without it.
        with contextlib.suppress(TimeoutError):
            cluster.api.delete(f"/api/v1/namespaces/{name}/pods", {"gracePeriodSeconds": 0})
        cluster.api.delete(f"/api/v1/namespaces/{name}")


def metrics(operator):
    """name{labels} -> value, as Prometheus would scrape it."""
    pod = operator.pod()
    connection = http.client.HTTPConnection(pod["status"]["podIP"], 8081)
    connection.sock = operator.cluster.api.box.connect(pod["status"]["podIP"], 8081)
    connection.request("GET", "/metrics")
    return parsed(connection.getresponse().read().decode())


def parsed(text):
    return {name: float(value) for name, value in re.findall(r"^([^#\s].*) (\S+)$", text, re.MULTILINE)}


def in_parallel(cluster, count, act):
    """Calls act(api, i) for each i below `count`, each worker with a client of its own."""
    workers = threading.local()

    def one(i):
        if not hasattr(workers, "api"):
            workers.api = Api(cluster.state, timeout=120)  # eight at a time on a machine with two cores
        act(workers.api, i)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in pool.map(one, range(count)):
            assert done is None


def metrics_of(cluster, port):
    """The same of a program in the cluster's network that runs in no pod."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = cluster.api.box.connect("127.0.0.1", port)
    connection.request("GET", "/metrics")
    return parsed(connection.getresponse().read().decode())


def go_program(module, package="."):
    """Builds a program of a Go module in benchmarks/ and returns its path. Go's own cache makes the second time quick."""
    out = pathlib.Path(os.environ.get("AUTOTUNE_CACHE") or pathlib.Path.home() / ".cache/autotune") / "benchmarks" / module
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-C", ROOT / "benchmarks" / module, "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", out, package],
                   check=True, env=dict(os.environ, GOTOOLCHAIN="local", CGO_ENABLED="0"))
    return out


def run(space, manifest, timeout=900):
    """Applies a task and returns it once it is over."""
    space.apply(manifest)
    return space.wait("autotunetasks", manifest["metadata"]["name"], lambda t: t and over(t), "task is over", timeout)


def watch(cluster, path):
    """Yields (time of arrival, event) for every change of the listed objects from now on."""
    version = cluster.api.get(path)["metadata"]["resourceVersion"]
    query = f"{path}{'&' if '?' in path else '?'}watch=1&resourceVersion={version}&timeoutSeconds=3600"
    response = cluster.api.stream(query)
    return ((time.monotonic(), json.loads(line)) for line in response)


def machine():
    """One line about where and how busy."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return (f"{os.cpu_count()} x {cpu[1] if cpu else 'CPU'}, load average {os.getloadavg()[0]:.1f} "
            f"(above {os.cpu_count()}: other programs run too)")
