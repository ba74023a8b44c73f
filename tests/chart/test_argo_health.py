"""The health script for Argo CD in docs/install.md, run by the Lua machine that Argo CD uses."""

import subprocess

import pytest
import yaml

from chart import ROOT


def script():
    page = (ROOT / "docs/install.md").read_text()
    block = page.split("In `argocd-cm`:")[1].split("```yaml\n")[1].split("```")[0]
    return yaml.safe_load(block)["data"]["resource.customizations.health.autotuner.io_AutotuneTask"]


def lua(value):
    """A value as a Lua expression."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"[{lua(key)}] = {lua(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(map(lua, value)) + "}"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else "'" + value + "'"


def task(*conditions, generation=2, observed=2, suspend=False, deleting=False):
    metadata = {"generation": generation, **({"deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {})}
    return {"metadata": metadata, "spec": {"suspend": suspend}, "status": {
        "observedGeneration": observed,
        "conditions": [{"type": kind, "status": status, "message": f"about {kind}"} for kind, status in conditions]}}


@pytest.fixture(scope="module")
def health(tmp_path_factory):
    built = subprocess.run([ROOT / "tests/chart/linters/build", "glua"], check=True, stdout=subprocess.PIPE, text=True)
    program = tmp_path_factory.mktemp("lua") / "health.lua"

    def judge(obj):
        program.write_text(f"obj = {lua(obj)}\nlocal function health()\n{script()}\nend\n"
                           "local h = health()\nprint(h.status .. '|' .. h.message)\n")
        ran = subprocess.run([built.stdout.strip(), program], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return tuple(ran.stdout.strip().split("|"))

    return judge


@pytest.mark.parametrize("obj, expected", [
    ({"metadata": {"generation": 1}, "spec": {}, "status": {"observedGeneration": -1}}, ("Progressing", "Waiting for the operator")),
    ({"metadata": {"generation": 1}, "spec": {}}, ("Progressing", "Waiting for the operator")),
    (task(("Ready", "Unknown"), ("Reconciling", "True")), ("Progressing", "about Ready")),
    (task(("Ready", "True"), ("Feasible", "True")), ("Healthy", "about Ready")),
    (task(("Ready", "True"), observed=1), ("Progressing", "Waiting for the operator")),
    (task(("Ready", "False"), ("Stalled", "True")), ("Degraded", "about Stalled")),
    (task(("Stalled", "True"), ("Ready", "False")), ("Degraded", "about Stalled")),
    (task(("Ready", "False"), suspend=True), ("Suspended", "spec.suspend is true")),
    (task(("Ready", "True"), deleting=True), ("Progressing", "Deleting")),
], ids=["fresh", "without-status", "searching", "done", "edited", "stalled", "stalled-first", "suspended", "deleting"])
def test_argo_judges_a_task_as_kstatus_does(health, obj, expected):
    assert health(obj) == expected
