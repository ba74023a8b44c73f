"""Folders that README.md says stand alone do: what their sources include."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
MAY_INCLUDE = {
    "base": ("base/",),
    "kube/core": ("base/", "kube/core/"),
    "kube/client": ("base/", "kube/core/", "kube/client/"),
    "kube/cpprest": ("base/", "kube/core/", "kube/client/", "kube/cpprest/"),
    "kube/runtime": ("base/", "kube/core/", "kube/client/", "kube/runtime/"),
}


def sources(folder):
    return [path for path in (ROOT / folder).iterdir() if path.suffix in (".h", ".cpp")]


@pytest.mark.parametrize("folder", MAY_INCLUDE)
def test_a_folder_includes_only_those_below_it(folder):
    others = [f"{path.name}: {name}" for path in sources(folder) for name in INCLUDE.findall(path.read_text())
              if not name.startswith(MAY_INCLUDE[folder])]
    assert sources(folder) and not others


def test_every_folder_of_the_kubernetes_library_is_checked():
    assert {f"kube/{path.name}" for path in (ROOT / "kube").iterdir() if path.is_dir()} == {
        folder for folder in MAY_INCLUDE if folder.startswith("kube/")}


def test_only_one_folder_includes_the_http_library_of_the_client():
    files = [path for path in ROOT.glob("*/**/*") if path.suffix in (".h", ".cpp") and "build" not in path.parts[:-1]
             and re.search(r"#include <(cpprest|pplx)/", path.read_text())]
    assert {str(path.parent.relative_to(ROOT)) for path in files} == {"kube/cpprest"}
