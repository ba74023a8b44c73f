"""scripts/release as a dry run: what it builds is verified, reported where it is not whole, and what was changed is found."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from registry import Registry

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from release_image import ImageError, root_archive, verify_image, write_image  # noqa: E402

PROGRAMS = ("autotune", "autotune-operator", "autotune-bench", "autotune-launch")
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
VERSION = re.search(r"^project\(autotune VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


def release(*arguments):
    return subprocess.run([ROOT / "scripts/release", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "PATH": os.environ["PATH"]})


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The artifacts of this version, from the programs that `scripts/test release` has built."""
    built = next((path for preset in ("release", "dev") if (path := ROOT / f"build/{preset}/bin").exists()
                  and all((path / name).exists() for name in PROGRAMS)), None)
    assert built, "build the programs first: scripts/test release"
    programs = tmp_path_factory.mktemp("programs")
    (programs / f"linux-{ARCHITECTURE}").mkdir()
    for name in PROGRAMS:
        shutil.copy2(built / name, programs / f"linux-{ARCHITECTURE}")
    output = tmp_path_factory.mktemp("out") / "release"
    ran = release("--dry-run", "--programs", programs, "--output", output, VERSION)
    assert ran.returncode == 0, ran.stderr
    return output, ran.stdout


@pytest.fixture
def copy(built, tmp_path):
    shutil.copytree(built[0], tmp_path / "release")
    return tmp_path / "release"


def test_a_dry_run_names_what_this_machine_cannot_do(built):
    lines = [line for line in built[1].splitlines() if line.startswith("NOT DONE: ")]
    assert any("CLI archive linux/" in line and "no programs of that architecture" in line for line in lines)
    assert any("signature" in line for line in lines) and any("image linux/" in line for line in lines)


def test_what_was_built_can_be_verified_again(built):
    ran = release("--verify", built[0])
    assert ran.returncode == 0, ran.stderr
    assert f"verified {VERSION}: " in ran.stdout


@pytest.mark.parametrize("name", ["SHA256SUMS", f"autotune-operator-{VERSION}.tgz", "krew-autotune.yaml",
                                  f"autotune-{VERSION}.spdx.json"])
def test_a_changed_file_is_found(copy, name):
    with (copy / name).open("ab") as file:
        file.write(b"\n")
    ran = release("--verify", copy)
    assert ran.returncode == 1, ran.stdout


def test_an_added_and_a_missing_file_are_found(copy):
    (copy / "extra").write_text("")
    assert "extra" in release("--verify", copy).stderr
    (copy / "extra").unlink()
    (copy / "krew-autotune.yaml").unlink()
    assert "krew-autotune.yaml" in release("--verify", copy).stderr


def test_the_sbom_has_our_sources_and_the_packages_that_are_linked(built):
    document = json.loads((built[0] / f"autotune-{VERSION}.spdx.json").read_text())
    names = {package["name"] for package in document["packages"]}
    assert {"autotune", "libc6", "libstdc++6"} <= names
    files = {file["fileName"] for file in document["files"]}
    assert "./operator/main.cpp" in files and len(files) > 500
    identifiers = [element["SPDXID"] for element in document["packages"] + document["files"]]
    assert len(identifiers) == len(set(identifiers))
    known = {*identifiers, "SPDXRef-DOCUMENT"}
    for relationship in document["relationships"]:
        assert {relationship["spdxElementId"], relationship["relatedSpdxElement"]} <= known
    for package in document["packages"][1:]:
        (reference,) = package["externalRefs"]
        assert reference["referenceLocator"].startswith(f"pkg:deb/debian/{package['name']}@{package['versionInfo']}?arch=")


def test_the_krew_manifest_installs_what_the_archive_has(built):
    (entry,) = yaml.safe_load((built[0] / "krew-autotune.yaml").read_text())["spec"]["platforms"]
    archive = built[0] / entry["uri"].rsplit("/", 1)[1]
    listed = subprocess.run(["tar", "-tzf", archive], check=True, capture_output=True, text=True).stdout.split()
    folder = archive.name.removesuffix(".tar.gz")
    assert f"{folder}/{entry['bin']}" in listed and f"{folder}/LICENSE" in listed


def test_the_same_commit_gives_the_same_archive(built, tmp_path):
    programs = tmp_path / "programs"
    (archive,) = built[0].glob("*.tar.gz")
    (tmp_path / "first").mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path / "first"], check=True)  # Debian's shutil knows no filter
    architecture = archive.name.removesuffix(".tar.gz").rsplit("-", 1)[1]
    (folder,) = (tmp_path / "first").iterdir()
    (programs / f"linux-{architecture}").mkdir(parents=True)
    shutil.copy2(folder / "autotune", programs / f"linux-{architecture}")
    again = tmp_path / "again"
    assert release("--dry-run", "--programs", programs, "--output", again, VERSION).returncode == 0
    assert (again / archive.name).read_bytes() == archive.read_bytes()


def test_a_container_engine_runs_the_image(built, tmp_path):
    """buildah unpacks it, and its command line runs without anything else of this machine."""
    if os.geteuid() != 0 or not shutil.which("buildah"):
        pytest.skip("needs root and buildah")
    buildah = ["buildah", "--root", tmp_path / "store", "--runroot", tmp_path / "run", "--storage-driver", "vfs"]

    def run(*arguments):
        ran = subprocess.run([*map(str, buildah + list(arguments))], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    container = run("from", "--signature-policy", policy, f"oci-archive:{built[0]}/autotune-image-{VERSION}.tar:{VERSION}")
    config = json.loads(run("inspect", container))["OCIv1"]
    assert config["architecture"] == ARCHITECTURE and config["config"]["User"] == "65532:65532"
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == VERSION
    assert run("run", "--isolation", "chroot", container, "--", "autotune", "--version") == f"autotune {VERSION}"
    run("rm", container)


def fake_root(folder, architecture):
    """The programs of an architecture, as far as their heads tell."""
    for name in PROGRAMS:
        path = folder / "usr/local/bin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\x7fELF" + bytes(14) + {"amd64": 62, "arm64": 183}[architecture].to_bytes(2, "little"))
    return root_archive(folder, 1)


def test_an_image_has_the_programs_of_each_architecture(tmp_path):
    roots = {architecture: fake_root(tmp_path / architecture, architecture) for architecture in ("amd64", "arm64")}
    image = tmp_path / "image.tar"
    write_image(image, roots, "1.2.3", "2026-01-01T00:00:00Z", {})
    assert verify_image(image, "1.2.3", PROGRAMS) == ["amd64", "arm64"]
    first = image.read_bytes()
    write_image(image, roots, "1.2.3", "2026-01-01T00:00:00Z", {})
    assert image.read_bytes() == first
    with pytest.raises(ImageError, match="is not version 1.2.4"):
        verify_image(image, "1.2.4", PROGRAMS)
    with pytest.raises(ImageError, match="amd64: other is missing"):
        verify_image(image, "1.2.3", (*PROGRAMS, "other"))
    write_image(image, {"amd64": roots["arm64"]}, "1.2.3", "2026-01-01T00:00:00Z", {})
    with pytest.raises(ImageError, match="amd64: autotune is of another architecture"):
        verify_image(image, "1.2.3", PROGRAMS)


def test_the_chart_survives_a_registry(built, tmp_path):
    tools = subprocess.run([ROOT / "tests/cluster/tools.sh", "helm"], check=True, stdout=subprocess.PIPE, text=True)
    helm = pathlib.Path(tools.stdout.split()[-1]) / "helm"
    chart = built[0] / f"autotune-operator-{VERSION}.tgz"
    with Registry() as registry:
        url = f"oci://localhost:{registry.port}/charts"
        for command in (["push", chart, url], ["pull", f"{url}/autotune-operator", "--version", VERSION, "-d", tmp_path]):
            ran = subprocess.run([helm, *command, "--plain-http"], capture_output=True, text=True)
            assert ran.returncode == 0, ran.stderr
    assert (tmp_path / chart.name).read_bytes() == chart.read_bytes()


@pytest.mark.parametrize("version, words", [
    ("1", 'not a version'),
    ("9.9.9", "CMakeLists.txt is"),
])
def test_a_version_that_the_sources_do_not_have_is_refused(version, words):
    ran = release("--dry-run", version)
    assert ran.returncode == 1 and words in ran.stderr


def test_without_dry_run_what_is_lacking_ends_the_release(tmp_path):
    ran = release("--programs", tmp_path, "--output", tmp_path / "out", VERSION)
    assert ran.returncode == 1 and ran.stderr.startswith("release: ")
    assert not (tmp_path / "out/SHA256SUMS").exists()


def test_the_workflow_calls_the_same_script():
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())
    steps = [step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"]]
    assert sum("scripts/release --programs" in step for step in steps) == 2
    assert any("oci-archive:$files/autotune-image-$version.tar" in step for step in steps)
