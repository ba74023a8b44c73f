"""kube-score, kube-linter and checkov on what the chart renders: no finding but those that justified.yaml gives a reason for."""

import json
import subprocess

import pytest
import yaml

from chart import CHART, ROOT

SETS = sorted((ROOT / "tests/chart/values").glob("*.yaml"))
JUSTIFIED = yaml.safe_load((ROOT / "tests/chart/linters/justified.yaml").read_text())
BUILD = ROOT / "tests/chart/linters/build"


@pytest.fixture(scope="module")
def manifests(helm, tmp_path_factory):
    """Each set of values, rendered: path by name."""
    folder, paths = tmp_path_factory.mktemp("rendered"), {}
    for values in SETS:
        answer = helm("template", "tuner", CHART, "--namespace", "tuning", "--no-hooks", "--values", values)
        assert answer.returncode == 0, answer.stderr
        paths[values.stem] = folder / f"{values.stem}.yaml"
        paths[values.stem].write_text(answer.stdout)
    return paths


def run(tool, *arguments):
    built = subprocess.run([BUILD, tool], stdout=subprocess.PIPE, text=True)
    assert built.returncode == 0, f"{tool} could not be built"
    return subprocess.run([built.stdout.strip(), *map(str, arguments)], capture_output=True, text=True, timeout=300)


def kube_score(path):
    answer = run("kube-score", "score", "--output-format", "json", path)
    return {check["check"]["id"] for judged in json.loads(answer.stdout) for check in judged["checks"]
            if not check["skipped"] and check["grade"] == 1}


def kube_linter(path):
    answer = run("kube-linter", "lint", "--format", "json", path)
    return {report["Check"] for report in json.loads(answer.stdout)["Reports"] or []}


def checkov(path):
    answer = run("checkov", "-f", path, "--framework", "kubernetes", "--skip-download", "--quiet", "--compact", "-o", "json")
    result = json.loads(answer.stdout)
    assert result["summary"]["passed"] > 50, "something was judged"
    return {check["check_id"] for check in result["results"]["failed_checks"]}


LINTERS = {"kube-score": kube_score, "kube-linter": kube_linter, "checkov": checkov}


@pytest.mark.parametrize("linter", LINTERS)
def test_the_hardened_values_have_no_finding(manifests, linter):
    assert LINTERS[linter](manifests["hardened"]) == set()


@pytest.mark.parametrize("linter", LINTERS)
def test_every_finding_of_the_defaults_is_justified_and_every_justification_is_used(manifests, linter):
    assert LINTERS[linter](manifests["defaults"]) == set(JUSTIFIED[linter])


# checkov takes half a minute; the two sets above are enough for it.
@pytest.mark.parametrize("linter", ["kube-score", "kube-linter"])
@pytest.mark.parametrize("values", [path.stem for path in SETS])
def test_other_values_bring_no_finding_of_their_own(manifests, linter, values):
    own = JUSTIFIED["sets"].get(values, {}).get(linter, {})
    found = LINTERS[linter](manifests[values])
    assert set(own) <= found <= set(JUSTIFIED[linter]) | set(own)
