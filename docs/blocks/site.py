"""A hook of MkDocs that adds files outside `docs/` to the site, below `repository/`, where pages link to them.

Notable: on the hosting service and in a checkout these links lead to the files themselves, and both must work. A
Markdown file becomes a page, whose links are treated in the same way; any other file is copied. A folder has no page,
so its link becomes plain text.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = "docs"
OTHERS = "repository"
# Files that are only named in the navigation.
ALWAYS = ("CONTRIBUTING.md", "CHANGELOG.md")

_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?\)")
_FILE = re.compile(r"\A```(\w+) file=(\S+)")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def in_repository(page: str) -> str:
    """Return the path in the repository of a page of the site."""
    return page.removeprefix(f"{OTHERS}/") if page.startswith(f"{OTHERS}/") else f"{PAGES}/{page}"


def site_page(path: str) -> str:
    """Return the page of the site for a path in the repository."""
    return path.removeprefix(f"{PAGES}/") if path.startswith(f"{PAGES}/") else f"{OTHERS}/{path}"


def linked(text: str, path: str) -> set[str]:
    """Find the files outside `docs/` that a page links to.

    Args:
        text: The page.
        path: Its path in the repository.

    Returns:
        Paths in the repository.
    """
    outside = _FENCE.sub("", text)
    found = {posixpath.normpath(posixpath.join(posixpath.dirname(path), match[2])) for match in _LINK.finditer(outside)}
    return {place for place in found if not place.startswith((f"{PAGES}/", "..")) and (ROOT / place).is_file()}


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to, and the files that those link to.

    Args:
        files: Files of the site.
        config: Config of MkDocs.

    Returns:
        ``files``.
    """
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
    """Change the links of a page to those of the site, and show the file name of a code block as its title.

    Args:
        markdown: The page.
        page: Its place on the site.

    Returns:
        The page for the site.
    """
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
