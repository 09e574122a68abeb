"""A hook of MkDocs: what pages link to outside `docs/` becomes part of the site, below `repository/`.

Notable: on the hosting service and in a checkout these links lead to the files themselves, and both must work. A
Markdown file becomes a page, whose own links are treated in the same way; any other file is copied. A folder has no
page, so its link becomes plain text.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = "docs"
OTHERS = "repository"
# Files that the navigation names, beside those that pages link to.
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md")

_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_FILE = re.compile(r"\A```(\w+) file=(\S+)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def in_repository(page: str) -> str:
    """The place in the repository of a page of the site."""
    return page.removeprefix(f"{OTHERS}/") if page.startswith(f"{OTHERS}/") else f"{PAGES}/{page}"


def site_page(path: str) -> str:
    """The page of the site for a place in the repository."""
    return path.removeprefix(f"{PAGES}/") if path.startswith(f"{PAGES}/") else f"{OTHERS}/{path}"


def linked(text: str, path: str) -> set[str]:
    """The files outside `docs/` that a file of the repository links to."""
    outside = _FENCE.sub("", text)
    found = {posixpath.normpath(posixpath.join(posixpath.dirname(path), match[2])) for match in _LINK.finditer(outside)}
    return {place for place in found if not place.startswith((f"{PAGES}/", "..")) and (ROOT / place).is_file()}


def on_files(files: Files, config: Any) -> Files:
    """Add what pages link to, and what that links to."""
    waiting = set(ALWAYS)
    for file in files.documentation_pages():
        waiting |= linked(file.content_string, in_repository(file.src_uri))
    done: set[str] = set()
    while waiting:
        path = waiting.pop()
        done.add(path)
        files.append(File.generated(config, site_page(path), abs_src_path=str(ROOT / path)))
        if path.endswith(".md"):
            waiting |= linked((ROOT / path).read_text(encoding="utf-8"), path) - done
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead the links of a page to where their files lie on the site, and give a block the name of its file as title."""
    here = page.file.src_uri
    folder = posixpath.dirname(in_repository(here))

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if (ROOT / target).is_dir():
            return match[1]
        place = posixpath.relpath(site_page(target), posixpath.dirname(here) or ".")
        return f"[{match[1]}]({place}{match[3] or ''})"

    parts = _FENCE.split(markdown)
    return "".join(
        _FILE.sub(r'```\1 title="\2"', part) if part.startswith("```") else _LINK.sub(moved, part) for part in parts
    )
