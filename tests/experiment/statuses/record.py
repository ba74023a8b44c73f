#!/usr/bin/env python3
"""Writes those of recorded/*.json anew that ENDINGS lists: pods of stand-ins (shell instead of launcher and bench) that a
real kubelet, scheduler and controllers end. Needs what tests/cluster needs; takes about two minutes.

  record.py [NAME...]      default: all
"""

import contextlib
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "tests/cluster"), str(ROOT / "tests/e2e")]
sys.dont_write_bytecode = True

from box import Box  # noqa: E402
from image import BUSYBOX  # noqa: E402
from node import Node  # noqa: E402
from pki import Pki  # noqa: E402
from real_cluster import PROGRAM, Namespace, RealCluster, cluster_command  # noqa: E402

STATE = "/var/tmp/autotune-record"
STAY = "while :; do sleep 0.1; done"
# The exit codes with which launcher and bench end when they are told to. A pod all of whose containers end with 0 counts
# as Succeeded, and its eviction leaves no trace.
LAUNCHER, BENCH = "trap 'exit 0' TERM; ", "trap 'exit 20' TERM; "
# Keeps a deleted pod visible until its last status has been read.
HOLD = "autotuner.io/recorder"


def experiment(name, engine="", bench="", engine_limits=None, bench_limits=None, volumes=(), **spec):
    """A pod of the shape that the operator makes, ready to be applied."""
    def container(container_name, script, **fields):
        mounts = [{"name": volume["name"], "mountPath": "/" + volume["name"]} for volume in volumes]
        return {"name": container_name, "image": BUSYBOX, "command": ["sh", "-c", script], "volumeMounts": mounts, **fields}

    sidecar = container("engine", LAUNCHER + engine + STAY, restartPolicy="Always", resources={"limits": engine_limits or {}},
                        startupProbe={"exec": {"command": ["true"]}, "periodSeconds": 1})
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "finalizers": [HOLD]},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5,
                 "initContainers": [container("install", "true"), sidecar],
                 "containers": [container("bench", BENCH + bench + STAY, resources={"limits": bench_limits or {}})], "volumes": list(volumes), **spec},
    }


def running(space, name):
    return space.wait("pods", name, lambda pod: pod["status"].get("phase") == "Running" and all(
        "running" in c["state"] for c in pod["status"].get("containerStatuses", [{"state": {}}])), f"{name} runs", 120)


def ended(space, name, timeout=180):
    return space.wait_for_end(name, timeout)


# ---- the endings, named after their files ----

def evicted_empty_dir_limit(space, name):
    space.apply(experiment(name, bench="head -c 8000000 /dev/zero > /scratch/file; ",
                           volumes=[{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]))
    return ended(space, name)


def evicted_container_storage_limit(space, name):
    """Of bench: a kubelet sees a sidecar's own limit only as a part of the pod's."""
    space.apply(experiment(name, bench="head -c 32000000 /dev/zero > /file; ",
                           engine_limits={"ephemeral-storage": "1Gi"}, bench_limits={"ephemeral-storage": "4Mi"}))
    return ended(space, name)


def evicted_pod_storage_limit(space, name):
    space.apply(experiment(name, engine="head -c 32000000 /dev/zero > /file; ",
                           engine_limits={"ephemeral-storage": "4Mi"}))
    return ended(space, name)


def evicted_node_pressure(space, name):
    """A node that finds its memory low, however much of it is free, once the pod runs there."""
    node = PressedNode(5, "pressed")
    space.cluster.add_node(node)
    space.apply(experiment(name, engine="x=$(head -c 60000000 /dev/zero | tr '\\0' a); ",
                           engine_limits={"memory": "200Mi"},  # pods without any are refused under pressure
                           nodeSelector={"kubernetes.io/hostname": node.name}))
    running(space, name)
    node.press(space.cluster)
    return ended(space, name)


def preempted(space, name):
    space.cluster.api.create("/apis/scheduling.k8s.io/v1/priorityclasses", {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000})
    space.apply(experiment(name, engine_limits={"nvidia.com/gpu": "8"}))
    running(space, name)
    space.apply(experiment("other", engine_limits={"nvidia.com/gpu": "8"}, priorityClassName="high"))
    return ended(space, name)


def deleted_by_hand(space, name):
    space.apply(experiment(name))
    running(space, name)
    space.delete("pods", name)
    return ended(space, name)


def node_unreachable(space, name):
    space.cluster.add_node(Node(3, "silent"))
    space.apply(experiment(name, nodeSelector={"kubernetes.io/hostname": "silent"}))
    running(space, name)
    cluster_command(STATE, "stop-node", "silent", "--with-runtime")
    return space.wait("pods", name, lambda pod: "deletionTimestamp" in pod["metadata"], "deleted for its node", 120)


def node_deleted(space, name):
    space.cluster.add_node(Node(4, "gone"))
    space.apply(experiment(name, nodeSelector={"kubernetes.io/hostname": "gone"}))
    running(space, name)
    cluster_command(STATE, "stop-node", "gone", "--with-runtime")
    space.cluster.api.delete("/api/v1/nodes/gone")
    return ended(space, name, 240)


def refused_for_gpus(space, name):
    """The scheduler is not asked: the kubelet itself refuses."""
    space.apply(experiment(name, engine_limits={"nvidia.com/gpu": "9"}, nodeName="gpu-1"))
    return ended(space, name)


# ---- how ----

class PressedNode(Node):
    def press(self, cluster):
        """Starts the kubelet again with a threshold that no machine meets."""
        box = Box(STATE)
        file = box.state / f"node-{self.number}/kubelet.json"
        configuration = json.loads(file.read_text())
        configuration["evictionHard"] = {"memory.available": "99%"}
        file.write_text(json.dumps(configuration))
        box.signal(f"kubelet-{self.number}", 9)
        box.spawn(f"kubelet-{self.number}", self.kubelet_arguments(box, Pki(box.state / "pki")))


class Recorded(RealCluster):
    def add_node(self, node):
        box = Box(STATE)
        node.start_runtime(box)
        node.import_image(box, box.state / "busybox.tar")
        node.start_kubelet(box, Pki(box.state / "pki"))
        nodes = json.loads((box.state / "nodes.json").read_text())
        (box.state / "nodes.json").write_text(json.dumps([*nodes, vars(node)]))
        node.wait_ready(box, self.api)


ENDINGS = {f.__name__.replace("_", "-"): f for f in (
    evicted_empty_dir_limit, evicted_container_storage_limit, evicted_pod_storage_limit, evicted_node_pressure, preempted,
    deleted_by_hand, refused_for_gpus, node_unreachable, node_deleted)}


def main(names):
    cluster_command(STATE, "up")
    try:
        cluster = Recorded(STATE)
        cluster.api.create("/api/v1/namespaces", {"metadata": {"name": "recorded"}})
        cluster.api.wait("/api/v1/namespaces/recorded/serviceaccounts/default", bool, "ServiceAccount")
        space = Namespace(cluster, "recorded")
        for name in names or ENDINGS:
            begin = time.monotonic()
            pod = ENDINGS[name](space, name)
            kept = ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "name",
                    "namespace", "resourceVersion", "uid")
            pod["metadata"] = {key: pod["metadata"][key] for key in kept if key in pod["metadata"]}
            pod["spec"] = {"nodeName": pod["spec"]["nodeName"]}
            (HERE / f"recorded/{name}.json").write_text(json.dumps(pod, indent=1, sort_keys=True) + "\n")
            print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
            for other in space.pods():
                with contextlib.suppress(Exception):
                    cluster.api.patch(space.path("pods", other["metadata"]["name"]), {"metadata": {"finalizers": None}})
                    space.delete("pods", other["metadata"]["name"], grace_seconds=0)
    finally:
        subprocess.run([PROGRAM, "--state", STATE, "down"], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
