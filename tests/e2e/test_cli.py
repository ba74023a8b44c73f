"""Every verb of the command line against the real cluster, as people with the rights that docs/cli.md names and no other."""

import json
import os
import pty
import re
import subprocess

import pytest
from real_cluster import ROOT, condition, container_of
from tasks import over, task

pytestmark = pytest.mark.usefixtures("operator")

TASKS = ("autotuner.io", "autotunetasks")
# docs/cli.md has this table for people.
RIGHTS = {
    "list": [(*TASKS, ["list"])],
    "read": [(*TASKS, ["get"])],
    "watch": [(*TASKS, ["get", "watch"])],
    "logs": [(*TASKS, ["get"]), ("", "pods", ["list"]), ("", "pods/log", ["get"])],
    "suspend": [(*TASKS, ["patch"])],
    "cancel": [(*TASKS, ["get", "delete"])],
    "apply": [(*TASKS, ["get"]), ("apps", "deployments", ["get", "create", "update"]),
              ("", "services", ["get", "create", "update"])],
    "diff": [(*TASKS, ["get"]), ("apps", "deployments", ["get"])],
    "sets": [("leaderworkerset.x-k8s.io", "leaderworkersets", ["get", "create", "update"])],
    "nothing": [],
}


class User:
    """Somebody with a kubeconfig of their own, who runs autotune."""

    def __init__(self, cluster, program, kubeconfig):
        self.cluster, self.program, self.kubeconfig = cluster, program, kubeconfig

    def command(self, *arguments):
        return self.cluster.api.box.command([self.program, *arguments], network_only=True)

    def environment(self):
        return {"PATH": os.environ["PATH"], "KUBECONFIG": str(self.kubeconfig), "TERM": "xterm"}

    def run(self, *arguments, cwd=None):
        return subprocess.run(self.command(*arguments), env=self.environment(), stdin=subprocess.DEVNULL, cwd=cwd,
                              capture_output=True, text=True, timeout=300)

    def must(self, *arguments, **options):
        done = self.run(*arguments, **options)
        assert done.returncode == 0, f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, code, *arguments):
        """The one line that it says."""
        done = self.run(*arguments)
        lines = done.stderr.splitlines()
        assert done.returncode == code and len(lines) == 1 and done.stdout == "", \
            f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        return lines[0]


@pytest.fixture
def user(namespace, autotune, tmp_path):
    """user(RIGHT...): somebody who has these rights in the test's namespace."""
    def make(*rights, space=namespace):
        name = "-".join(rights)
        rules = [{"apiGroups": [group], "resources": [resource], "verbs": verbs}
                 for right in rights for group, resource, verbs in RIGHTS[right]]
        space.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
                    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules},
                    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name},
                     "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
                     "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": space.name}]})
        config = json.loads((space.cluster.state / "pki/admin.conf").read_text())
        config["users"] = [{"name": "admin", "user": {"token": space.kubectl("create", "token", name).strip()}}]
        config["contexts"][0]["context"]["namespace"] = space.name
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(config))
        return User(space.cluster, autotune, path)
    return make


def finished(namespace, **spec):
    namespace.apply(task("answer", **spec))
    return namespace.wait("autotunetasks", "answer", lambda t: t and over(t), "the task is over", 180)


def test_who_may_read_tasks_sees_progress_and_answer(namespace, user, tmp_path):
    reader, watcher = user("read"), user("watch")
    namespace.apply(task("answer"))
    watched = watcher.run("status", "answer", "--watch")
    assert watched.returncode == 0, watched.stderr
    # No terminal: lines, each with its time, and none that is drawn over another.
    lines = watched.stderr.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines), watched.stderr
    assert any("1 of 2 experiments" in line and "left" in line for line in lines), watched.stderr
    assert "best so far: " in watched.stderr and "\x1b" not in watched.stderr
    assert "Best: e" in watched.stdout and "SIMULATED" in watched.stdout.upper()

    assert user("list").must("list").splitlines()[1].split()[:3] == [namespace.name, "answer", "Complete"]
    assert user("list").must("list", "-o", "name") == "answer\n"
    assert "Serve it with:" in reader.must("status", "answer")
    assert reader.must("results", "answer").startswith("EXPERIMENT")
    answer = json.loads(reader.must("report", "answer", "-o", "json"))["answer"]
    assert answer["command"][:3] == ["vllm", "serve", "meta-llama/Llama-3.1-8B-Instruct"], answer
    reader.must("report", "answer", cwd=tmp_path)
    assert (tmp_path / "autotune-answer.html").read_text().startswith("<!DOCTYPE html>")
    assert "vllm serve" in reader.must("apply", "answer", "--target", "Command", "--print")
    assert "The best of each task" in reader.must("compare", "answer", "answer")
    reader.must("compare", "answer", "answer", "-o", "html", cwd=tmp_path)
    assert (tmp_path / "autotune-compare.html").read_text().startswith("<!DOCTYPE html>")
    # A name that completion offers is one that list prints.
    assert "kind: LeaderWorkerSet" in reader.must("apply", "answer", "--target", "LeaderWorkerSet", "--print")


def test_a_terminal_shows_a_bar_with_the_time_that_is_left(namespace, user):
    watcher = user("watch")
    namespace.apply(task("answer"))
    controller, terminal = pty.openpty()
    program = subprocess.Popen(watcher.command("status", "answer", "--watch"), env=watcher.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(controller)
    assert program.wait() == 0, shown.decode()
    assert re.search(rb"\[#+\.+\] 1 of 2 experiments, \S+, about \S+ left, \S+ GPU-hours", shown), shown.decode()
    assert b"best so far: e" in shown


def test_logs_are_those_of_the_experiments_pod(namespace, user):
    found = finished(namespace, keepPods="Always")
    name = found["status"]["experiments"][0]["name"]
    reader = user("logs")
    assert reader.must("logs", "answer", name.split("-")[0]).strip()
    assert reader.must("logs", "answer", name, "-c", "bench").strip()
    refusal = reader.refused(4, "logs", "answer", "e9")
    assert "has no experiment \"e9\"" in refusal and name in refusal
    assert "pods" in user("read").refused(3, "logs", "answer", name)
    namespace.cluster.api.delete(namespace.path("pods"), {"gracePeriodSeconds": 0})
    namespace.cluster.api.wait(namespace.path("pods"), lambda pods: not pods["items"], "no pods", 60)
    assert "has no pod, or it was deleted; spec.keepPods: Always keeps all pods" in reader.refused(4, "logs", "answer", name)


def test_apply_deploys_what_was_measured_and_nothing_by_halves(namespace, user):
    # An argument of its own whichever wins.
    found = finished(namespace, keepPods="Always", parameters={"max-num-seqs": [64]},
                     optimization={"strategy": "Grid", "retries": 0, "baseline": {"parameters": {"max-num-seqs": 64}}})
    deployer = user("apply")
    best = next(e for e in found["status"]["experiments"] if e["name"] == found["status"]["best"]["experiment"])

    # A Service of somebody else is in the way: the Deployment is not created either.
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "answer-best"},
              "spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}}
    namespace.apply(theirs)
    refusal = deployer.refused(1, "apply", "answer")
    assert "exists and does not belong to AutotuneTask answer: nothing was written" in refusal
    assert namespace.find("deployments", "answer-best") is None
    assert namespace.get("services", "answer-best")["spec"]["selector"] == {"a": "b"}
    namespace.delete("services", "answer-best")

    assert deployer.must("apply", "answer") == "Deployment answer-best created\nService answer-best created\n"
    container = container_of(namespace.get("deployments", "answer-best")["spec"]["template"], "engine")
    assert container["command"][-len(best["args"]):] == best["args"]
    address = namespace.get("services", "answer-best")["spec"]["clusterIP"]
    assert deployer.must("apply", "answer") == "Deployment answer-best configured\nService answer-best configured\n"
    assert namespace.get("services", "answer-best")["spec"]["clusterIP"] == address

    namespace.delete("deployments", "answer-best")
    assert "deployments" in user("read").refused(3, "apply", "answer")
    assert namespace.find("deployments", "answer-best") is None
    assert "leaderworkersets" in deployer.refused(3, "apply", "answer", "--target", "LeaderWorkerSet")
    # With the rights, but in a cluster that does not know the kind.
    assert "LeaderWorkerSet" in user("apply", "sets").refused(4, "apply", "answer", "--target", "LeaderWorkerSet")
    assert deployer.refused(2, "apply", "answer", "--target", "Helm").startswith("autotune: --target: \"Helm\" is not one of")


def running(name, *command):
    """A Deployment that serves the model with a setting of its own. It starts nothing."""
    container = {"name": "server", "image": "vllm/vllm-openai:v0.22.0", "command": command,
                 "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "64Gi"}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
                     "template": {"metadata": {"labels": {"app": name}},
                                  "spec": {"nodeSelector": {"pool": "old"}, "containers": [container]}}}}


def test_diff_shows_what_would_change_of_a_running_deployment(namespace, user, operator, tmp_path):
    model = "meta-llama/Llama-3.1-8B-Instruct"
    namespace.apply(running("chat", "vllm", "serve", model, "--port=8000", "--host", "0.0.0.0", "--max_num_seqs", "7"))
    finished(namespace, parameters={"max-num-seqs": [64]}, recommendation={"diffAgainst": {"deployment": "chat"}},
             optimization={"strategy": "Grid", "retries": 0, "baseline": {"parameters": {"max-num-seqs": 64}}})
    # Without the right the operator says so in one line, and is done all the same.
    found = namespace.wait("autotunetasks", "answer", lambda t: t["status"].get("recommendation", {}).get("configMap"), "the answer", 30)
    difference = namespace.get("autotunetasks", "answer")["status"]["recommendation"]["difference"]
    assert difference["message"].startswith('the operator has no permission to read Deployment "chat": set the chart value rbac.readDeployments'), found
    assert "lines" not in difference

    # Whoever may read it sees it, and has it in the report.
    reader = user("diff")
    shown = reader.must("diff", "answer")
    assert shown.startswith("--- Deployment chat, container server\n+++ e"), shown
    for line in ("-  vllm/vllm-openai:v0.22.0\n", "-  --max_num_seqs 7\n+  --max-num-seqs 64\n", "-  memory: 64Gi\n",
                 "-  nodeSelector pool: old\n"):
        assert line in shown, shown
    assert "--port" not in shown and "  nvidia.com/gpu: 1" not in shown, shown
    assert json.loads(reader.must("diff", "answer", "-o", "json"))["container"] == "server"
    reader.must("report", "answer", cwd=tmp_path)
    assert "Against Deployment chat" in (tmp_path / "autotune-answer.html").read_text()
    assert "--max_num_seqs 7" in (tmp_path / "autotune-answer.html").read_text()
    assert "-  --max_num_seqs 7" in reader.must("report", "answer", "-o", "markdown")
    blind = user("read")
    assert "deployments" in blind.refused(3, "diff", "answer")
    assert "the operator has no permission to read" in blind.must("report", "answer", "-o", "markdown")
    assert reader.refused(4, "diff", "answer", "--deployment", "none") == \
        f"autotune: there is no Deployment \"none\" in namespace {namespace.name}"
    assert "no container \"x\"; it has server" in reader.refused(2, "diff", "answer", "--container", "x")

    # With the right it is in the status, read once.
    operator.install("--set", "rbac.readDeployments=true")
    try:
        namespace.apply(running("other", "sh", "-c", f"exec vllm serve {model} --max-num-seqs 9"))
        edit = {"spec": {"recommendation": {"diffAgainst": {"deployment": "other"}}}}
        namespace.kubectl("patch", "autotunetask", "answer", "--type=merge", "-p", json.dumps(edit))
        found = namespace.wait("autotunetasks", "answer",
                               lambda t: over(t) and t["status"].get("recommendation", {}).get("difference", {}).get("lines"),
                               "a difference", 60)
    finally:
        operator.install()
    lines = found["status"]["recommendation"]["difference"]["lines"]
    assert {"part": "Arguments", "field": "max-num-seqs", "running": "--max-num-seqs 9", "recommended": "--max-num-seqs 64"} in lines, lines
    assert found["status"]["progress"] == "2/2"


def test_what_is_deployed_is_the_baseline_and_the_report_says_what_the_best_changes(namespace, user, operator):
    model = "meta-llama/Llama-3.1-8B-Instruct"
    # Of four requests two wait: 64 is better.
    deployment = running("chat", "vllm", "serve", model, "--port=8000", "--api-key", "sk-1", "--max_num_seqs", "2")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "VLLM_LOGGING_LEVEL", "value": "WARNING"}, {"name": "HF_TOKEN", "value": "hf_1"}]
    container["image"] = "vllm/vllm-openai:v0.23.0"
    container["resources"]["limits"]["memory"] = "2Gi"
    namespace.apply(deployment)
    namespace.apply(task("answer", parameters={"max-num-seqs": [64]},
                         optimization={"strategy": "Grid", "retries": 0, "baseline": {"deploymentRef": {"name": "chat"}}}))
    found = namespace.wait("autotunetasks", "answer", lambda t: condition(t, "Stalled"), "stalled", 60)
    assert condition(found, "Stalled")["reason"] == "BaselineNotRead", found["status"]
    assert "set the chart value rbac.readDeployments" in condition(found, "Stalled")["message"]
    assert "experiments" not in found["status"]
    # What it will be is seen by whoever may read it.
    operator.install("--set", "rbac.readDeployments=true")
    try:
        found = namespace.wait("autotunetasks", "answer", lambda t: t and over(t), "the task is over", 400)
    finally:
        operator.install()
    status = found["status"]
    assert status["state"] == "Complete", status
    assert status["deployed"]["command"] == ["vllm", "serve", model, "--port=8000", "--api-key", "***", "--max_num_seqs", "2"]
    assert status["deployed"]["env"] == {"VLLM_LOGGING_LEVEL": "WARNING"} and status["deployed"]["leftOut"] == ["HF_TOKEN", "nodeSelector"]
    assert status["deployed"]["resources"] == {"limits": {"memory": "2Gi", "nvidia.com/gpu": "1"}}, status["deployed"]
    deployed = [e for e in status["experiments"] if e.get("deployed")]
    assert [e["args"] for e in deployed] == [["--max-num-seqs", "2"]] and deployed[0]["state"] == "Succeeded", deployed
    # Its image and its memory are those of the Deployment; the task's runtime has its own.
    assert deployed[0]["runtime"] == "vllm-deployed", deployed
    images = {r["name"]: r["image"] for r in status["expandedFor"]["runtimes"]}
    assert images == {"vllm": "vllm/vllm-openai:v0.24.0", "vllm-deployed": "vllm/vllm-openai:v0.23.0"}, images
    assert "hf_1" not in json.dumps(status) and "sk-1" not in json.dumps(status)
    report = user("read").must("report", "answer", "-o", "markdown")
    changes = report[report.index("## Against what is deployed"):]
    assert "max-num-seqs" in changes and "memory limit" in changes, report
    assert changes.index("vllm/vllm-openai:v0.23.0") < changes.index("max-num-seqs"), report


def test_the_operators_pages_are_the_list_and_the_same_report(namespace, user, operator, tmp_path):
    finished(namespace)
    # The last that is written.
    namespace.wait("autotunetasks", "answer", lambda t: t["status"].get("recommendation"), "a recommendation", 30)
    base = f"/api/v1/namespaces/{operator.namespace.name}/services/autotune-operator-ui:http/proxy"
    listed = namespace.cluster.kubectl("get", "--raw", f"{base}/")
    assert f"<a href=\"{namespace.name}/answer\">answer</a>" in listed
    shown = namespace.cluster.kubectl("get", "--raw", f"{base}/{namespace.name}/answer")
    user("read").must("report", "answer", "--to", str(tmp_path / "report.html"))
    written = (tmp_path / "report.html").read_text()
    # The API server's proxy writes attribute names in small letters.
    assert shown.strip().lower() == written.strip().lower()
    with pytest.raises(AssertionError):
        namespace.cluster.kubectl("create", "--raw", f"{base}/{namespace.name}/answer", "-f", "/dev/null")


def test_suspend_resume_and_cancel(namespace, user):
    namespace.apply(task("answer", parameters={"max-num-seqs": [64, 128]}))
    owner, ender = user("suspend"), user("cancel")
    namespace.wait("autotunetasks", "answer", lambda t: t and t.get("status", {}).get("experiments"), "experiments", 60)
    assert "suspended" in owner.must("suspend", "answer")
    namespace.wait("autotunetasks", "answer", lambda t: t["status"]["state"] == "Suspended", "suspended", 60)
    # What is not over has no answer yet, and says so.
    reader = user("read")
    assert "no best configuration yet (Suspended" in reader.refused(1, "apply", "answer")
    assert "resumed" in owner.must("resume", "answer")
    namespace.wait("autotunetasks", "answer", lambda t: t["status"]["state"] == "Searching", "searching", 60)
    assert "not allowed" in reader.refused(3, "cancel", "answer")
    assert "not allowed" in reader.refused(3, "suspend", "answer")
    gone = ender.must("cancel", "answer")
    assert gone.startswith("AutotuneTask answer deleted, with its pods."), gone
    namespace.wait_for_absence("autotunetasks", "answer")


def test_a_report_of_a_task_that_has_just_begun_is_a_whole_page(namespace, user, tmp_path):
    namespace.apply(task("answer", env={"AUTOTUNE_SIM_FAIL": "never-ready"}))
    reader = user("read")
    reader.must("report", "answer", cwd=tmp_path)
    assert (tmp_path / "autotune-answer.html").read_text().rstrip().endswith("</html>")
    refusal = reader.refused(2, "report", "answer", "--to", str(tmp_path / "missing/report.html"))
    assert "missing/report.html" in refusal
    namespace.wait("autotunetasks", "answer", lambda t: "Starting" in [e["state"] for e in t.get("status", {}).get("experiments", [])],
                   "an experiment is starting", 60)
    unfinished = reader.run("results", "answer")
    assert unfinished.returncode == 1 and "starting" in unfinished.stdout, unfinished.stdout + unfinished.stderr


def test_each_error_is_one_line_with_its_exit_code(namespace, user, tmp_path):
    nobody, reader = user("nothing"), user("read")
    for words in (["list"], ["status", "x"], ["status", "x", "--watch"], ["results", "x"], ["report", "x"],
                  ["compare", "x", "y"], ["logs", "x", "e1"], ["diff", "x"], ["apply", "x"], ["suspend", "x"], ["resume", "x"], ["cancel", "x"]):
        assert "not allowed: " in nobody.refused(3, *words)
    for words in (["status", "x"], ["status", "x", "--watch"], ["results", "x"], ["report", "x"], ["logs", "x", "e1"],
                  ["apply", "x"], ["cancel", "x"]):
        assert reader.refused(4, *words) == f"autotune: there is no AutotuneTask \"x\" in namespace {namespace.name}"
    config = json.loads(reader.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://10.250.0.1:1"
    (tmp_path / "nowhere.json").write_text(json.dumps(config))
    assert "does not respond" in reader.refused(3, "list", "--kubeconfig", str(tmp_path / "nowhere.json"))
    assert "no-such" in reader.refused(2, "list", "--context", "no-such")


def test_a_plan_is_for_the_gpus_of_the_nodes(namespace, user):
    name = f"plan-{namespace.name}"
    planner = user("nothing")
    refusal = planner.refused(3, "plan", "--cluster", str(ROOT / "examples/kv-cache-fp8.yaml"))
    assert refusal.startswith("autotune: nodes: not allowed: ") and refusal.endswith("--gpu NAME plans for a GPU without access to the cluster")
    # The role that the chart has for it.
    role = next(r["metadata"]["name"] for r in namespace.cluster.api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles")["items"]
                if r["metadata"]["name"].endswith("autotune-operator-plan"))
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
               "subjects": [{"kind": "ServiceAccount", "name": "nothing", "namespace": namespace.name}]}
    namespace.cluster.kubectl("apply", "-f", "-", input=json.dumps(binding))
    try:
        plan = planner.must("plan", "--cluster", str(ROOT / "examples/kv-cache-fp8.yaml"))
    finally:
        namespace.cluster.kubectl("delete", "clusterrolebinding", name)
    assert re.search(r"NVIDIA-H100-80GB-HBM3 +\S+ GB +9\.0 +1 +8 +8 +this plan", plan), plan
    assert "(from the cluster's nodes)" in plan


def test_the_clusters_own_roles_include_it(namespace):
    """The chart adds AutotuneTasks to view and edit: who has them needs nothing else."""
    for role, may, may_not in (("view", ["get", "list", "watch"], ["patch", "delete", "create"]),
                               ("edit", ["get", "list", "watch", "patch", "delete", "create"], ["escalate"])):
        namespace.kubectl("create", "serviceaccount", role)
        namespace.kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--serviceaccount={namespace.name}:{role}")
        who = f"--as=system:serviceaccount:{namespace.name}:{role}"
        for verb in may:
            namespace.kubectl("auth", "can-i", verb, "autotunetasks.autotuner.io", who)
        for verb in may_not:
            with pytest.raises(AssertionError):
                namespace.kubectl("auth", "can-i", verb, "autotunetasks.autotuner.io", who)
