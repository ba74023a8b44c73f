"""Faults while searches run: whatever dies, is taken away or comes back, every search ends with the answer of a search
that nobody disturbed. No finished measurement is repeated and no pod is left.

  AUTOTUNE_FAULT_KILLS=200     how often the operator is killed (default 10)
  AUTOTUNE_FAULT_RESTARTS=10   how often each part of the cluster is killed (default 3)
  AUTOTUNE_FAULT_TASKS=300     tasks of 40 experiments each that a restarted operator finds (default 20)
  AUTOTUNE_FAULT_SEED=1        of the moments
"""

import http.client
import json
import os
import random
import time

import pytest
from installed_operator import RELEASE, load_images
from real_cluster import ROOT, ApiError, ClusterError, Namespace, cluster_command, condition
from tasks import over, task

KILLS = int(os.environ.get("AUTOTUNE_FAULT_KILLS", "10"))
RESTARTS = int(os.environ.get("AUTOTUNE_FAULT_RESTARTS", "3"))
TASKS = int(os.environ.get("AUTOTUNE_FAULT_TASKS", "20"))
SEED = int(os.environ.get("AUTOTUNE_FAULT_SEED", "1"))
OURS = "app.kubernetes.io/managed-by=autotune-operator"
# Requests of four, eight at a time: each is twice as fast as the one before, whatever else the machine does.
SLOTS = [1, 2, 4]


def search(name, retries=0):
    return task(name, quantConfig={"presets": ["default"]}, parameters={"max-num-seqs": SLOTS}, parallelism=2,
                optimization={"strategy": "Grid", "retries": retries, "baseline": {"parameters": {"max-num-seqs": SLOTS[0]}}},
                benchmark={"scenarios": ["D(32,16)"], "load": {"concurrency": [8]}, "duration": "2s", "warmup": "1s"})


def answer(found):
    """What does not depend on how long each request took."""
    status = found["status"]
    best = status.get("best", {}).get("experiment")
    return {"state": status["state"],
            "experiments": {e["hash"]: e["state"] for e in status["experiments"]},
            "best": [e["args"] for e in status["experiments"] if e["name"] == best],
            "recommended": bool(status.get("recommendation", {}).get("configMap"))}


class Searches:
    """Searches in a namespace, a few at a time, for as long as something is to be disturbed."""

    def __init__(self, namespace, at_a_time=2, retries=0):
        self.namespace = namespace
        self.names = []
        self._at_a_time = at_a_time
        self._retries = retries
        self._mark = namespace.cluster.audit.position()

    def go_on(self):
        running = [t for t in self._tasks() if not over(t)]
        for _ in range(self._at_a_time - len(running)):
            self.names.append(f"search-{len(self.names) + 1}")
            self.namespace.apply(search(self.names[-1], self._retries))

    def _tasks(self):
        """Also from an API server that has just started, or has just learnt of the kind."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.namespace.list("autotunetasks")
            except ApiError as error:
                if error.code != 429 or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def wait_until_measuring(self):
        self.namespace.cluster.api.wait(
            self.namespace.path("autotunetasks"),
            lambda found: any(e["state"] == "Measuring" for t in found["items"]
                              for e in t.get("status", {}).get("experiments", [])), "an experiment is measuring", 120)

    def finish(self, timeout=300):
        return [self.namespace.wait("autotunetasks", name, lambda t: t and over(t), f"{name} is over", timeout)
                for name in self.names]

    def pods_created(self):
        return [r.name for r in self.namespace.cluster.audit.requests(self._mark, verb="create", resource="pods",
                                                                      namespace=self.namespace.name) if r.code == 201]

    def check(self, undisturbed):
        """Every search has the answer of the undisturbed one. An experiment had one pod, or one for each of its attempts where
        attempts may fail."""
        attempts = 0
        for found in self.finish():
            experiments = found["status"]["experiments"]
            assert answer(found) == undisturbed, json.dumps(experiments, indent=1)
            assert self._retries or all(e["attempts"] == 1 for e in experiments), json.dumps(experiments, indent=1)
            assert self.namespace.find("configmaps", found["status"]["recommendation"]["configMap"])
            attempts += sum(e["attempts"] for e in experiments)
        created = self.pods_created()
        assert len(created) == len(set(created)), "a pod was created twice"
        # An API server that is killed may have created a pod and not yet written so.
        assert len(created) <= attempts, created
        no_pods(self.namespace)
        print(f"\n{len(self.names)} searches, {len(self.names) * len(SLOTS)} experiments, {attempts} attempts")


def no_pods(namespace):
    namespace.cluster.api.wait(f"{namespace.path('pods')}?labelSelector={OURS}", lambda pods: not pods["items"],
                               f"no pods in {namespace.name}", 120)


@pytest.fixture(scope="session")
def undisturbed(cluster, operator):
    """The answer of a search that nothing happens to."""
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": "undisturbed"}})
    cluster.api.wait("/api/v1/namespaces/undisturbed/serviceaccounts/default", bool, "ServiceAccount")
    space = Namespace(cluster, "undisturbed")
    space.apply(search("search"))
    found = space.wait("autotunetasks", "search", lambda t: t and over(t), "undisturbed search is over", 180)
    cluster.api.delete("/api/v1/namespaces/undisturbed")
    assert found["status"]["state"] == "Complete", found["status"]
    assert [e["state"] for e in found["status"]["experiments"]] == ["Succeeded"] * len(SLOTS)
    assert "4" in answer(found)["best"][0], found["status"]["best"]
    return answer(found)


def test_the_operator_is_killed_at_random_moments(namespace, operator, undisturbed):
    moments = random.Random(SEED)
    searches = Searches(namespace)
    before = operator.restarts()
    killed = 0
    while killed < KILLS:
        searches.go_on()
        time.sleep(moments.uniform(0, 5))
        try:
            operator.kill()
        except ClusterError:
            continue  # between two of its lives
        killed += 1
    searches.check(undisturbed)
    assert operator.restarts() - before == killed
    print(f"{killed} kills of the operator")


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd", "kubelet-1", "containerd-1"])
def test_a_part_of_the_cluster_is_killed_at_random_moments(namespace, undisturbed, program):
    moments = random.Random(f"{SEED} {program}")
    # A container that was being created when its runtime was killed is lost, and its experiment runs again.
    searches = Searches(namespace, retries=3 if program == "containerd-1" else 0)
    for _ in range(RESTARTS):
        searches.go_on()
        time.sleep(moments.uniform(0, 8))
        cluster_command(namespace.cluster.state, "restart", program)
    searches.check(undisturbed)
    print(f"{RESTARTS} kills of {program}")


def test_the_operators_rights_are_away_for_20_seconds(namespace, operator, undisturbed):
    searches = Searches(namespace)
    searches.go_on()
    searches.wait_until_measuring()
    cluster = namespace.cluster
    chosen = ("clusterrolebindings,rolebindings", "-l", f"app.kubernetes.io/instance={RELEASE}", "-A")
    bindings = json.loads(cluster.kubectl("get", *chosen, "-o", "json"))
    assert len(bindings["items"]) >= 3, bindings
    for binding in bindings["items"]:
        binding["metadata"] = {k: v for k, v in binding["metadata"].items() if k in ("name", "namespace", "labels", "annotations")}
        where = ["-n", binding["metadata"]["namespace"]] if "namespace" in binding["metadata"] else []
        cluster.kubectl("delete", binding["kind"], binding["metadata"]["name"], *where)
    try:
        time.sleep(20)
    finally:
        cluster.kubectl("create", "-f", "-", input=json.dumps(bindings))
    searches.check(undisturbed)


def set_alarm(cluster, action):
    """etcd's alarm NOSPACE: "ACTIVATE" makes it refuse every write as it does when its quota is used up."""
    connection = http.client.HTTPConnection("etcd")
    connection.sock = cluster.api.box.connect("127.0.0.1", 2379)
    connection.request("POST", "/v3/maintenance/alarm", json.dumps({"action": action, "memberID": 0, "alarm": "NOSPACE"}))
    response = connection.getresponse()
    assert response.status == 200, response.read()


def test_etcd_is_full_for_20_seconds(namespace, operator, undisturbed):
    searches = Searches(namespace)
    searches.go_on()
    searches.wait_until_measuring()
    before = operator.restarts()
    pod = operator.pod()["metadata"]["name"]
    set_alarm(namespace.cluster, "ACTIVATE")
    try:
        time.sleep(20)
    finally:
        set_alarm(namespace.cluster, "DEACTIVATE")
    # Whoever leads cannot renew its lease either, and ends.
    log = operator.namespace.logs(pod, "operator")
    if operator.restarts() > before:
        log += operator.namespace.kubectl("logs", pod, "-c", "operator", "--previous")
    assert "database space exceeded" in log, log[-2000:]
    searches.check(undisturbed)


def test_a_namespace_is_deleted_with_its_searches(namespace, operator, undisturbed):
    cluster = namespace.cluster
    name = f"{namespace.name[:40]}-gone"
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    cluster.api.wait(f"/api/v1/namespaces/{name}/serviceaccounts/default", bool, "ServiceAccount")
    gone = Searches(Namespace(cluster, name))
    here = Searches(namespace)
    gone.go_on()
    here.go_on()
    gone.wait_until_measuring()
    cluster.api.delete(f"/api/v1/namespaces/{name}")
    cluster.api.wait(f"/api/v1/namespaces/{name}", lambda found: found is None, "namespace gone", 180)
    here.check(undisturbed)
    created = gone.pods_created()
    assert len(created) == len(set(created))


def test_the_kind_is_deleted_and_comes_back(namespace, operator, undisturbed):
    cluster = namespace.cluster
    before = Searches(namespace)
    before.go_on()
    before.wait_until_measuring()
    cluster.kubectl("delete", "crd", "autotunetasks.autotuner.io", "--timeout=60s")
    time.sleep(5)
    cluster.kubectl("create", "-f", ROOT / "crds/autotunetask.yaml")
    cluster.kubectl("wait", "--for=condition=Established", "crd/autotunetasks.autotuner.io", "--timeout=60s")
    no_pods(namespace)
    after = Searches(namespace)
    after.go_on()
    after.check(undisturbed)


def test_a_policy_is_in_the_way_for_20_seconds(namespace, undisturbed):
    cluster = namespace.cluster
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "no-pods"},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [
            {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "false", "message": "no pods today"}]}}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "no-pods"},
        "spec": {"policyName": "no-pods", "validationActions": ["Deny"], "matchResources": {"namespaceSelector": {
            "matchLabels": {"kubernetes.io/metadata.name": namespace.name}}}}}
    namespace.apply(policy, binding)
    try:
        searches = Searches(namespace)
        time.sleep(2)  # until the API server has read the policy
        searches.go_on()
        refused = namespace.wait("autotunetasks", searches.names[0], lambda t: t and condition(t, "Ready") and
                                 condition(t, "Ready")["reason"] == "PodRefused", "refused", 60)
        assert "no pods today" in condition(refused, "Ready")["message"]
        time.sleep(20)
    finally:
        cluster.kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", "no-pods")
    searches.check(undisturbed)


def with_results(status, measured):
    """The status as if each of its experiments had come to the result of `measured`."""
    own = ("name", "hash", "args", "apartFromCache", "quant")
    result = {key: value for key, value in measured.items() if key not in own}
    experiments = [{**result, **{key: e[key] for key in own if key in e}} for e in status["experiments"]]
    return {**status, "experiments": experiments}


def test_a_restarted_operator_reads_many_tasks_and_writes_nothing(namespace, operator):
    """Suspended ones with all results: they are whole in the cache, and nothing is left to do."""
    cluster = namespace.cluster
    namespace.apply(search("measured"))
    found = namespace.wait("autotunetasks", "measured", lambda t: t and over(t), "a search is over", 180)
    measured = {key: value for key, value in found["status"]["experiments"][1].items() if key != "baseline"}
    many = task("pattern", quantConfig={"presets": ["default"]}, parameters={"max-num-seqs": list(range(1, 41))}, suspend=True)

    def settled(found):
        return found and found.get("status", {}).get("state") == "Suspended" and len(found["status"].get("experiments", [])) == 40
    many["spec"]["suspend"] = False
    namespace.apply(many)  # a task is expanded before it is suspended
    namespace.wait("autotunetasks", "pattern", lambda t: t and len(t.get("status", {}).get("experiments", [])) == 40, "expanded", 60)
    many["spec"]["suspend"] = True
    namespace.apply(many)
    found = namespace.wait("autotunetasks", "pattern", settled, "suspended", 60)
    cluster.api.patch(namespace.path("autotunetasks", "pattern") + "/status",
                      {"status": with_results(found["status"], measured)})
    found = namespace.wait("autotunetasks", "pattern", lambda t: t["status"].get("progress") == "40/40" and t["status"].get("best"),
                           "judged", 60)
    for number in range(TASKS - 1):
        path = namespace.path("autotunetasks")
        cluster.api.create(path, {**many, "metadata": {"name": f"many-{number}"}})
        cluster.api.patch(f"{path}/many-{number}/status", {"status": {**found["status"], "observedGeneration": 1,
                          "expandedFor": {**found["status"]["expandedFor"], "generation": 1}}})
    cluster.api.wait(namespace.path("autotunetasks"), lambda tasks: all(
        t["status"].get("progress") == "40/40" for t in tasks["items"] if t["metadata"]["name"] != "measured"), "all settled", 120)
    time.sleep(5)
    restarts = operator.restarts()
    mark = cluster.audit.position()
    begin = time.monotonic()
    operator.kill()
    operator.wait_restarted(restarts)
    ready = time.monotonic() - begin
    namespace.apply(search("afterwards"))
    namespace.wait("autotunetasks", "afterwards", lambda t: t and over(t), "a search after the restart is over", 180)
    written = {r.name for r in cluster.audit.requests(mark, verb="patch", namespace=namespace.name, resource="autotunetasks/status",
                                                      user=operator.user())}
    assert written == {"afterwards"}, written
    assert operator.restarts() == restarts + 1
    size = len(json.dumps(found)) // 1024
    print(f"\n{TASKS} tasks of 40 experiments, {size} KiB each: ready {ready:.1f} s after the kill")


def test_a_node_is_lost_with_what_runs_on_it(namespace, undisturbed):
    """Its pods stay Terminating for ever: nobody is there to end them. Their experiments run again elsewhere."""
    cluster = namespace.cluster
    cluster_command(cluster.state, "add-gpu-node", "gpu-lost")
    load_images(cluster)
    searches = Searches(namespace, at_a_time=3, retries=2)
    searches.go_on()

    def runs_there(pods):
        return any(p["spec"].get("nodeName") == "gpu-lost" and p["status"]["phase"] == "Running" for p in pods["items"])
    cluster.api.wait(f"{namespace.path('pods')}?labelSelector={OURS}", runs_there, "a pod runs on gpu-lost", 120)
    cluster_command(cluster.state, "stop-node", "gpu-lost", "--with-runtime")
    for found in searches.finish(600):
        assert answer(found) == undisturbed, found["status"]
    cluster.api.delete("/api/v1/nodes/gpu-lost")
    no_pods(namespace)
