"""CONTRIBUTING.md is true: its lists of files are complete and its commands exist."""

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
RECIPES = dict(re.findall(r"^### (Add .+?)$(.*?)(?=^##)", TEXT, re.MULTILINE | re.DOTALL))


def example(recipe):
    return re.search(r"Example: `([^`]+)`", recipe)[1]


def listed(recipe):
    return [target for target in re.findall(r"\]\(([^)#]+)\)", recipe.split("|---|---|")[1].split("\n\n")[0])]


def mentions(path, word):
    """Whether a file, or the name or text of any file in a folder, has the word."""
    path = ROOT / path
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    pattern = re.compile(rf"(?<![\w.-])k?{re.escape(word)}(?![\w-])", re.IGNORECASE)
    return any(pattern.search(str(f.relative_to(ROOT)).replace("-", " ").replace("/", " "))
               or pattern.search(f.read_text(errors="replace")) for f in files)


def test_there_is_a_recipe_for_each_of_the_usual_additions():
    assert [name.removeprefix("Add ") for name in RECIPES] == [
        "an engine release", "a preset", "an arrival process", "a checkpoint format", "a failure reason",
        "a deployment target"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_listed_files_have_the_example(name):
    word = example(RECIPES[name])
    missing = [path for path in listed(RECIPES[name])
               if not (ROOT / path).exists() or not (mentions(path, word) or path.startswith("tests/engines/runs"))]
    assert not missing, f"{name}: {word} is not in these files"


# Comments and hints about a release are no part of adding one; a deployment target is also read by tests.
@pytest.mark.parametrize("name", RECIPES)
def test_no_product_file_is_left_out(name):
    word = example(RECIPES[name])
    product = subprocess.run(["git", "ls-files", "*.h", "*.cpp", "*.yaml"], cwd=ROOT, check=True, text=True,
                             stdout=subprocess.PIPE).stdout.split()
    rooms = ("tests/", "docs/", "examples/", "benchmarks/", "simulator/", "charts/autotune-operator/templates/")
    others = [path for path in product if not path.startswith(rooms) and path not in listed(RECIPES[name])
              and mentions(path, word)]
    assert not others, f"{name}: {word} is in these files too; list them in CONTRIBUTING.md"


def test_the_named_scripts_exist():
    for script in set(re.findall(r"`(scripts/[\w-]+)", TEXT)):
        assert (ROOT / script).exists(), script
