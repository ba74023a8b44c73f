import os
import pathlib
import subprocess

import pytest

from chart import ROOT


@pytest.fixture(scope="session")
def helm():
    """Runs the real helm; no cluster is asked."""
    tools = subprocess.run([ROOT / "tests/cluster/tools.sh", "helm"], check=True, stdout=subprocess.PIPE, text=True)
    program = pathlib.Path(tools.stdout.strip().splitlines()[-1]) / "helm"
    environment = {**os.environ, "KUBECONFIG": "/dev/null"}
    return lambda *arguments: subprocess.run([program, *map(str, arguments)], capture_output=True, text=True,
                                             env=environment, timeout=120)
