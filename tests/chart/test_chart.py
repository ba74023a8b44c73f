"""The chart: what it renders, what its values refuse, and that a real API server takes the result."""

import json
import re
import shutil

import pytest
import yaml

from chart import CHART, ROOT, container, render


def test_what_tasks_may_ask_for_reaches_the_operator(helm):
    flags = container(render(helm))["args"]
    assert "--allow-service-accounts=default" in flags
    assert "--allow-privileged" not in flags and "--allow-host-path" not in flags
    assert not [flag for flag in flags if "-resources=" in flag]
    flags = container(render(helm, "--set", "operator.allowPrivileged=true", "--set", "operator.allowServiceAccounts={a,b}",
                             "--set", "operator.allowVolumes={*}", "--set", "operator.benchResources.limits.cpu=4"))["args"]
    assert {"--allow-privileged", "--allow-service-accounts=a,b", "--allow-volumes=*"} <= set(flags)
    assert '--bench-resources={"limits":{"cpu":4}}' in flags


def test_how_long_finished_tasks_stay_reaches_the_operator(helm):
    assert not [flag for flag in container(render(helm))["args"] if flag.startswith("--retain")]
    flags = container(render(helm, "--set", "operator.retention.pods=24h", "--set", "operator.retention.tasks=168h"))["args"]
    assert {"--retain-pods=24h", "--retain-tasks=168h"} <= set(flags)


def test_the_crd_is_the_one_of_this_repository(helm):
    source = (ROOT / "crds/autotunetask.yaml").read_bytes()
    assert (CHART / "files/autotunetask.yaml").read_bytes() == source, \
        "cp crds/autotunetask.yaml charts/autotune-operator/files/"
    rendered = render(helm)["CustomResourceDefinition", "autotunetasks.autotuner.io"]
    # As JSON, because that is what reaches the API server: 1e+06 would not be the integer that it was.
    assert json.dumps(rendered["spec"], sort_keys=True) == json.dumps(yaml.safe_load(source)["spec"], sort_keys=True)


def test_the_crd_is_kept_unless_told_otherwise(helm):
    key = "CustomResourceDefinition", "autotunetasks.autotuner.io"
    assert render(helm)[key]["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "annotations" not in render(helm, "--set", "crds.keep=false")[key]["metadata"]
    assert key not in render(helm, "--set", "crds.enabled=false")


def documented(pattern):
    """Commands that the documentation and the operator's messages name."""
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "operator").rglob("*.cpp"), CHART / "README.md", CHART / "templates/NOTES.txt"]
    return [command for file in files for command in re.findall(pattern, file.read_text())]


def test_the_documented_command_replaces_a_crd_of_helm(api_server, tmp_path):
    commands = set(documented(r"kubectl (apply [^`\n)]*)crds/"))
    assert len(documented(r"kubectl (apply [^`\n)]*)crds/")) >= 4 and commands
    crd = yaml.safe_load((ROOT / "crds/autotunetask.yaml").read_text())
    changed = tmp_path / "autotunetask.yaml"
    for number, command in enumerate(sorted(commands)):
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = f"of Helm {number}"
        of_helm = api_server.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-", input=yaml.safe_dump(crd))
        assert of_helm.returncode == 0, of_helm.stderr
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["description"] = f"newer {number}"
        changed.write_text(yaml.safe_dump(crd))
        answer = api_server.kubectl(*command.split(), changed)
        assert answer.returncode == 0, answer.stderr


def test_the_log_level_is_changed_by_an_upgrade_and_never_by_an_edit(api_server):
    assert not documented(r"kubectl[^`\n]*(?:edit|patch) configmap")
    release = "log-level", CHART, "--namespace", "log-level", "--set", "crds.enabled=false"
    installed = api_server.helm("install", *release, "--create-namespace")
    assert installed.returncode == 0, installed.stderr
    (flags,) = documented(r"helm upgrade autotune-operator charts/autotune-operator --namespace autotune-system (.*logLevel=debug)")
    upgraded = api_server.helm("upgrade", *release, *flags.split())
    assert upgraded.returncode == 0, upgraded.stderr
    name = "log-level-autotune-operator-logging"
    assert api_server.get("configmap", name, "-n", "log-level")["data"] == {"level": "debug"}
    # An edit is what the documentation says of it.
    api_server.kubectl("-n", "log-level", "patch", "configmap", name, "--field-manager=kubectl-edit", "--type=merge",
                       "-p", '{"data": {"level": "trace"}}')
    refused = api_server.helm("upgrade", *release)
    assert 'conflict with "kubectl-edit"' in refused.stderr
    forced = api_server.helm("upgrade", *release, "--force-conflicts")
    assert forced.returncode == 0, forced.stderr
    assert api_server.get("configmap", name, "-n", "log-level")["data"] == {"level": "info"}
    assert api_server.helm("uninstall", "log-level", "--namespace", "log-level").returncode == 0


def test_the_pod_satisfies_the_restricted_standard(helm):
    deployment = render(helm)["Deployment", "tuner-autotune-operator"]
    pod = deployment["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert not pod["automountServiceAccountToken"]
    (operator,) = pod["containers"]
    assert operator["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                           "capabilities": {"drop": ["ALL"]}}
    assert operator["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert operator["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}


def test_several_replicas_elect_a_leader_and_survive_drains(helm):
    objects = render(helm)
    deployment = objects["Deployment", "tuner-autotune-operator"]["spec"]
    assert deployment["replicas"] == 2
    assert deployment["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    flags = container(objects)["args"]
    assert {"--leader-elect", "--leader-election-namespace=tuning", "--leader-election-id=tuner-autotune-operator",
            "--leader-election-identity=$(POD_NAME)_$(POD_UID)"} <= set(flags)
    assert [variable["name"] for variable in container(objects)["env"]] == ["POD_NAME", "POD_UID"]
    budget = objects["PodDisruptionBudget", "tuner-autotune-operator"]["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == deployment["selector"]
    assert ("PodDisruptionBudget", "tuner-autotune-operator") not in render(helm, "--set", "replicas=1"), \
        "it would do nothing but keep a node from being drained"


def test_the_lease_is_the_only_one_that_can_be_written(helm):
    lease = render(helm)["Role", "tuner-autotune-operator-lease", "tuning"]["rules"]
    assert lease == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["tuner-autotune-operator"],
         "verbs": ["get", "update"]}]


def rules_of(objects):
    """Of the operator, not of its users."""
    return [(kind, rule) for (kind, name, *_), o in objects.items()
            if kind in ("Role", "ClusterRole") and not name.endswith("-plan") for rule in o["rules"]
            if "rbac.authorization.k8s.io/aggregate-to-view" not in o["metadata"]["labels"]
            and "rbac.authorization.k8s.io/aggregate-to-edit" not in o["metadata"]["labels"]]


def test_the_operator_may_do_what_it_does_and_nothing_else(helm):
    allowed = {(group, resource): set(rule["verbs"]) for _, rule in rules_of(render(helm))
               for group in rule["apiGroups"] for resource in rule["resources"] if resource != "leases"}
    assert allowed == {
        ("autotuner.io", "autotunetasks"): {"get", "list", "watch", "delete"},
        ("autotuner.io", "autotunetasks/status"): {"get", "patch"},
        ("autotuner.io", "autotunetasks/finalizers"): {"update"},
        ("", "pods"): {"get", "list", "watch", "create", "delete"},
        ("", "configmaps"): {"create", "patch"},
        ("", "nodes"): {"get", "list", "watch"},
        ("events.k8s.io", "events"): {"create", "patch"},
    }


def test_reading_deployments_is_a_right_of_its_own(helm):
    for watched in ([], ["--set", "watchNamespaces={red}"]):
        rules = [rule for _, rule in rules_of(render(helm, "--set", "rbac.readDeployments=true", *watched))]
        for kind in ("deployments", "leaderworkersets", "llminferenceservices"):
            assert [rule["verbs"] for rule in rules if kind in rule["resources"]] == [["get"]], kind


def test_prices_by_product_reach_the_operator(helm):
    flags = container(render(helm, "--set", "operator.gpuPrices.H100=4.10", "--set", "operator.gpuPrices.L40S=1"))["args"]
    assert "--gpu-prices=H100=4.10,L40S=1" in flags
    assert not any(flag.startswith("--gpu-prices") for flag in container(render(helm))["args"])


def test_with_namespaces_there_is_no_right_beyond_them(helm):
    objects = render(helm, "--set", "watchNamespaces={red,blue}", "--set", "watchNodes=false")
    assert {kind for kind, _ in rules_of(objects)} == {"Role"}
    assert {key[2] for key in objects if key[0] == "RoleBinding"} == {"red", "blue", "tuning"}
    assert all("leases" in rule["resources"] for key, o in objects.items() if key[0] == "Role" and key[2] == "tuning"
               for rule in o["rules"]), "the lease is all that it may write beside them"
    assert not [key for key in objects if key[0] == "ClusterRoleBinding"]
    assert {"--watch-namespaces=red,blue", "--no-watch-nodes"} <= set(container(objects)["args"])


def test_users_get_tasks_with_the_roles_that_they_have(helm):
    objects = render(helm)
    edit = objects["ClusterRole", "tuning:tuner-autotune-operator-edit"]
    view = objects["ClusterRole", "tuning:tuner-autotune-operator-view"]
    assert edit["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-edit"] == "true"
    assert not any("autotunetasks/status" in rule["resources"] and "patch" in rule["verbs"] for rule in edit["rules"])
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert objects["ClusterRole", "tuning:tuner-autotune-operator-plan"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}]
    assert not any(key[1].endswith(("-edit", "-view", "-plan")) for key in render(helm, "--set", "rbac.aggregate=false"))


def test_experiment_pods_take_their_tools_from_the_operators_image_by_default(helm):
    operator = container(render(helm, "--set", "image.repository=registry/tuner", "--set", "image.tag=v1"))
    assert operator["image"] == "registry/tuner:v1" and "--tools-image=registry/tuner:v1" in operator["args"]
    digest = "sha256:" + "a" * 64
    operator = container(render(helm, "--set", f"image.digest={digest}", "--set", "toolsImage=registry/tools:2"))
    assert operator["image"].endswith("@" + digest) and "--tools-image=registry/tools:2" in operator["args"]


def test_rule_tables_reach_the_operator_and_a_change_restarts_it(helm):
    def checksum(text):
        objects = render(helm, "--set-string", rf"rules.vllm\.yaml={text}")
        assert objects["ConfigMap", "tuner-autotune-operator-rules"]["data"] == {"vllm.yaml": text}
        assert "--rules-dir=/etc/autotune/rules" in container(objects)["args"]
        deployment = objects["Deployment", "tuner-autotune-operator"]
        return deployment["spec"]["template"]["metadata"]["annotations"]["autotuner.io/rules-checksum"]

    assert checksum("engine: vllm") != checksum("engine: other")
    assert not [a for a in container(render(helm))["args"] if a.startswith("--rules-dir")]


def test_prometheus_finds_the_metrics_only_when_asked_to(helm):
    key = "PodMonitor", "tuner-autotune-operator"
    assert key not in render(helm)
    objects = render(helm, "--set", "podMonitor.enabled=true", "--set", "podMonitor.labels.release=prometheus")
    monitor = objects[key]
    pod = objects["Deployment", "tuner-autotune-operator"]["spec"]["template"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("health", "/metrics")
    assert endpoint["port"] in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]


def test_rule_tables_may_be_in_a_config_map_of_the_users(helm):
    objects = render(helm, "--set", "rulesConfigMap=our-rules")
    assert "--rules-dir=/etc/autotune/rules" in container(objects)["args"]
    pod = objects["Deployment", "tuner-autotune-operator"]["spec"]["template"]["spec"]
    assert {"name": "rules", "configMap": {"name": "our-rules"}} in pod["volumes"]
    assert [key[1] for key in objects if key[0] == "ConfigMap"] == ["tuner-autotune-operator-logging"]


def test_another_log_level_is_another_config_map_and_the_same_pod(helm):
    usual, verbose = render(helm), render(helm, "--set", "operator.logLevel=debug")
    name = "tuner-autotune-operator"
    assert usual["Deployment", name] == verbose["Deployment", name]
    assert verbose["ConfigMap", f"{name}-logging"]["data"] == {"level": "debug"}
    assert "--log-level-file=/etc/autotune/logging/level" in container(usual)["args"]


@pytest.mark.parametrize("value, words", [
    ("rulesConfigMap=Our_Rules", "rulesConfigMap"),
    ("replicaCount=2", "replicaCount"),
    ("image.tga=1", "tga"),
    ("image.pullPolicy=Sometimes", "pullPolicy"),
    ("operator.workers=0", "workers"),
    ("operator.logLevel=loud", "logLevel"),
    ("operator.retention.tasks=7d", "tasks"),
    ("watchNamespaces=team-a", "watchNamespaces"),
    ("watchNamespaces={Team_A}", "watchNamespaces"),
    ("rules.vllm=x", "rules"),
    ("crds.keep=yes", "keep"),
    ("operator.allowServiceAccounts={}", "allowServiceAccounts"),
    ("operator.benchResources.limit.cpu=1", "benchResources"),
    ("operator.gpuPrices.H100=free", "gpuPrices"),
    ("operator.gpuPrices.H100=0", "gpuPrices"),
    ("podMonitor.interval=often", "interval"),
    ("fullnameOverride=Tuner", "fullnameOverride"),
    ("fullnameOverride=-tuner", "fullnameOverride"),
    ("fullnameOverride=a.b", "fullnameOverride"),
    ("nameOverride=Tuner", "nameOverride"),
    ("terminationGracePeriodSeconds=30", "terminationGracePeriodSeconds"),
    ("podDisruptionBudget.maxUnavailable=half", "maxUnavailable"),
    ("networkPolicy.uiFrom[0].podSelectr.a=b", "uiFrom"),
    ("networkPolicy.metricsFrom[0].ipBlock.cidr=10.0.0.1", "metricsFrom"),
    ("networkPolicy.apiServerTo[0].podSelector.matchLabel.a=b", "apiServerTo"),
    ("networkPolicy.extraEgress[0].from[0].podSelector.a=b", "extraEgress"),
])
def test_wrong_values_are_refused_by_name(helm, value, words):
    answer = helm("template", "tuner", CHART, "--set", value)
    assert answer.returncode != 0 and words in answer.stderr, answer.stderr


def test_the_packaged_chart_renders_the_same(helm, tmp_path):
    copy = tmp_path / "autotune-operator"
    shutil.copytree(CHART, copy)
    packaged = helm("package", copy, "--destination", tmp_path)
    assert packaged.returncode == 0, packaged.stderr
    (archive,) = tmp_path.glob("*.tgz")
    assert helm("template", "x", archive).stdout == helm("template", "x", CHART).stdout
