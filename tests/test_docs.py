"""Every snippet of README and guide runs, page by page, as a reader would go through it in an empty folder."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import TypeAlias

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
SOURCE = DOCS.parent / "src"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))] if DOCS.is_dir() else []

pytestmark = pytest.mark.skipif(not PAGES, reason="about a checkout; an installed package has no docs")

Shell: TypeAlias = Callable[[str, Path], str]

# A command line goes on after a backslash; what does not begin with a prompt is what it prints.
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
LEFT_OUT = "[...]"  # in what a command prints


@dataclass(frozen=True)
class Snippet:
    """A fenced block: its language, the file that it is to be put in, its text, and the line where it begins."""

    language: str
    file: str | None
    text: str
    line: int


def snippets(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Snippet(match[1], match[2], match[3], text.count("\n", 0, match.start()) + 2)


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """Runs what stands behind the prompts, in a shell in which `redheart` is this package, and returns its output. What
    a page leaves running, as a server, is ended with it."""
    programs = tmp_path_factory.mktemp("programs")
    program = programs / "redheart"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'from redheart.cli import main; main()' \"$@\"\n")
    program.chmod(0o755)
    paths = {"PATH": str(programs), "PYTHONPATH": str(SOURCE)}
    joined = {name: os.pathsep.join([path, *filter(None, [os.environ.get(name)])]) for name, path in paths.items()}
    env = {**os.environ, **joined, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    groups: list[int] = []

    def run(text: str, folder: Path) -> str:
        printed = ""
        for command in _COMMAND.findall(text):
            with subprocess.Popen(
                ["bash", "-euc", command], cwd=folder, env=env, stdout=PIPE, stderr=PIPE, text=True, process_group=0
            ) as done:
                groups.append(done.pid)
                output, wrong = done.communicate()
            assert done.returncode == 0, f"{command}\n{output[-2000:]}{wrong[-2000:]}"
            printed += output
        return printed

    yield run
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # PEFT asks for it
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS.parent)))
def test_the_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    for snippet in snippets(page):
        if snippet.file is not None:
            (tmp_path / snippet.file).write_text(snippet.text, encoding="utf-8")
        elif snippet.language == "python":
            # Empty lines in front, so that an error names the line of the page.
            exec(compile("\n" * (snippet.line - 1) + snippet.text, str(page), "exec"), names)
        elif snippet.language == "console":
            assert _COMMAND.search(snippet.text), f"{page.name}:{snippet.line} has no command behind a prompt"
            printed = shell(snippet.text, tmp_path)
        elif snippet.language == "text":
            missing = [line for line in snippet.text.splitlines() if line != LEFT_OUT and line not in printed]
            assert not missing, f"{page.name}:{snippet.line}: the command before it does not print {missing}"
        else:
            pytest.fail(f"{page.name}:{snippet.line}: a block of {snippet.language!r} that nothing runs; name its file")
