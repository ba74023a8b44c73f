"""A real API server for the tests of manifests and of the chart: they need no nodes, so none are started.

  AUTOTUNE_CLUSTER_STATE=DIR   use the cluster that `cluster --state DIR up` has started and leave it running
  AUTOTUNE=FILE                the command line program; otherwise what was built, release before dev
  AUTOTUNE_CLUSTER_REQUIRED=1  this machine can run a cluster: a test that is skipped has failed
"""

import os
import pathlib
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "tests/cluster/cluster"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    if report.skipped and os.environ.get("AUTOTUNE_CLUSTER_REQUIRED"):
        report.outcome = "failed"
        report.longrepr = f"skipped, though a cluster can run here: {report.longrepr[2]}"


@pytest.fixture(scope="session")
def autotune():
    """The command line program."""
    for path in (os.environ.get("AUTOTUNE"), ROOT / "build/release/bin/autotune", ROOT / "build/dev/bin/autotune"):
        if path and pathlib.Path(path).exists():
            return path
    pytest.skip("autotune is not built")


class ApiServer:
    """kubectl and helm against the API server of a running cluster."""

    def __init__(self, state):
        self.state = state

    def _run(self, *arguments, input=None):
        return subprocess.run([PROGRAM, "--state", self.state, *map(str, arguments)], input=input, capture_output=True,
                              text=True, timeout=600)

    def kubectl(self, *arguments, input=None):
        """The finished process: whether it failed is the test's business."""
        return self._run("kubectl", *arguments, input=input)

    def helm(self, *arguments):
        return self._run("helm", *arguments)

    def get(self, *arguments):
        found = self.kubectl("get", *arguments, "-o", "json")
        assert found.returncode == 0, found.stderr
        return yaml.safe_load(found.stdout)


@pytest.fixture(scope="session")
def api_server():
    if given := os.environ.get("AUTOTUNE_CLUSTER_STATE"):
        yield ApiServer(given)
        return
    probe = subprocess.run([PROGRAM, "probe", "--no-kubelet"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"SKIPPED: no API server here: {probe.stdout.strip().removeprefix('no: ')}")
    state = f"/var/tmp/autotune-api-{os.getpid()}"
    subprocess.run([PROGRAM, "--state", state, "up", "--no-kubelet"], check=True, stdout=sys.stderr)
    yield ApiServer(state)
    subprocess.run([PROGRAM, "--state", state, "down"], check=True, stdout=sys.stderr)
    pathlib.Path(f"{state}.lock").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def crd(api_server):
    """The API server with this repository's CRD."""
    applied = api_server.kubectl("apply", "--server-side", "--force-conflicts", "-f", ROOT / "crds")
    assert applied.returncode == 0, applied.stderr
    ready = api_server.kubectl("wait", "--for=condition=Established", "crd/autotunetasks.autotuner.io", "--timeout=30s")
    assert ready.returncode == 0, ready.stderr
    return api_server
