"""Alerts and dashboard: only metrics that the operator has, only runbooks that exist, and alerts that fire when they should."""

import json
import re
import subprocess

import pytest
import yaml

from chart import CHART, ROOT, render

SOURCES = [*(ROOT / "kube/runtime").glob("*.cpp"), *(ROOT / "operator/controller").glob("*.cpp")]
METRIC = re.compile(r"\b(?:autotune|controller_runtime|workqueue|rest_client|reflector|leader_election|process)_[a-z_]+\b")


def metrics():
    """Names of the series that the operator exports, as its sources register them."""
    names = set()
    for source in SOURCES:
        text = source.read_text()
        names |= set(re.findall(r'(?:\.Name\(|(?:Counter|Gauge)Of\(registry,\s*)"([a-z_]+)"', text))
        for kind, name in re.findall(r'Make<(Counter|Gauge|Histogram)>\(\s*"([a-z_]+)"', text):
            names |= {name + suffix for suffix in ("_bucket", "_sum", "_count")} if kind == "Histogram" else {name}
    return names


@pytest.fixture(scope="module")
def linter():
    def path(tool):
        built = subprocess.run([ROOT / "tests/chart/linters/build", tool], check=True, stdout=subprocess.PIPE, text=True)
        return built.stdout.strip()
    return path


@pytest.fixture(scope="module")
def rule(helm):
    return render(helm, "--set", "prometheusRule.enabled=true")["PrometheusRule", "tuner-autotune-operator"]


def alerts(rule):
    (group,) = rule["spec"]["groups"]
    return group["rules"]


def dashboard():
    return json.loads((CHART / "files/dashboard.json").read_text())


def expressions():
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def test_alerts_use_only_metrics_that_exist(rule):
    assert len(metrics()) > 30
    for alert in alerts(rule):
        used = set(METRIC.findall(alert["expr"]))
        assert used and used <= metrics(), f"{alert['alert']}: {used - metrics()}"


def test_the_dashboard_uses_only_metrics_that_exist():
    assert len(expressions()) > 15
    for expression in expressions():
        used = set(METRIC.findall(expression))
        assert used and used <= metrics(), f"{expression}: {used - metrics()}"


def test_documented_metrics_exist():
    page = (ROOT / "docs/operations.md").read_text()
    families = metrics() | {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics()}
    for row in re.findall(r"^\| (`[a-z].*?) \|", page.split("## Metrics")[1].split("\n## ")[0], re.MULTILINE):
        for name in re.findall(r"`([a-z_]+_[a-z_]+)`", row):
            assert name in families, name


def test_every_alert_has_a_severity_and_a_runbook_that_exists(rule):
    page = (ROOT / "docs/runbooks.md").read_text()
    runbooks = dict(re.findall(r"^## (\w+)\n\n\*\*(\w+)\*\*", page, re.MULTILINE))
    assert {alert["alert"]: alert["labels"]["severity"] for alert in alerts(rule)} == runbooks
    for alert in alerts(rule):
        url, anchor = alert["annotations"]["runbook_url"].split("#")
        assert url.endswith("/docs/runbooks.md") and anchor == alert["alert"].lower()
        assert alert["annotations"]["summary"] and alert["annotations"]["description"]


def test_values_change_labels_runbooks_and_leave_out_alerts(helm, rule):
    changed = render(helm, "--values", ROOT / "tests/chart/values/monitoring.yaml", "--set",
                     "prometheusRule.runbookUrl=https://wiki.internal/autotune")["PrometheusRule", "tuner-autotune-operator"]
    assert changed["metadata"]["labels"]["release"] == "kube-prometheus-stack"
    names = [alert["alert"] for alert in alerts(changed)]
    assert names == [alert["alert"] for alert in alerts(rule) if alert["alert"] != "AutotuneGpuTimeWasted"]
    for alert in alerts(changed):
        assert alert["labels"]["team"] == "inference" and alert["labels"]["severity"]
        assert alert["annotations"]["runbook_url"].startswith("https://wiki.internal/autotune#")


def test_the_schema_lists_the_alerts_that_can_be_left_out(rule):
    schema = json.loads((CHART / "values.schema.json").read_text())
    listed = schema["properties"]["prometheusRule"]["properties"]["disabled"]["items"]["enum"]
    assert listed == [alert["alert"] for alert in alerts(rule)]


def test_alerts_fire_when_they_should_and_only_then(linter, rule, tmp_path):
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rule["spec"]))
    tests = yaml.safe_load((ROOT / "tests/chart/alerts_test.yaml").read_text())
    # Annotations are compared too: promtool has no way to leave them out, and their texts are not what is tested here.
    texts = {alert["alert"]: alert["annotations"] for alert in alerts(rule)}
    spec = rule["spec"]
    for alert in spec["groups"][0]["rules"]:
        alert.pop("annotations")
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(spec))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(tests))
    for alert in alerts(rule):
        alert["annotations"] = texts[alert["alert"]]
    tested = {case["alertname"] for test in tests["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}
    assert tested == set(texts), "every alert is seen firing"
    ran = subprocess.run([linter("promtool"), "test", "rules", "test.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_expressions_of_the_dashboard_are_valid(linter, tmp_path):
    rules = [{"record": f"panel:{index}", "expr": expression.replace("$__rate_interval", "5m").replace("$namespace", ".*")}
             for index, expression in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = subprocess.run([linter("promtool"), "check", "rules", "rules.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_dashboard_reaches_grafana_unchanged(helm):
    objects = render(helm, "--values", ROOT / "tests/chart/values/monitoring.yaml")
    config_map = objects["ConfigMap", "tuner-autotune-operator-dashboard"]
    assert json.loads(config_map["data"]["autotune.json"]) == dashboard()
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert config_map["metadata"]["annotations"] == {"grafana_folder": "Inference"}


def test_panels_of_the_dashboard_do_not_overlap():
    taken = {}
    for panel in dashboard()["panels"]:
        grid = panel["gridPos"]
        assert 0 <= grid["x"] and grid["x"] + grid["w"] <= 24
        for x in range(grid["x"], grid["x"] + grid["w"]):
            for y in range(grid["y"], grid["y"] + grid["h"]):
                assert (x, y) not in taken, f"{panel['title']} covers {taken[x, y]}"
                taken[x, y] = panel["title"]
    identifiers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(identifiers) == len(set(identifiers))
