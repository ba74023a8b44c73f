"""A hook of mkdocs. Links from docs/ to other files of the repository lead to the repository on the site, and the
index of a folder lists its pages."""

import pathlib
import posixpath
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINK = re.compile(r"(\]\()((?:\.\./)+[^)\s#]*)((?:#[^)\s]*)?\))")


def on_page_markdown(markdown, page, config, **_):
    """Rewrites links that leave docs/. A target that does not exist stays as it is, and the strict build reports it."""
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")

    def rewrite(match):
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if target.startswith("docs/") or not (ROOT / target).exists():
            return match[0]
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"{match[1]}{config.repo_url.rstrip('/')}/{kind}/main/{target}{match[3]}"

    return LINK.sub(rewrite, markdown.replace("<!-- pages -->", pages(ROOT / folder)))


def pages(folder):
    """A list with a link to each page of a folder, titled by its first line."""
    return "\n".join(f"- [{page.open().readline().lstrip('# ').strip()}]({page.name})"
                     for page in sorted(folder.glob("[0-9]*.md")))
