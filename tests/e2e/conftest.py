"""Fixtures of the end-to-end tests: one real cluster for all of them, one namespace for each.

  AUTOTUNE_CLUSTER_STATE=DIR   use the cluster that `cluster --state DIR up` has started and leave it running;
                               otherwise one is started and taken down again
  AUTOTUNE_E2E_LOGS=DIR        where the cluster's logs are copied to when a test fails
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from installed_operator import InstalledOperator, load_images  # noqa: E402
from real_cluster import PROGRAM, Namespace, RealCluster, cluster_command  # noqa: E402


@pytest.fixture(scope="session")
def machine():
    """Skips, with the reason, where the machine does not allow a cluster."""
    probe = subprocess.run([PROGRAM, "probe"], capture_output=True, text=True)
    if probe.returncode != 0:
        pytest.skip(f"SKIPPED: no real cluster here: {probe.stdout.strip().removeprefix('no: ')}")


@pytest.fixture(scope="session")
def cluster_state(request):
    """State directory of a running cluster."""
    if given := os.environ.get("AUTOTUNE_CLUSTER_STATE"):
        cluster_command(given, "status")
        yield given
        return
    request.getfixturevalue("machine")
    state = f"/var/tmp/autotune-e2e-{os.getpid()}"
    # The first time on a machine compiles the control plane: 5 minutes on two quiet cores, several times that on busy ones.
    cluster_command(state, "up", timeout=3000)
    yield state
    if request.session.testsfailed and (logs := os.environ.get("AUTOTUNE_E2E_LOGS")):
        shutil.copytree(f"{state}/log", f"{logs}/log", dirs_exist_ok=True, symlinks=True)
        shutil.copy(f"{state}/audit.log", logs)
    cluster_command(state, "down")
    pathlib.Path(f"{state}.lock").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def cluster(cluster_state):
    return RealCluster(cluster_state)


@pytest.fixture
def namespace(cluster, request):
    """A new namespace, named after the test. Afterwards its pods are ended at once, so that they hold no GPU."""
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    name = f"{words[:50].strip('-')}-{os.urandom(3).hex()}"
    cluster.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    # Pods are refused until their ServiceAccount exists.
    cluster.api.wait(f"/api/v1/namespaces/{name}/serviceaccounts/default", bool, f"ServiceAccount of {name}")
    space = Namespace(cluster, name)
    yield space
    cluster.api.delete(space.path("pods"), {"gracePeriodSeconds": 0})
    cluster.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def images(cluster):
    """The product's image and the simulated engine's, under the names that pods ask for."""
    load_images(cluster)


@pytest.fixture(scope="session")
def operator(cluster, images):
    """The operator, installed by the chart; the same one for all tests."""
    installed = InstalledOperator(cluster)
    installed.install()
    installed.wait_until_owners_are_known()
    return installed
