"""The documentation: every link leads somewhere, and docs/ builds as a site without a warning."""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = [pathlib.Path(name) for name in subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=True, text=True,
                                                       stdout=subprocess.PIPE).stdout.split()]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(<?([^)\s>]+)>?\)")


def without_code(text):
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The anchors that a forge gives the headings of a page."""
    found, text = set(), re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ +(.+?) *$", text, re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = 1
        while (name := slug if number == 1 else f"{slug}-{number - 1}") in found:
            number += 1
        found.add(name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_inside_the_repository_lead_somewhere(page):
    broken = []
    for target in LINK.findall(without_code((ROOT / page).read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists():
            broken.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            broken.append(f"{target}: no such heading")
    assert not broken, f"{page}: {broken}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    output = tmp_path_factory.mktemp("site")
    built = subprocess.run([ROOT / "scripts/docs", output], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return output


def test_the_site_builds_without_a_warning(site):
    assert (site / "index.html").exists() and (site / "search/search_index.json").exists()


def test_a_broken_link_fails_the_build(tmp_path):
    for part in ("docs", "scripts"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs/support.md").open("a") as page:
        page.write("[a](absent.md) [b](api.md#absent)\n")
    built = subprocess.run([tmp_path / "scripts/docs"], capture_output=True, text=True)
    assert built.returncode != 0
    assert "absent.md" in built.stderr and "#absent" in built.stderr


@pytest.mark.parametrize("folder", ["decisions", "verified"])
def test_the_index_of_a_folder_lists_every_page(site, folder):
    index = (site / folder / "index.html").read_text()
    pages = list((ROOT / "docs" / folder).glob("[0-9]*.md"))
    assert pages
    for page in pages:
        assert f'href="{page.stem}.html"' in index


def test_the_site_loads_nothing_from_other_hosts(site):
    loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?://[^">\s]+)', (site / "index.html").read_text())
    assert not [url for url in loaded if "canonical" not in url and not url.startswith("https://github.com/autotuner/")]
