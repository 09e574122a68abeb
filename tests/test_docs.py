"""Every snippet of README and guide runs, page by page, as a reader would go through it in an empty folder."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import TypeAlias

import pytest
import torch
from typer.testing import CliRunner

from redheart.benchmarking import measuring
from redheart.cli import main

from .fixtures.processes import REDHEART, SOURCE, environment

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))] if DOCS.is_dir() else []

pytestmark = pytest.mark.skipif(not PAGES, reason="about a checkout; an installed package has no docs")

Shell: TypeAlias = Callable[[str, Path], str]

# A command line continues after a backslash; what does not begin with a prompt is what it prints.
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
ACCELERATE = (sys.executable, "-m", "accelerate.commands.accelerate_cli")
# Page -> packages and a program that its snippets need, and that are not among those of development.
NEEDS = {"clusters": (("ray", "pyspark"), "java"), "other-stacks": (("sentence_transformers",), None)}
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
def shell(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Runs what stands behind the prompts: a line of `redheart` alone in this process, what else a shell can do in a
    shell in which `redheart` is this package and `accelerate` is of this Python. What a page leaves running, as a
    server, is ended with it."""
    programs = tmp_path_factory.mktemp("programs")
    for name, words in (("redheart", REDHEART), ("accelerate", ACCELERATE)):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        program.chmod(0o755)
    env = environment(PATH=os.pathsep.join([str(programs), os.environ["PATH"]]))
    groups: list[int] = []

    def run(text: str, folder: Path) -> str:
        printed = ""
        for command in _COMMAND.findall(text):
            if (words := own_words(command)) is not None:
                printed += run_here(words, folder)
                continue
            with subprocess.Popen(
                ["bash", "-euc", command], cwd=folder, env=env, stdout=PIPE, stderr=PIPE, text=True, process_group=0
            ) as done:
                groups.append(done.pid)
                output, wrong = done.communicate()
            assert done.returncode == 0, f"{command}\n{output[-2000:]}{wrong[-2000:]}"
            printed += output
        return printed

    threads = torch.get_num_threads()
    # The benchmark starts a process for each load and import: here each once, as no time is judged.
    monkeypatch.setattr(measuring, "Setting", partial(measuring.Setting, loads=1, imports=1))
    yield run
    torch.set_num_threads(threads)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def own_words(command: str) -> list[str] | None:
    """The words of a line that starts `redheart` and no more, a `> FILE` at its end included; None for any other."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    before = words[:-2] if words[-2:-1] == [">"] else words
    plain = words[0] == "redheart" and not any(set(word) <= set("();<>|&") for word in before)
    return words if plain and "$" not in command and "2>" not in command else None


def run_here(words: list[str], folder: Path) -> str:
    """As the shell would, without the seconds that a new process takes to import everything; what it prints."""
    place = folder / words[-1] if words[-2] == ">" else None
    result = CliRunner().invoke(main, words[1:] if place is None else words[1:-2])
    assert result.exit_code == 0, f"{shlex.join(words)}\n{result.output[-2000:]}{result.exc_info}"
    if place is None:
        return result.stdout
    place.write_bytes(result.stdout_bytes)
    return ""


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("redheart analyze \"He said: 'a > b'.\"", ["redheart", "analyze", "He said: 'a > b'."]),
        ("redheart info x \\\n    --json > a.txt", ["redheart", "info", "x", "--json", ">", "a.txt"]),
        ("redheart serve --port 0 > a.txt 2> b.txt &", None),
        ("redheart prune x 2> why.txt || cat why.txt", None),
        ("redheart analyze - < a.txt", None),
        ('redheart info "$(cat a.txt)"', None),
        ("cat a.txt | redheart analyze -", None),
    ],
)
def test_a_line_of_redheart_alone_runs_in_this_process(command: str, words: list[str] | None) -> None:
    assert own_words(command) == words


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # PEFT asks for it
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS.parent)))
def test_the_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: Shell) -> None:
    packages, program = NEEDS.get(page.stem, ((), None))
    for package in packages:
        pytest.importorskip(package)
    if program is not None and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))  # for processes that a snippet starts
    # As in an environment that is activated: Spark's workers run the `python3` that is found first.
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
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
