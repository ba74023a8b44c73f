"""Values: sets that people use, ones that contradict each other, and the description of every one of them."""

import json
import re
import subprocess

import pytest
import yaml

from chart import CHART, ROOT, container, operator_pod, render, render_hooks

SETS = sorted((ROOT / "tests/chart/values").glob("*.yaml"))
sets = pytest.mark.parametrize("values", SETS, ids=[path.stem for path in SETS])


def test_there_are_value_sets_for_the_usual_clusters():
    assert len(SETS) >= 11


@sets
def test_lint_is_clean(helm, values):
    answer = helm("lint", "--strict", CHART, "--values", values)
    assert answer.returncode == 0 and "[WARNING]" not in answer.stdout, answer.stdout + answer.stderr


@sets
def test_every_object_has_the_labels_and_a_namespace(helm, values):
    objects = render(helm, "--values", values)
    for (kind, name, *_), rendered in objects.items():
        metadata = rendered["metadata"]
        if not name.startswith("certificates") and not name.endswith("-extra"):
            assert metadata["labels"]["app.kubernetes.io/instance"] == "tuner", (kind, name)
        if not kind.startswith("Cluster") and kind != "CustomResourceDefinition" and not name.endswith("-extra"):
            assert metadata["namespace"], (kind, name)


@sets
def test_a_real_api_server_takes_what_is_rendered(helm, api_server, values, tmp_path):
    rendered = helm("template", "tuner", CHART, "--namespace", "default", "--values", values)
    assert rendered.returncode == 0, rendered.stderr
    # The CRDs of the Prometheus Operator are not in this cluster.
    objects = [o for o in yaml.safe_load_all(rendered.stdout) if o and o["apiVersion"] != "monitoring.coreos.com/v1"]
    # A dry run of a pod looks for its ServiceAccount, which a dry run does not create.
    accounts = [o for o in objects if o["kind"] == "ServiceAccount"]
    created = api_server.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input=yaml.safe_dump_all(accounts))
    assert not accounts or created.returncode == 0, created.stderr
    manifest = tmp_path / "rendered.yaml"
    manifest.write_text(yaml.safe_dump_all(objects))
    answer = api_server.kubectl("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict",
                                "-f", manifest)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("values, message", [
    (["rulesConfigMap=a", r"rules.vllm\.yaml=x"], "rules and rulesConfigMap exclude each other"),
    (["leaderElection.renewDeadline=15"], "leaderElection.renewDeadline (15) must be less than leaderElection.leaseDuration (15)"),
    (["leaderElection.retryPeriod=9"], "leaderElection.retryPeriod (9) must be less than leaderElection.renewDeadline (10) / 1.2"),
    (["serviceAccount.create=false"], "serviceAccount.create is false and serviceAccount.name is empty"),
    (["operator.allowVolumes={hostPath}"], "set operator.allowHostPath=true instead"),
    (["podDisruptionBudget.maxUnavailable=2"], "podDisruptionBudget.maxUnavailable (2) must be less than replicas (2)"),
    ([r"podLabels.app\.kubernetes\.io/name=x"], "podLabels has app.kubernetes.io/name"),
    ([r"commonLabels.app\.kubernetes\.io/instance=x"], "commonLabels has app.kubernetes.io/instance"),
    (["extraArgs={--workers=3}"], "extraArgs has --workers: set operator.workers"),
    (["extraArgs={--health-addr,:9000}"], "extraArgs has --health-addr"),
    (["extraEnv[0].name=POD_UID"], "extraEnv has POD_UID"),
    (["extraVolumes[0].name=rules"], "extraVolumes has rules twice"),
    (["extraVolumeMounts[0].name=a", "extraVolumeMounts[0].mountPath=/a"], "names the volume a, which extraVolumes does not have"),
    (["securityContext.privileged=true"], "exclude each other"),
    (["metrics.authorization=true"], "metrics.authorization needs metrics.tls.secretName"),
    (["podMonitor.enabled=true", "metrics.tls.secretName=a"], "podMonitor.tlsConfig is empty"),
    (["podMonitor.enabled=true", "metrics.tls.secretName=a", "podMonitor.tlsConfig.serverName=b", "metrics.authorization=true"],
     "podMonitor.authorization is empty"),
    (["extraVolumes[0].name=metrics-tls"], "extraVolumes has metrics-tls twice"),
    (["podDisruptionBudget.maxUnavailable=100%"], "podDisruptionBudget.maxUnavailable (100%) must be less than replicas (2)"),
    (["podDisruptionBudget.maxUnavailable=51%"], "podDisruptionBudget.maxUnavailable (51%) must be less than replicas (2)"),
    (["replicas=3", "podDisruptionBudget.maxUnavailable=67%"], "podDisruptionBudget.maxUnavailable (67%) must be less than replicas (3)"),
    (["networkPolicy.metricsFrom[0].podSelector.matchLabels.a=b"], "networkPolicy.metricsFrom has no effect without networkPolicy.enabled=true"),
    (["networkPolicy.extraEgress[0].ports[0].port=80"], "networkPolicy.extraEgress has no effect"),
    (["networkPolicy.enabled=true", "networkPolicy.uiFrom[0].podSelector.matchLabels.a=b"], "networkPolicy.uiFrom has no effect without ui.enabled=true"),
    (["podMonitor.enabled=true", "podMonitor.tlsConfig.serverName=a"], "podMonitor.tlsConfig needs metrics.tls.secretName"),
    (["podMonitor.enabled=true", "podMonitor.authorization.credentials.name=a"], "podMonitor.authorization needs metrics.authorization=true"),
    (["extraArgs={workers}"], "extraArgs has workers, which does not begin with --"),
    (["extraArgs={--no-such-flag=1}"], "extraArgs has --no-such-flag, which is no flag of the operator"),
    (["prometheusRule.alertLabels.severity=page"], "prometheusRule.alertLabels has severity"),
    ([r"podLabels.app\.kubernetes\.io/version=x"], "podLabels has app.kubernetes.io/version, which the chart sets"),
    ([r"grafanaDashboard.labels.helm\.sh/chart=x"], "grafanaDashboard.labels has helm.sh/chart, which the chart sets"),
    ([r"podAnnotations.autotuner\.io/rules-checksum=x"], "podAnnotations has autotuner.io/rules-checksum"),
])
def test_contradicting_values_fail_with_one_message(helm, values, message):
    answer = helm("template", "tuner", CHART, *[part for value in values for part in ("--set", value)])
    assert answer.returncode != 0
    assert message in answer.stderr
    assert answer.stderr.count("rror") == 2, "Error: execution error at ..., once"


def test_every_flag_that_the_chart_sets_is_refused_in_extra_args(helm):
    everything = render(helm, "--values", ROOT / "tests/chart/values/permissive.yaml",
                        "--values", ROOT / "tests/chart/values/hardened.yaml", "--set", "watchNodes=false",
                        "--set", "watchNamespaces={a}", "--set", "rulesConfigMap=b")
    for argument in container(everything)["args"]:
        flag = argument.split("=")[0]
        answer = helm("template", "tuner", CHART, "--set", f"extraArgs={{{flag}=1}}")
        assert f"extraArgs has {flag}:" in answer.stderr, flag


def test_every_flag_of_the_operator_is_a_value_or_an_extra_argument(helm):
    flags = re.findall(r'add_(?:option|flag)\("(--[a-z-]+)', (ROOT / "operator/main.cpp").read_text())
    assert len(flags) > 30
    for flag in flags:
        answer = helm("template", "tuner", CHART, "--set", f"extraArgs={{{flag}=1}}")
        assert answer.returncode == 0 or f"extraArgs has {flag}: set " in answer.stderr, answer.stderr


class OnlyOnce(yaml.SafeLoader):
    """Rejects a key that is written twice, which the usual loader does not."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"a key is written twice: {keys}"
        return super().construct_mapping(node, deep)


def test_no_key_is_written_twice(helm):
    key = r"kubectl\.kubernetes\.io/default-container"
    values = [f"podAnnotations.{key}=engine", "commonLabels.team=a", "podLabels.team=b", "podMonitor.labels.team=c",
              "prometheusRule.labels.team=d", "grafanaDashboard.labels.team=e", "podMonitor.enabled=true",
              "prometheusRule.enabled=true", "grafanaDashboard.enabled=true", r"rules.vllm\.yaml=x"]
    answer = helm("template", "tuner", CHART, "--namespace", "tuning", *[part for value in values for part in ("--set", value)])
    assert answer.returncode == 0, answer.stderr
    objects = {o["kind"]: o for o in yaml.load_all(answer.stdout, OnlyOnce) if o}
    pod = objects["Deployment"]["spec"]["template"]["metadata"]
    assert pod["annotations"]["kubectl.kubernetes.io/default-container"] == "engine"
    assert (pod["labels"]["team"], objects["Deployment"]["metadata"]["labels"]["team"]) == ("b", "a")
    assert [objects[kind]["metadata"]["labels"]["team"] for kind in ("PodMonitor", "PrometheusRule")] == ["c", "d"]


def test_the_operator_knows_every_flag_that_the_chart_sets(helm):
    source = (ROOT / "operator/main.cpp").read_text()
    for values in SETS:
        for argument in container(render(helm, "--values", values))["args"]:
            assert f'"{argument.split("=")[0]}"' in source.replace('--watch-nodes,!--no-watch-nodes', '--no-watch-nodes'), argument


def test_the_schema_has_every_value_and_no_other():
    schema = json.loads((CHART / "values.schema.json").read_text())

    def keys(node, path=""):
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rsplit("/", 1)[1]]
        for name, child in node.get("properties", {}).items():
            yield path + name
            yield from keys(child, f"{path}{name}.")

    def given(values, path=""):
        for name, value in values.items():
            yield path + name
            if isinstance(value, dict):
                yield from given(value, f"{path}{name}.")

    free = ("podSecurityContext.", "securityContext.", "grafanaDashboard.labels.", "resources.")
    known = {key for key in keys(schema) if not key.endswith(("Resources.requests", "Resources.limits"))
             and not key.startswith(free)}
    described = {key for key in given(yaml.safe_load((CHART / "values.yaml").read_text())) if not key.startswith(free)}
    assert known == described


def test_the_table_of_values_is_current():
    checked = subprocess.run([ROOT / "scripts/chart-values", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_no_user_is_fixed(helm):
    pod = operator_pod(render(helm, "--values", ROOT / "tests/chart/values/openshift.yaml"))
    text = json.dumps(pod)
    assert not [key for key in ("runAsUser", "runAsGroup", "fsGroup", "seLinuxOptions") if key in text]
    (token,) = [volume for volume in pod["volumes"] if volume["name"] == "api-access"]
    assert token["projected"]["defaultMode"] == 0o444, "files belong to root where no user or group is fixed"


def test_the_global_registry_replaces_the_registries_of_our_images(helm):
    objects = render(helm, "--values", ROOT / "tests/chart/values/air-gapped.yaml")
    mirror = "registry.internal:5000/mirror"
    operator = container(objects)
    assert operator["image"] == f"{mirror}/autotuner/autotune:0.1.0"
    assert f"--tools-image={mirror}/autotuner/autotune:0.1.0" in operator["args"]
    assert operator_pod(objects)["imagePullSecrets"] == [{"name": "own"}, {"name": "mirror"}]
    test = render_hooks(helm, "--values", ROOT / "tests/chart/values/air-gapped.yaml")["Pod", "tuner-autotune-operator-test"]
    images = {c["image"] for c in test["spec"]["containers"] + test["spec"]["initContainers"]}
    assert all(image.startswith(f"{mirror}/") for image in images)
    # A name without a registry keeps all of its parts.
    plain = container(render(helm, "--set", "global.imageRegistry=mirror.local", "--set", "image.repository=team/autotune"))
    assert plain["image"] == "mirror.local/team/autotune:0.1.0"


def test_extra_objects_are_rendered_as_templates(helm):
    objects = render(helm, "--values", ROOT / "tests/chart/values/extras.yaml")
    assert objects["ConfigMap", "certificates"]["metadata"]["namespace"] == "tuning"
    assert objects["ConfigMap", "tuner-autotune-operator-extra"]["data"] == {"release": "tuner"}
    assert {"name": "certificates", "mountPath": "/certificates", "readOnly": True} in container(objects)["volumeMounts"]


def test_the_network_policy_lets_in_metrics_and_out_dns_and_the_api_server(helm):
    policy = render(helm, "--values", ROOT / "tests/chart/values/hardened.yaml")["NetworkPolicy", "tuner-autotune-operator"]
    metrics, _ = policy["spec"]["ingress"]
    assert [port["port"] for port in metrics["ports"]] == ["metrics"]
    plain = render(helm, "--set", "networkPolicy.enabled=true")["NetworkPolicy", "tuner-autotune-operator"]
    assert [port["port"] for port in plain["spec"]["ingress"][0]["ports"]] == ["health"]
    assert "health" in [port["name"] for port in container(render(helm))["ports"]]
    dns, api = policy["spec"]["egress"]
    assert {(port["protocol"], port["port"]) for port in dns["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert [port["port"] for port in api["ports"]] == [6443] and api["to"] == [{"ipBlock": {"cidr": "10.0.0.1/32"}}]


def test_the_helm_test_has_no_label_of_the_operator(helm):
    selector = render(helm)["Deployment", "tuner-autotune-operator"]["spec"]["selector"]["matchLabels"]
    hooks = render_hooks(helm)
    assert not selector.items() <= hooks["Pod", "tuner-autotune-operator-test"]["metadata"]["labels"].items()
    assert {o["metadata"]["annotations"]["helm.sh/hook"] for o in hooks.values()} == {"test"}, "none runs at an installation"
    assert not render_hooks(helm, "--set", "tests.enabled=false")


def test_artifact_hub_annotations_are_valid_and_current():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"]
    annotations = {name.removeprefix("artifacthub.io/"): text for name, text in chart["annotations"].items()}
    assert annotations["license"] == "Apache-2.0"
    (image,) = yaml.safe_load(annotations["images"])
    assert image["image"] == f"ghcr.io/autotuner/autotune:{chart['appVersion']}"
    assert {change["kind"] for change in yaml.safe_load(annotations["changes"])} <= {
        "added", "changed", "deprecated", "removed", "fixed", "security"}
    for example in yaml.safe_load(annotations["crdsExamples"]):
        assert example["kind"] == "AutotuneTask"


def test_the_example_of_artifact_hub_and_of_the_helm_test_are_valid_tasks(helm, crd):
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    tasks = yaml.safe_load(chart["annotations"]["artifacthub.io/crdsExamples"])
    tasks.append(yaml.safe_load(render_hooks(helm)["ConfigMap", "tuner-autotune-operator-test"]["data"]["task.yaml"]))
    for task in tasks:
        answer = crd.kubectl("create", "--dry-run=server", "-f", "-", input=json.dumps(task))
        assert answer.returncode == 0, answer.stderr


def test_the_helm_test_has_the_rights_that_it_needs_and_no_others(helm, crd):
    """Its commands, as its ServiceAccount, against the real API server; there is no node that could run its pod."""
    hooks = render_hooks(helm, "--namespace", "default")
    rights = [o for o in hooks.values() if o["kind"] in ("ServiceAccount", "Role", "RoleBinding")]
    name = "tuner-autotune-operator"
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "default"}, "spec": {
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}}
    applied = crd.kubectl("apply", "-f", "-", input=yaml.safe_dump_all([*rights, deployment]))
    assert applied.returncode == 0, applied.stderr
    account = f"--as=system:serviceaccount:default:{name}-test"
    available, takes = [c["args"] for c in (hooks["Pod", f"{name}-test"]["spec"][kind][0]
                                            for kind in ("initContainers", "containers"))]
    # The deployment has no pod here, so what is waited for is one that is there; the right is the same.
    waiting = ["--for=jsonpath={.metadata.name}=" + name if a.startswith("--for") else a for a in available]
    answer = crd.kubectl(*waiting, "-n", "default", account)
    assert answer.returncode == 0, answer.stderr
    task = hooks["ConfigMap", f"{name}-test"]["data"]["task.yaml"]
    answer = crd.kubectl(*[a for a in takes if not a.startswith("--filename")], "-f", "-", "-n", "default", account, input=task)
    assert answer.returncode == 0, answer.stderr
    for verb, kind in (("create", "pods"), ("get", "secrets"), ("delete", f"deployment/{name}"), ("list", "autotunetasks")):
        assert crd.kubectl("auth", "can-i", verb, kind, "-n", "default", account).stdout.strip() == "no", (verb, kind)


@pytest.mark.parametrize("values, words", [
    ([], "A first task:"),
    (["watchNamespaces={a,b}"], "AutotuneTasks of a, b."),
    (["crds.keep=false"], "deletes every AutotuneTask"),
    (["prometheusRule.enabled=true"], "podMonitor.enabled is false"),
    (["networkPolicy.enabled=true"], "on the ports 443, 6443"),
    (["crds.enabled=false"], "set watchNamespaces in both"),
    (["operator.allowServiceAccounts={*}"], "every ServiceAccount"),
])
def test_notes_say_what_to_do_and_what_is_dangerous(helm, values, words):
    answer = helm("install", "x", CHART, "--dry-run=client", *[part for value in values for part in ("--set", value)])
    assert answer.returncode == 0, answer.stderr
    notes = answer.stdout.split("NOTES:")[1]
    assert words in notes
    assert "WARNING" not in notes or values


def test_metrics_over_tls_have_a_port_of_their_own_and_readers_of_their_own(helm):
    objects = render(helm, "--values", ROOT / "tests/chart/values/monitoring.yaml", "--set", "networkPolicy.enabled=true")
    operator = container(objects)
    assert {"--metrics-addr=:8443", "--metrics-tls-dir=/etc/autotune/metrics-tls", "--metrics-authorization"} <= set(operator["args"])
    assert {"name": "metrics", "containerPort": 8443} in operator["ports"]
    (volume,) = [v for v in operator_pod(objects)["volumes"] if v["name"] == "metrics-tls"]
    assert volume["secret"] == {"secretName": "autotune-metrics", "defaultMode": 0o444}
    (endpoint,) = objects["PodMonitor", "tuner-autotune-operator"]["spec"]["podMetricsEndpoints"]
    assert (endpoint["port"], endpoint["scheme"]) == ("metrics", "https")
    assert endpoint["authorization"] == {"credentials": {"name": "prometheus-token", "key": "token"}}
    policy = objects["NetworkPolicy", "tuner-autotune-operator"]["spec"]
    assert [rule["ports"][0]["port"] for rule in policy["ingress"]] == ["metrics"], "probes come from the node"
    roles = {key[1]: value["rules"] for key, value in objects.items() if key[0] == "ClusterRole"}
    assert roles["tuning:tuner-autotune-operator-metrics"] == [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]
    assert [rule["resources"] for rule in roles["tuning:tuner-autotune-operator-reviews"]] == [["tokenreviews"], ["subjectaccessreviews"]]
    plain = render(helm)
    assert not [flag for flag in container(plain)["args"] if flag.startswith("--metrics")]
    assert not [key for key in plain if key[0] == "ClusterRole" and key[1].endswith(("-metrics", "-reviews"))]


def test_the_pages_have_a_port_a_service_and_peers_of_their_own_and_are_off_by_default(helm):
    objects = render(helm, "--values", ROOT / "tests/chart/values/hardened.yaml")
    (operator,) = operator_pod(objects)["containers"]
    assert "--ui=:8082" in operator["args"]
    assert {"name": "ui", "containerPort": 8082} in operator["ports"]
    service = objects["Service", "tuner-autotune-operator-ui"]["spec"]
    assert service["ports"] == [{"name": "http", "port": 80, "targetPort": "ui"}]
    rule = objects["NetworkPolicy", "tuner-autotune-operator"]["spec"]["ingress"][1]
    assert rule == {"ports": [{"protocol": "TCP", "port": "ui"}],
                    "from": [{"podSelector": {"matchLabels": {"app": "oauth2-proxy"}}}]}
    usual = render(helm, "--set", "networkPolicy.enabled=true")
    assert not any(key[0] == "Service" for key in usual)
    assert not any("--ui" in word for word in operator_pod(usual)["containers"][0]["args"])
    assert len(usual["NetworkPolicy", "tuner-autotune-operator"]["spec"]["ingress"]) == 1
