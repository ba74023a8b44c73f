"""A node of a test cluster: its own containerd and kubelet, GPUs as far as Kubernetes can see them, and its cgroups."""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from box import BoxError
from image import BUSYBOX

CGROUPS = pathlib.Path("/sys/fs/cgroup")

# What GPU Feature Discovery writes: product, memory in MiB, family, compute capability.
GPUS = {
    "h100": ("NVIDIA-H100-80GB-HBM3", 81559, "hopper", "9.0"),
    "h200": ("NVIDIA-H200", 143771, "hopper", "9.0"),
    "b200": ("NVIDIA-B200", 183359, "blackwell", "10.0"),
    "a100": ("NVIDIA-A100-SXM4-80GB", 81920, "ampere", "8.0"),
    "l40s": ("NVIDIA-L40S", 46068, "ada-lovelace", "8.9"),
    "t4": ("Tesla-T4", 15360, "turing", "7.5"),
}


@dataclasses.dataclass
class Node:
    """Number 1, 2, ... decides addresses and ports."""

    number: int
    name: str
    gpu: str = "h100"
    gpus: int = 8

    @property
    def address(self):
        return f"10.250.0.{self.number}"

    @property
    def containerd_socket(self):
        return f"/run/containerd-{self.number}/containerd.sock"

    def labels(self):
        if not self.gpus:
            return {}
        product, memory, family, capability = GPUS[self.gpu]
        major, minor = capability.split(".")
        return {
            "nvidia.com/gpu.present": "true",
            "nvidia.com/gpu.product": product,
            "nvidia.com/gpu.count": str(self.gpus),
            "nvidia.com/gpu.memory": str(memory),
            "nvidia.com/gpu.family": family,
            "nvidia.com/gpu.compute.major": major,
            "nvidia.com/gpu.compute.minor": minor,
            "nvidia.com/gpu.replicas": "1",
            "nvidia.com/gpu.sharing-strategy": "none",
            "nvidia.com/mig.strategy": "none",
            "nvidia.com/cuda.driver.major": "580",
        }

    # ---- starting ----

    def start_runtime(self, box):
        """containerd with the busybox image; needs no API server."""
        directory = box.state / f"node-{self.number}"
        directory.mkdir()
        (directory / "cni").mkdir()
        (directory / "cni/10-pods.conflist").write_text(json.dumps(self._network(directory), indent=1))
        (directory / "containerd.toml").write_text(self._containerd_configuration(directory))
        box.spawn(f"containerd-{self.number}", ["containerd", "--config", directory / "containerd.toml"])
        socket = pathlib.Path(f"/proc/{box.pid}/root{self.containerd_socket}")
        box.wait("containerd", socket.exists, 20, [f"containerd-{self.number}"])

    def ctr(self, box, *arguments):
        return box.run(["ctr", "--address", self.containerd_socket, "--namespace", "k8s.io", *arguments])

    def import_image(self, box, archive, names=()):
        """Imports a docker-archive. names: further names for its first image."""
        imported = self.ctr(box, "images", "import", "--snapshotter", _snapshotter(box), archive)
        # "unpacking docker.io/x/y:z (sha256:...)...done", one line an image
        image = next(line.split()[1] for line in imported.splitlines() if line.startswith("unpacking "))
        for name in names:
            self.ctr(box, "images", "tag", "--force", image, name)
        return image

    def start_kubelet(self, box, pki):
        directory = box.state / f"node-{self.number}"
        pki.node(self.name, self.address)
        if self.number > 1:
            box.run(["ip", "addr", "add", f"{self.address}/32", "dev", "lo"])
        create_cgroup(cgroup_name(box.state, self.number))
        (directory / "kubelet.json").write_text(json.dumps(self._kubelet_configuration(box, pki, directory), indent=1))
        box.spawn(f"kubelet-{self.number}", self.kubelet_arguments(box, pki))

    def kubelet_arguments(self, box, pki):
        configuration = box.state / f"node-{self.number}/kubelet.json"
        arguments = [box.state / "bin/kubelet", "--config", configuration, "--kubeconfig", pki.path(self.name + ".conf"),
                     "--hostname-override", self.name, "--node-ip", self.address, "--root-dir", self._kubelet_root(),
                     "--v", "2"]
        if labels := self.labels():
            arguments += ["--node-labels", ",".join(f"{key}={value}" for key, value in labels.items())]
        return arguments

    def wait_ready(self, box, api, timeout=60):
        path = f"/api/v1/nodes/{self.name}"
        kubelet = f"kubelet-{self.number}"
        box.wait(f"node {self.name} registered", lambda: api.find(path), timeout, [kubelet])
        if self.gpus:
            # There is no device plugin. The kubelet keeps extended resources that it does not manage.
            amount = {"nvidia.com/gpu": str(self.gpus)}
            api.patch(path + "/status", {"status": {"capacity": amount, "allocatable": amount}})

        def ready():
            conditions = api.get(path)["status"].get("conditions", [])
            return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

        box.wait(f"node {self.name} Ready", ready, timeout, [kubelet])

    # ---- configuration ----

    def _kubelet_root(self):
        return "/var/lib/kubelet" if self.number == 1 else f"/var/lib/kubelet-{self.number}"

    def _network(self, directory):
        # The nodes share one bridge and one address pool, so that pods of different nodes reach each other.
        return {
            "cniVersion": "0.4.0", "name": "pods",
            "plugins": [{
                "type": "bridge", "bridge": "pods0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
                "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/16"}]], "routes": [{"dst": "0.0.0.0/0"}],
                         "dataDir": str(directory.parent / "pod-addresses")},
            }],
        }

    def _containerd_configuration(self, directory):
        return f"""\
version = 2
root = "/var/lib/containerd-{self.number}"
state = "/run/containerd-{self.number}"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.tracing"]

[grpc]
  address = "{self.containerd_socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{BUSYBOX}"
  # Without CAP_SYS_RESOURCE a score below the own one cannot be set.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{_snapshotter_of(directory.parent)}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{directory / 'cni'}"
"""

    def _kubelet_configuration(self, box, pki, directory):
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": self.address,
            "port": 10250, "readOnlyPort": 0, "healthzPort": 0,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False},
                               "x509": {"clientCAFile": str(pki.path("ca.crt"))}},
            "authorization": {"mode": "AlwaysAllow"},  # of those whom the certificate let in: the API server
            "tlsCertFile": str(pki.path(self.name + ".crt")), "tlsPrivateKeyFile": str(pki.path(self.name + ".key")),
            "containerRuntimeEndpoint": f"unix://{self.containerd_socket}",
            "cgroupDriver": "cgroupfs", "cgroupRoot": "/" + cgroup_name(box.state, self.number),
            # With false, kubelet 1.36.4 panics on a pod with a sidecar that has a memory limit.
            "cgroupsPerQOS": True,
            "failCgroupV1": False, "failSwapOn": False, "enforceNodeAllocatable": [],
            "evictionHard": {}, "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            # One look a second at disk usage, so that a pod over its storage limit is evicted in seconds.
            "evictionPressureTransitionPeriod": "5s", "volumeStatsAggPeriod": "1s",
            "makeIPTablesUtilChains": False,
            "nodeStatusUpdateFrequency": "2s", "nodeLeaseDurationSeconds": 12,
            "clusterDNS": ["10.96.0.10"], "clusterDomain": "cluster.local",
            "resolvConf": str(box.state / "box/resolv.conf"),
            "volumePluginDir": str(directory / "volume-plugins"), "podLogsDir": "/var/log/pods",
            "serializeImagePulls": False, "maxPods": 250,
            # What is killed again and again comes back at once: tests do that hundreds of times.
            "featureGates": {"KubeletCrashLoopBackOffMax": True},
            "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
            "containerLogMaxSize": "10Mi",
        }


# ---- snapshotter ----

def overlay_problem(directory):
    """Why overlay mounts do not work in directory, or "" when they do."""
    with tempfile.TemporaryDirectory(dir=directory) as place:
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(f"{place}/{name}")
        script = (f"mount -t overlay overlay -o lowerdir={place}/lower,upperdir={place}/upper,workdir={place}/work "
                  f"{place}/merged && umount {place}/merged")
        result = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
        return "" if result.returncode == 0 else (result.stderr.strip() or "overlay mounts fail")


def _snapshotter_of(state):
    choice = state / "snapshotter"
    if not choice.exists():
        choice.write_text("native" if overlay_problem(state) else "overlayfs")
    return choice.read_text()


def _snapshotter(box):
    return _snapshotter_of(box.state)


# ---- cgroups: each node has its own root, so that no other kubelet of the machine takes its pods for orphans ----

CONTROLLERS = ("cpu", "cpuset", "memory", "pids")


def cgroup_is_v2():
    return (CGROUPS / "cgroup.controllers").exists()


def cgroup_name(state, number):
    return f"autotune-{hashlib.sha256(str(state).encode()).hexdigest()[:8]}-{number}"


def cgroup_problem():
    """Why kubelets cannot have their cgroups here, or "" when they can."""
    if cgroup_is_v2():
        missing = set(CONTROLLERS) - set((CGROUPS / "cgroup.controllers").read_text().split())
    else:
        missing = {c for c in CONTROLLERS if not (CGROUPS / c / "tasks").exists()}
    if missing:
        return f"the cgroup controllers {', '.join(sorted(missing))} are not available"
    name = f"autotune-probe-{os.getpid()}"
    try:
        create_cgroup(name)
    except OSError as error:
        return f"a cgroup cannot be made: {error}"
    finally:
        remove_cgroups(name)
    return ""


def create_cgroup(name):
    if cgroup_is_v2():
        wanted = " ".join("+" + c for c in CONTROLLERS)
        if not set(CONTROLLERS) <= set((CGROUPS / "cgroup.subtree_control").read_text().split()):
            (CGROUPS / "cgroup.subtree_control").write_text(wanted)
        (CGROUPS / name).mkdir(exist_ok=True)
        (CGROUPS / name / "cgroup.subtree_control").write_text(wanted)
        return
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        if (group / "cpuset.cpus").exists():
            for file in ("cpuset.cpus", "cpuset.mems"):  # empty in a new group, which then can hold no process
                (group / file).write_text((hierarchy / file).read_text())


def kill_cgroup(name):
    """SIGKILL to every process of the group and of those below it."""
    group = (CGROUPS if cgroup_is_v2() else CGROUPS / "pids") / name
    for directory, _, _ in os.walk(group):
        with contextlib.suppress(OSError):
            for pid in (pathlib.Path(directory) / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)


def remove_cgroups(name):
    """Removes the group with all that is in it. Its processes must have ended."""
    deadline = time.monotonic() + 10
    for hierarchy in _hierarchies():
        while (hierarchy / name).exists():
            for directory, _, _ in os.walk(hierarchy / name, topdown=False):
                # The kernel lets go of a group a moment after its last process has ended.
                with contextlib.suppress(OSError):
                    os.rmdir(directory)
            if time.monotonic() > deadline:
                raise BoxError(f"the cgroup {hierarchy / name} cannot be removed")
            time.sleep(0.02)


def _hierarchies():
    if cgroup_is_v2():
        return [CGROUPS]
    # Links such as cpu -> cpu,cpuacct lead to a hierarchy that is listed under its own name too.
    return [d for d in CGROUPS.iterdir() if d.is_dir() and not d.is_symlink()
            and ((d / "tasks").exists() or (d / "cgroup.procs").exists())]
