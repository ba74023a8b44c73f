"""The real cluster does what the end-to-end tests of the operator count on. Fails when the harness is broken, so that
the operator is not blamed for it."""

import json
import os
import pathlib
import subprocess

import pytest
from real_cluster import BUSYBOX, PROGRAM, ApiError, cluster_command, container_status, restarts, termination

RESTRICTED = {
    "runAsNonRoot": True, "runAsUser": 65532, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def container(name, script, **fields):
    return {"name": name, "image": BUSYBOX, "command": ["sh", "-c", script], "securityContext": RESTRICTED, **fields}


def pod(name, *containers, sidecars=(), **fields):
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 5, "containers": list(containers),
                 "initContainers": list(sidecars), **fields},
    }


def test_the_main_container_starts_when_the_sidecar_is_ready_and_its_termination_message_arrives(namespace):
    serve = ("trap 'exit 0' TERM; mkdir /tmp/www; httpd -p 8000 -h /tmp/www; sleep 1; echo hello > /tmp/www/health;"
             "while :; do sleep 0.1; done")
    sidecar = container("engine", serve, restartPolicy="Always",
                        startupProbe={"exec": {"command": ["test", "-e", "/tmp/www/health"]}, "periodSeconds": 1})
    main = container("bench", "wget -q -O /dev/termination-log http://127.0.0.1:8000/health")
    namespace.apply(pod("experiment", main, sidecars=[sidecar]))

    ended = namespace.wait_for_end("experiment")

    assert ended["status"]["phase"] == "Succeeded"
    assert termination(ended, "bench")["message"] == "hello\n"
    assert termination(ended, "engine")["exitCode"] == 0
    assert restarts(ended) == 0


def test_a_pod_gets_the_gpus_it_asks_for_and_the_next_one_waits_until_they_are_free(namespace):
    limits = {"limits": {"nvidia.com/gpu": "8"}}
    namespace.apply(pod("first", container("main", "trap 'exit 0' TERM; while :; do sleep 0.1; done", resources=limits)))
    namespace.wait("pods", "first", lambda p: p["status"]["phase"] == "Running", "pod with eight GPUs running")
    namespace.apply(pod("second", container("main", "true", resources=limits)))
    waiting = namespace.wait_for_condition("pods", "second", "PodScheduled", "False")
    assert waiting["status"]["phase"] == "Pending"

    namespace.delete("pods", "first")

    assert namespace.wait_for_end("second")["status"]["phase"] == "Succeeded"


def test_a_pod_that_asks_for_more_gpus_than_the_node_has_is_unschedulable(namespace):
    namespace.apply(pod("greedy", container("main", "true", resources={"limits": {"nvidia.com/gpu": "9"}})))

    found = namespace.wait_for_condition("pods", "greedy", "PodScheduled", "False")

    scheduled = next(c for c in found["status"]["conditions"] if c["type"] == "PodScheduled")
    assert scheduled["reason"] == "Unschedulable"
    assert "Insufficient nvidia.com/gpu" in scheduled["message"]


def test_gpu_labels_of_the_node_select_it(namespace):
    for product, name in (("NVIDIA-H100-80GB-HBM3", "matching"), ("Tesla-T4", "other")):
        namespace.apply(pod(name, container("main", "true"), nodeSelector={"nvidia.com/gpu.product": product}))

    assert namespace.wait_for_end("matching")["status"]["phase"] == "Succeeded"
    assert namespace.wait_for_condition("pods", "other", "PodScheduled", "False")["status"]["phase"] == "Pending"


def test_logs_can_be_read(namespace):
    namespace.apply(pod("talker", container("main", "echo one; echo two >&2")))
    namespace.wait_for_end("talker")

    assert sorted(namespace.logs("talker", "main").splitlines()) == ["one", "two"]


def test_a_container_over_its_memory_limit_is_oom_killed(namespace):
    fill = "x=$(head -c 200000000 /dev/zero | tr '\\0' a); echo $x"
    namespace.apply(pod("hungry", container("main", fill, resources={"limits": {"memory": "32Mi"}})))

    ended = namespace.wait_for_end("hungry")

    assert ended["status"]["phase"] == "Failed"
    assert (termination(ended, "main")["reason"], termination(ended, "main")["exitCode"]) == ("OOMKilled", 137)


def test_a_volume_over_its_size_limit_gets_the_pod_evicted(namespace):
    volume = {"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}
    fill = "head -c 8000000 /dev/zero > /scratch/file; sleep 100"
    mount = [{"name": "scratch", "mountPath": "/scratch"}]
    namespace.apply(pod("bloated", container("main", fill, volumeMounts=mount), volumes=[volume],
                        securityContext={"fsGroup": 65532}))

    ended = namespace.wait_for_end("bloated", timeout=90)

    assert (ended["status"]["phase"], ended["status"]["reason"]) == ("Failed", "Evicted")


def test_an_image_that_nobody_has_cannot_be_pulled(namespace):
    absent = {"name": "main", "image": "registry.example/none:1"}
    namespace.apply(pod("absent", absent))

    def refused(found):
        waiting = (container_status(found, "main") or {}).get("state", {}).get("waiting", {})
        return waiting.get("reason") in ("ErrImagePull", "ImagePullBackOff")

    namespace.wait("pods", "absent", refused, "image pull refused")


def test_a_killed_container_is_restarted_and_not_taken_for_out_of_memory(namespace):
    namespace.apply(pod("victim", container("main", "while :; do sleep 0.1; done"), restartPolicy="Always"))
    namespace.wait("pods", "victim", lambda p: p["status"]["phase"] == "Running", "victim running")

    namespace.cluster.kill_container(namespace.name, "victim", "main")

    found = namespace.wait("pods", "victim", lambda p: restarts(p) == 1, "victim restarted")
    assert (termination(found, "main")["reason"], termination(found, "main")["exitCode"]) == ("Error", 137)


def test_pods_reach_the_api_server_at_the_service_address(namespace):
    connect = "nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT < /dev/null"
    namespace.apply(pod("client", container("main", connect)))

    assert namespace.wait_for_end("client")["status"]["phase"] == "Succeeded"


def test_the_audit_log_counts_the_requests_of_a_service_account(namespace):
    cluster = namespace.cluster
    user = f"system:serviceaccount:{namespace.name}:default"
    token = namespace.kubectl("create", "token", "default").strip()
    mark = cluster.audit.position()

    with pytest.raises(AssertionError, match="Forbidden"):
        namespace.kubectl("--kubeconfig=/dev/null", "--server=https://10.250.0.1:443", "--insecure-skip-tls-verify",
                          f"--token={token}", "get", "pods", "one")

    assert cluster.audit.count(mark, user=user, namespace=namespace.name) == {("get", "pods"): 1}
    assert cluster.audit.requests(mark, user=user, resource="pods")[0].code == 403


def test_an_owner_reference_that_blocks_deletion_needs_the_permission_for_it(namespace):
    owner = namespace.cluster.api.create(namespace.path("configmaps"), {"metadata": {"name": "owner"}})
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "creator"},
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "get"]}]}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "creator"},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "creator"},
               "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace.name}]}
    namespace.apply(role, binding)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
                 "blockOwnerDeletion": True}
    owned = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "owned", "ownerReferences": [reference]}}

    with pytest.raises(AssertionError, match="cannot set blockOwnerDeletion"):
        namespace.kubectl(f"--as=system:serviceaccount:{namespace.name}:default", "create", "-f", "-",
                          input=json.dumps(owned))


def test_an_owned_object_goes_with_its_owner(namespace):
    owner = namespace.cluster.api.create(namespace.path("configmaps"), {"metadata": {"name": "owner"}})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    namespace.cluster.api.create(namespace.path("configmaps"),
                                 {"metadata": {"name": "owned", "ownerReferences": [reference]}})

    namespace.delete("configmaps", "owner")

    namespace.wait_for_absence("configmaps", "owned")


def test_helm_installs_a_chart_and_waits_for_its_pod(namespace, tmp_path):
    deployment = {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "{{ .Release.Name }}"},
        "spec": {"selector": {"matchLabels": {"app": "sleeper"}}, "template": {
            "metadata": {"labels": {"app": "sleeper"}},
            "spec": {"containers": [container("main", "trap 'exit 0' TERM; while :; do sleep 0.1; done")]}}},
    }
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/deployment.yaml").write_text(json.dumps(deployment))
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: sleeper\nversion: 1.0.0\nkubeVersion: '>=1.29.0'\n")

    namespace.cluster.helm("install", "sleeper", tmp_path, "-n", namespace.name, "--wait", "--timeout", "60s")

    assert namespace.get("deployments", "sleeper")["status"]["readyReplicas"] == 1
    assert namespace.cluster.kstatus(namespace.get("deployments", "sleeper")) == ["Current"]


def test_a_refusal_of_the_api_server_names_the_field(namespace):
    with pytest.raises(ApiError, match=r"spec\.containers\[0\]\.image") as refused:
        namespace.cluster.api.create(namespace.path("pods"), pod("imageless", {"name": "main"}))
    assert refused.value.code == 422


def test_a_cluster_that_died_is_replaced_and_nothing_of_it_stays(machine, tmp_path):
    state = tmp_path / "cluster"
    cluster_command(state, "up", "--no-kubelet")
    assert cluster_command(state, "kubectl", "get", "--raw", "/readyz") == "ok"
    for process in _processes_of(state):
        subprocess.run(["kill", "-KILL", process], check=False)

    cluster_command(state, "up", "--no-kubelet")
    assert cluster_command(state, "kubectl", "get", "--raw", "/readyz") == "ok"
    cluster_command(state, "down")

    assert not state.exists()
    assert _processes_of(state) == []
    assert str(state) not in pathlib.Path("/proc/self/mountinfo").read_text()
    assert subprocess.run([PROGRAM, "--state", str(state), "status"], capture_output=True).returncode == 1


def _processes_of(state):
    mark = os.fsencode(str(state))
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                if mark in (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                pass  # ended meanwhile
    return found
