"""From `kubectl apply` to the answer in the status: the operator as the chart installs it, on a real API server, a real
kubelet and real containers. Only the engine is simulated, and it accepts exactly what recorded engines accept."""

import json

import pytest
import yaml
from real_cluster import ROOT, ClusterError, condition, container_of, engine_argv
from tasks import checkpoint, over, task

pytestmark = pytest.mark.usefixtures("operator")

EXPERIMENTS = "autotuner.io/role=experiment"


def run(namespace, manifest, timeout=180):
    namespace.apply(manifest)
    name = manifest["metadata"]["name"]
    return namespace.wait("autotunetasks", name, lambda t: t and over(t), f"task {name} is over", timeout)


def by_quant(found):
    return {e["quant"]["name"]: e for e in found["status"]["experiments"]}


def ready(found):
    return condition(found, "Ready")


def no_experiment_pods(namespace):
    return namespace.cluster.api.wait(f"{namespace.path('pods')}?labelSelector={EXPERIMENTS}",
                                      lambda pods: not pods["items"], "no experiment pods", 60)


# ---- the main path ----

def test_the_first_example_runs_unmodified_from_apply_to_the_best_configuration(namespace, operator):
    mark = namespace.cluster.audit.position()
    path = ROOT / "examples/kv-cache-fp8.yaml"
    name = yaml.safe_load(path.read_text())["metadata"]["name"]
    namespace.apply(path)
    seen = {}

    def watch(found):
        for pod in namespace.pods(EXPERIMENTS):
            seen[pod["metadata"]["name"]] = pod
        return found and over(found)

    found = namespace.wait("autotunetasks", name, watch, "example is over", 300)
    namespace.kubectl("wait", "--for=condition=Ready", f"att/{name}", "--timeout=10s")

    assert found["status"]["state"] == "Complete", found["status"]
    experiments = by_quant(found)
    assert set(experiments) == {"default", "kv-cache-fp8"}
    argvs = {" ".join(engine_argv(pod)) for pod in seen.values()}
    assert len(argvs) == 2
    assert all(argv.startswith("vllm serve meta-llama/Llama-3.1-8B-Instruct") for argv in argvs), argvs
    assert sum("--kv-cache-dtype fp8" in argv for argv in argvs) == 1
    for pod in seen.values():
        engine = container_of(pod, "engine")
        assert engine["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert "NVIDIA-H100-80GB-HBM3" in json.dumps(pod["spec"]["affinity"])
        assert pod["spec"]["enableServiceLinks"] is False
        assert pod["spec"]["automountServiceAccountToken"] is False
    for experiment in experiments.values():
        assert experiment["state"] == "Succeeded", experiment
        assert experiment["simulated"] is True
        assert experiment["gpuProduct"]
        assert all(float(row["outputTokensPerSecond"]) > 0 for row in experiment["loads"])
        assert len(experiment["quality"]["answers"]) == 7 * 32
    assert experiments["default"]["quality"]["delta"] == "0"
    assert len(experiments["default"]["quality"]["blocks"]) == 40 * (11 + 5), "all of the corpus, as it is and turned round"
    changed = experiments["kv-cache-fp8"]["quality"]
    assert changed["cacheExercised"] == "Read"
    assert 0 < float(changed["ci"]) <= 0.0005
    assert 11 * 16 <= len(changed["blocks"]) < 40 * (11 + 5), "until it is enough"
    assert float(changed["agreement"]) < float(changed["ownAgreement"])
    best = found["status"]["best"]
    # A fresh start is an experiment too; the row of the configuration's first start has the score of all its starts.
    firsts = [e for e in found["status"]["experiments"] if "confirms" not in e]
    assert best["score"] == max((e["score"] for e in firsts), key=float)
    assert best["starts"] == 1 + sum(e.get("confirms") == best["experiment"] for e in found["status"]["experiments"])
    assert found["status"]["candidates"]["eligible"] == 2
    assert float(found["status"]["cost"]["gpuHours"]) > 0

    # Nothing went wrong, and nothing looks as if it had.
    warnings = [(e["involvedObject"]["name"], e["reason"], e["message"]) for e in namespace.list("events")
                if e["type"] == "Warning"]
    assert warnings == []
    recommended = namespace.get("configmaps", found["status"]["recommendation"]["configMap"])
    namespace.kubectl("apply", "--dry-run=server", "-f", "-", input=recommended["data"]["deployment.yaml"])

    table = namespace.kubectl("get", "att")
    done = len(found["status"]["experiments"])
    assert "Complete" in table and f"{done}/{done}" in table, table
    assert namespace.cluster.kstatus(found) == ["Current"]
    no_experiment_pods(namespace)
    reads = namespace.cluster.audit.count(mark, user=operator.user(), namespace=namespace.name)
    writes = sum(n for (verb, _), n in reads.items() if verb in ("create", "patch", "update", "delete"))
    assert not any(verb in ("get", "list") for verb, _ in reads), reads
    # Per experiment create, delete and three status patches (it starts, it measures, its result); per task the first
    # status, the ConfigMap, the status that names it and the last event.
    assert writes <= 5 * done + 4, reads


@pytest.mark.parametrize("engine, image, argument", [
    ("sglang", "lmsysorg/sglang:v0.5.15", "--kv-cache-dtype fp8_e4m3"),
    ("tensorrt-llm", "nvcr.io/nvidia/tensorrt-llm/release:1.2.0", "--extra_llm_api_options"),
])
def test_other_engines_get_their_own_arguments(namespace, engine, image, argument):
    found = run(namespace, task("engine", engine, image, keepPods="Always"))
    assert found["status"]["state"] == "Complete", found["status"]
    argvs = [" ".join(engine_argv(pod)) for pod in namespace.pods(EXPERIMENTS)]
    assert len(argvs) == 2 and sum(argument in argv for argv in argvs) == 1, argvs
    assert found["status"]["best"]["quantName"] in ("default", "kv-cache-fp8")


def test_user_parameters_win_and_every_override_is_recorded(namespace):
    manifest = task("override", keepPods="Always", parameters={"kv_cache_dtype": ["fp8_e4m3"]},
                    quantConfig={"preset": "kv-cache-fp8"})
    found = run(namespace, manifest)
    experiment = by_quant(found)["kv-cache-fp8"] if "kv-cache-fp8" in by_quant(found) else by_quant(found)["default"]
    assert "fp8_e4m3" in experiment["args"]
    for pod in namespace.pods(EXPERIMENTS):
        argv = engine_argv(pod)
        assert argv.count("--kv-cache-dtype") == 1 and argv[argv.index("--kv-cache-dtype") + 1] == "fp8_e4m3", argv


# ---- failures: each with its reason from the closed list and the engine's own words ----

def failing(namespace, manifest, timeout=180):
    found = run(namespace, manifest, timeout)
    assert found["status"]["state"] == "Failed", found["status"]
    assert condition(found, "Stalled")["status"] == "True"
    reasons = {e["reason"] for e in found["status"]["experiments"]}
    assert len(reasons) == 1, found["status"]["experiments"]
    return reasons.pop(), found["status"]["experiments"][0]["message"], found


def test_an_engine_that_refuses_a_flag(namespace):
    manifest = task("refused")
    manifest["spec"]["runtimes"][0]["args"] = ["--no-such-flag", "1"]  # passed through for those who know better
    reason, message, _ = failing(namespace, manifest)
    assert reason == "EngineRejectedArguments"
    assert "unrecognized arguments: --no-such-flag 1" in message
    pods = namespace.pods(EXPERIMENTS)
    assert pods and all(p["status"]["phase"] == "Failed" for p in pods), "failed pods are kept for their logs"
    assert "unrecognized arguments" in namespace.logs(pods[0]["metadata"]["name"], "engine")


def test_an_engine_that_crashes_while_loading(namespace):
    reason, message, _ = failing(namespace, task("crash", env={"AUTOTUNE_SIM_FAIL": "crash"}))
    assert reason == "EngineCrashed", message
    assert message


def test_an_engine_that_kills_itself_is_not_out_of_memory(namespace):
    reason, message, _ = failing(namespace, task("exit137", env={"AUTOTUNE_SIM_FAIL": "exit137"}))
    assert reason != "OutOfMemory", message


def test_an_engine_that_runs_out_of_host_memory(namespace):
    manifest = task("oom", env={"AUTOTUNE_SIM_FAIL": "oom-host"})
    manifest["spec"]["runtimes"][0]["resources"] = {"limits": {"memory": "256Mi"}}
    reason, message, _ = failing(namespace, manifest)
    assert reason == "OutOfMemory", message
    assert "256Mi" in message or "memory" in message.lower()


def test_an_engine_that_runs_out_of_gpu_memory(namespace):
    reason, message, _ = failing(namespace, task("oom-cuda", env={"AUTOTUNE_SIM_FAIL": "oom-cuda"}))
    assert reason == "OutOfMemory", message
    assert "CUDA out of memory" in message


def test_an_engine_that_never_gets_ready(namespace):
    manifest = task("never", env={"AUTOTUNE_SIM_FAIL": "never-ready"}, quantConfig={"preset": "default"},
                    optimization={"startupTimeout": "5s", "retries": 0})
    reason, message, _ = failing(namespace, manifest)
    assert reason == "StartupTimeout", message


def test_an_image_that_cannot_be_pulled(namespace):
    manifest = task("pull", image="localhost:1/nobody/vllm-openai:v0.24.0", quantConfig={"preset": "default"},
                    optimization={"imagePullTimeout": "20s", "retries": 0})
    reason, message, _ = failing(namespace, manifest)
    assert reason == "ImagePullFailed", message
    assert "localhost:1/nobody/vllm-openai:v0.24.0" in message
    no_experiment_pods(namespace)


def test_more_gpus_than_any_node_has(namespace):
    manifest = task("greedy", quantConfig={"preset": "default"}, parallelConfig={"tensorParallel": [16]},
                    optimization={"schedulingTimeout": "5s", "retries": 0})
    reason, message, _ = failing(namespace, manifest)
    assert reason == "Unschedulable", message
    assert "Insufficient nvidia.com/gpu" in message


def test_a_missing_secret(namespace):
    manifest = task("secret", quantConfig={"preset": "default"})
    manifest["spec"]["model"]["huggingFace"] = {"tokenSecretRef": {"name": "no-such-secret", "key": "token"}}
    reason, message, _ = failing(namespace, manifest, timeout=300)  # the secret may be applied a moment later
    assert reason == "InvalidPodConfiguration", message
    assert "no-such-secret" in message


def test_one_failure_does_not_stop_the_others(namespace):
    manifest = task("partial", env={"AUTOTUNE_SIM_FAIL": "crash", "AUTOTUNE_SIM_FAIL_WHEN": "--kv-cache-dtype"})
    found = run(namespace, manifest)
    assert found["status"]["state"] == "Complete"
    assert by_quant(found)["kv-cache-fp8"]["state"] == "Failed"
    assert found["status"]["best"]["quantName"] == "default"


# ---- bad input ----

def test_a_wrong_value_stalls_the_task_with_the_fields_path(namespace):
    found = run(namespace, task("wrong", parameters={"max-num-seqs": [{"what": {"is": "this"}}]}))
    assert found["status"]["state"] == "Failed"
    message = ready(found)["message"]
    assert "max-num-seqs" in message, message
    assert namespace.pods(EXPERIMENTS) == []


def test_what_cannot_run_is_pruned_before_any_pod_exists(namespace):
    found = run(namespace, task("pruned", parameters={"no-such-flag": [1]}))
    assert found["status"]["state"] == "Failed"
    assert "no-such-flag" in ready(found)["message"]
    assert namespace.pods(EXPERIMENTS) == []
    assert namespace.cluster.kstatus(found) == ["Failed"]


def test_a_model_that_cannot_be_read_is_never_taken_for_unquantized(namespace):
    manifest = task("unreadable")
    del manifest["spec"]["model"]["facts"]
    manifest["spec"]["model"]["huggingFace"] = {"endpoint": "https://localhost:1"}
    namespace.apply(manifest)
    found = namespace.wait("autotunetasks", "unreadable", lambda t: t and condition(t, "Ready")
                           and "read again at" in ready(t)["message"], "a hub that is not there is asked again", 60)
    assert found["status"]["state"] == "Inspecting" and found["status"].get("experiments", []) == []
    # This one is there and knows no such model: the API server, spoken to without TLS.
    manifest["spec"]["model"]["huggingFace"] = {"endpoint": "http://10.96.0.1:443"}
    found = run(namespace, manifest)
    assert ready(found)["reason"] == "ModelUnreadable", found["status"]
    assert "HTTP 400" in ready(found)["message"]
    assert found["status"].get("experiments", []) == []


# ---- kill, delete, edit, suspend ----

def five(name, **spec):
    """Four combinations, and the baseline: the engine's own defaults."""
    return task(name, parameters={"max-num-seqs": [64, 128]}, optimization={"retries": 0, "strategy": "Grid"}, **spec)


def answers(found):
    return {e["hash"]: e["state"] for e in found["status"]["experiments"]}


@pytest.mark.parametrize("moment", ["first pod created", "first measuring", "first finished", "second running"])
def test_a_killed_operator_goes_on_where_it_was(namespace, operator, moment):
    created = namespace.cluster.audit.position()
    namespace.apply(five("killed"))

    def reached(found):
        experiments = (found or {}).get("status", {}).get("experiments", [])
        states = [e["state"] for e in experiments]
        if moment == "first pod created":
            return bool(namespace.pods(EXPERIMENTS))
        if moment == "first measuring":
            return "Measuring" in states
        if moment == "first finished":
            return "Succeeded" in states
        return "Succeeded" in states and ("Starting" in states or "Measuring" in states)

    namespace.wait("autotunetasks", "killed", reached, moment, 120)
    operator.kill_and_replace()
    found = namespace.wait("autotunetasks", "killed", lambda t: over(t), "task is over", 240)

    assert found["status"]["state"] == "Complete", found["status"]
    assert set(answers(found).values()) == {"Succeeded"} and len(answers(found)) == 5
    assert all(e["attempts"] == 1 for e in found["status"]["experiments"]), "nothing was measured twice"
    pods = [r for r in namespace.cluster.audit.requests(created, verb="create", resource="pods", namespace=namespace.name)
            if r.code == 201]
    assert len(pods) == 5, pods
    no_experiment_pods(namespace)


def test_a_task_deleted_in_the_middle_leaves_no_pod(namespace):
    namespace.apply(five("deleted"))
    namespace.cluster.api.wait(f"{namespace.path('pods')}?labelSelector={EXPERIMENTS}", lambda pods: bool(pods["items"]),
                               "an experiment pod", 60)
    namespace.kubectl("delete", "att", "deleted")
    no_experiment_pods(namespace)
    # Whatever the operator still does for the deleted task, it began before it was told of this one.
    run(namespace, task("afterwards", parameters={"no-such-flag": [1]}))
    assert namespace.pods(EXPERIMENTS) == []


def test_an_edit_in_the_middle_keeps_finished_experiments(namespace):
    mark = namespace.cluster.audit.position()
    manifest = five("edited")
    namespace.apply(manifest)
    before = namespace.wait("autotunetasks", "edited", lambda t: t and "Succeeded" in
                            [e["state"] for e in t.get("status", {}).get("experiments", [])], "one finished", 120)
    finished = {h for h, state in answers(before).items() if state == "Succeeded"}
    manifest["spec"]["parameters"] = {"max-num-seqs": [64, 256]}
    namespace.apply(manifest)
    found = namespace.wait("autotunetasks", "edited", over, "edited task is over", 240)

    assert found["status"]["state"] == "Complete"
    assert len(answers(found)) == 5
    kept = finished & set(answers(found))
    created = [r for r in namespace.cluster.audit.requests(mark, verb="create", resource="pods", namespace=namespace.name)
               if r.code == 201]
    assert kept, "the first experiment (max-num-seqs 64) is asked for before and after"
    # Five of the first spec at most, the new ones, and nothing of what was kept again.
    assert all(e["attempts"] == 1 for e in found["status"]["experiments"])
    assert len(created) <= 7


def test_suspend_stops_pods_and_resume_goes_on(namespace):
    manifest = five("paused")
    namespace.apply(manifest)
    namespace.wait("autotunetasks", "paused", lambda t: t and "Measuring" in
                   [e["state"] for e in t.get("status", {}).get("experiments", [])], "measuring", 120)
    manifest["spec"]["suspend"] = True
    namespace.apply(manifest)
    namespace.wait("autotunetasks", "paused", lambda t: t["status"]["state"] == "Suspended", "suspended", 60)
    no_experiment_pods(namespace)
    manifest["spec"]["suspend"] = False
    namespace.apply(manifest)
    found = namespace.wait("autotunetasks", "paused", over, "resumed task is over", 240)
    assert found["status"]["state"] == "Complete" and len(answers(found)) == 5


def test_pods_refused_by_pod_security_are_told_of_and_tried_again(namespace):
    namespace.kubectl("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=restricted")
    namespace.apply(task("refused-pods"))
    found = namespace.wait("autotunetasks", "refused-pods", lambda t: t and condition(t, "Ready")
                           and ready(t)["reason"] == "PodRefused", "refused", 60)
    assert "PodSecurity" in ready(found)["message"]
    namespace.kubectl("label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce-")
    found = namespace.wait("autotunetasks", "refused-pods", over, "task is over once its pods are allowed", 180)
    assert found["status"]["state"] == "Complete"


def test_another_model_is_not_reported_with_the_numbers_of_the_first(namespace):
    manifest = task("other-model")
    first = run(namespace, manifest)
    assert first["status"]["state"] == "Complete"
    manifest["spec"]["model"]["idOrPath"] = "example/another-model"
    second = run(namespace, manifest)
    assert second["status"]["state"] == "Complete"
    assert second["status"]["expandedFor"]["generation"] == second["metadata"]["generation"] == 2
    assert not set(e["hash"] for e in first["status"]["experiments"]) & set(e["hash"] for e in second["status"]["experiments"])


def test_a_task_reuses_what_a_finished_one_measured(namespace):
    optimization = {"strategy": "Grid", "retries": 0}
    first = task("first", optimization=optimization)
    first["spec"]["quantConfig"] = {"presets": ["default"]}
    measured = run(namespace, first)
    found = run(namespace, task("second", optimization={**optimization, "reuse": "Namespace"}))
    assert found["status"]["state"] == "Complete", found["status"]
    experiments = by_quant(found)
    origin = measured["status"]["experiments"][0]
    assert experiments["default"]["reusedFrom"] == f"first/{origin['name']}"
    assert experiments["default"]["loads"] == origin["loads"]
    assert "reusedFrom" not in experiments["kv-cache-fp8"]
    # The second task paid for one experiment only.
    assert len([e for e in found["status"]["experiments"] if e.get("attempts")]) == 1, found["status"]["experiments"]
    assert [e for e in namespace.list("events") if e["reason"] == "MeasurementsReused"]

    # Everything was measured by now: an answer without a pod, and without GPU time.
    third = run(namespace, task("third", optimization={**optimization, "reuse": "Namespace"}))
    assert third["status"]["state"] == "Complete", third["status"]
    assert "cost" not in third["status"], third["status"]["cost"]
    assert third["status"]["best"]["score"] == found["status"]["best"]["score"]
    assert not [pod for pod in namespace.pods(EXPERIMENTS) if pod["metadata"]["name"].startswith("third")]


# ---- several checkpoints ----

BF16 = checkpoint("bf16", "meta-llama/Llama-3.1-8B-Instruct")
FP8 = checkpoint("fp8", "example/Llama-3.1-8B-Instruct-FP8", quant_method="fp8", activation_scheme="static")
AWQ = checkpoint("awq", "example/Llama-3.1-8B-Instruct-AWQ", quant_method="awq", bits=4, group_size=128, zero_point=True)


def test_checkpoints_are_measured_each_and_the_recommendation_has_the_best_ones_model(namespace):
    manifest = task("checkpoints", keepPods="Always", quantConfig={"preset": "default"}, quality={})
    del manifest["spec"]["model"]
    manifest["spec"]["models"] = [BF16, FP8, AWQ]
    found = run(namespace, manifest)
    assert found["status"]["state"] == "Complete", found["status"]
    experiments = {e["model"]: e for e in found["status"]["experiments"]}
    assert set(experiments) == {"bf16", "fp8", "awq"}
    assert [e["model"] for e in found["status"]["experiments"] if e.get("baseline")] == ["bf16"]
    for pod in namespace.pods(EXPERIMENTS):
        model = next(m for m in (BF16, FP8, AWQ) if m["name"] == pod["metadata"]["labels"]["autotuner.io/model"])
        assert model["idOrPath"] in engine_argv(pod)
    # Four-bit weights move least memory, and the simulated engine says what they cost in quality.
    assert float(experiments["awq"]["quality"]["growth"]) > float(experiments["fp8"]["quality"]["growth"]) > 0
    best = found["status"]["best"]["model"]
    recommended = namespace.get("configmaps", found["status"]["recommendation"]["configMap"])["data"]
    assert {"bf16": BF16, "fp8": FP8, "awq": AWQ}[best]["idOrPath"] in recommended["deployment.yaml"]
    assert f"checkpoint: {best}" in recommended["about.txt"]


def test_checkpoints_of_different_models_are_named_and_nothing_runs(namespace):
    manifest = task("two-models")
    del manifest["spec"]["model"]
    manifest["spec"]["models"] = [BF16, {**AWQ, "facts": {**AWQ["facts"], "num_hidden_layers": 80}}]
    found = run(namespace, manifest)
    assert ready(found)["reason"] == "InvalidSpec", found["status"]
    assert "spec.models[1] (awq)" in ready(found)["message"] and "80, not 32" in ready(found)["message"]
    assert namespace.pods(EXPERIMENTS) == []


def test_a_configmap_of_somebody_else_is_not_taken_and_the_task_completes(namespace):
    namespace.kubectl("create", "configmap", "owned-best", "--from-literal=mine=1")
    found = run(namespace, task("owned"))
    assert found["status"]["state"] == "Complete" and condition(found, "Feasible")["status"] == "True"
    assert condition(found, "RecommendationFailed")["reason"] == "AlreadyOwned", found["status"]["conditions"]
    assert namespace.get("configmaps", "owned-best")["data"] == {"mine": "1"}
    namespace.kubectl("delete", "configmap", "owned-best")
    found = namespace.wait("autotunetasks", "owned", lambda t: t["status"].get("recommendation"), "recommended", 90)
    assert not condition(found, "RecommendationFailed")


def test_a_finished_task_goes_with_all_that_is_its_own_when_its_retention_is_over(namespace):
    run(namespace, task("brief", keepPods="Always", retention={"pods": "1s", "task": "20s"}))
    no_experiment_pods(namespace)
    assert namespace.find("autotunetasks", "brief"), "the pods' time is over, not the task's"
    namespace.wait_for_absence("autotunetasks", "brief")
    namespace.wait_for_absence("configmaps", "brief-best")


def test_what_meets_no_bound_is_complete_and_not_feasible(namespace):
    found = run(namespace, task("infeasible", slo={"tpot": {"p95": "0.1ms"}}))
    assert ready(found)["status"] == "True" and found["status"]["state"] == "Complete", found["status"]
    assert condition(found, "Feasible")["status"] == "False"
    assert condition(found, "Feasible")["reason"] == "NoFeasibleConfiguration"
    assert "tpot" in condition(found, "Feasible")["message"]
    assert "best" not in found["status"] and namespace.find("configmaps", "infeasible-best") is None
    # What a pipeline that goes on with the answer waits for.
    with pytest.raises(ClusterError):
        namespace.kubectl("wait", "--for=condition=Feasible", "att/infeasible", "--timeout=2s")


# ---- a wrong rule is found out ----

def test_a_wrong_rule_makes_a_pod_fail(namespace, operator, tmp_path):
    """The simulated engine knows recorded outcomes, never the rule tables: a rule that is broken on purpose is seen."""
    table = yaml.safe_load((ROOT / "quant/engines/vllm.yaml").read_text())
    about = {"--quantization": "fp8", "--kv-cache-dtype": "fp8_e5m2"}
    broken = [r for r in table["rules"] if not about.items() <= r.get("when", {}).items()]
    assert len(table["rules"]) - len(broken) == 2, "the table has changed: find the rules about fp8 weights with e5m2"
    table["rules"] = broken
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"rules": {"vllm.yaml": yaml.safe_dump(table, sort_keys=False)}}))
    operator.install("--values", str(values))
    try:
        found = run(namespace, task("broken-rule", quantConfig={"gemmDtype": "fp8", "kvcacheDtype": "fp8_e5m2"}))
    finally:
        operator.install()
    failed = [e for e in found["status"]["experiments"] if e["state"] == "Failed"]
    assert len(failed) == 1, found["status"]["experiments"]
    assert failed[0]["reason"] == "EngineRejectedConfiguration"
    assert "fp8_e5m2 kv-cache is not supported with fp8 checkpoints" in failed[0]["message"]


# ---- examples ----

EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
def test_every_example_is_taken_up(namespace, path):
    """Unmodified: the operator finds candidates in it and the API server takes its pods."""
    example = yaml.safe_load(path.read_text())
    # What an example takes for given in its cluster.
    if priority := example["spec"].get("gpu", {}).get("priorityClassName"):
        namespace.kubectl("apply", "-f", "-", input=json.dumps(
            {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": priority}, "value": -10}))
    if account := example["spec"].get("podTemplate", {}).get("serviceAccountName"):
        namespace.kubectl("create", "serviceaccount", account)
    namespace.apply(path)
    spec = example["spec"]
    inspected = (any("facts" not in model for model in spec.get("models") or [spec["model"]])
                 or any("dataset" in spec.get(section, {}) for section in ("benchmark", "quality")))
    role = "inspect" if inspected else "experiment"
    if example["spec"].get("optimization", {}).get("baseline", {}).get("deploymentRef"):
        # The right to read it is off by default: the task says what to grant.
        found = namespace.wait("autotunetasks", path.stem, lambda t: condition(t, "Stalled"), "stalled", 30)
        stalled = condition(found, "Stalled")
        assert stalled["reason"] == "BaselineNotRead" and "rbac.readDeployments" in stalled["message"], stalled
        namespace.kubectl("delete", "att", path.stem)
        return
    namespace.cluster.api.wait(f"{namespace.path('pods')}?labelSelector=autotuner.io/role={role}",
                               lambda pods: bool(pods["items"]), f"a pod of role {role}", 30)
    found = namespace.wait("autotunetasks", path.stem, lambda t: t["status"]["observedGeneration"] == 1, "seen", 30)
    assert condition(found, "Stalled") is None or inspected, found["status"]
    if not inspected:
        assert found["status"]["state"] == "Searching", found["status"]
        assert found["status"]["candidates"]["eligible"] >= 2, found["status"]
    namespace.kubectl("delete", "att", path.stem)
    no_experiment_pods(namespace)
