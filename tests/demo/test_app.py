"""The app without a browser: its answers to bad input, the command, and the Space."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from redheart import EthicalAnalysisPipeline
from redheart.cli import main
from redheart.configuration.extras import pip_argument

pytest.importorskip("gradio", reason="needs Gradio: pip install 'redheart[demo]'")

from redheart.demo.interface import Words
from redheart.demo.page import Page, build_page
from redheart.demo.space import write_space


@pytest.fixture(scope="module")
def page(pipe: EthicalAnalysisPipeline) -> Page:
    return Page(pipe, "tiny")


def test_errors_are_messages(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    summary, effects, cards, session = page.read("a \ud800 b", "en", False)
    assert 'role="alert"' in summary
    assert "lone surrogate" in summary
    assert (effects, cards, session.reading) == ("", "", None)
    assert Words("ko").text("empty") in page.read("\n", "ko", False)[0]

    class Broken:
        def __call__(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("secret of the machine")

    monkeypatch.setattr(page, "pipe", Broken())
    summary = page.read("I lied to her.", "en", False)[0]
    assert Words("en").text("failed_inside") in summary
    assert "secret" not in summary


def test_effects_of_words_need_a_reading(page: Page) -> None:
    assert Words("en").text("effects_none") in page.measure_effects(None, "en")[0]
    one = page.read("sorry", "en", False)[3]
    assert Words("en").text("effects_none") in page.measure_effects(one, "en")[0]
    two = page.read("I lied to her.", "en", False)[3]
    assert "effects" in page.measure_effects(two, "en")[0]
    assert page.show(two, "ko")[1].startswith('<div class="rh effects" lang="ko">')


def test_the_page_reports_nothing_and_offers_no_api(pipe: EthicalAnalysisPipeline) -> None:
    blocks = build_page(pipe, "tiny")
    assert blocks.analytics_enabled is False
    info = blocks.get_api_info()
    assert info is not None
    assert info["named_endpoints"] == {}
    assert info["unnamed_endpoints"] == {}


def test_without_gradio_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    result = CliRunner().invoke(main, ["demo"])
    assert result.exit_code == 1
    assert result.stderr == f"error: `redheart demo` needs Gradio: pip install {pip_argument('demo')}\n"


def test_a_space_is_written_whole_or_not_at_all(withholding: Path, tmp_path: Path) -> None:
    folder = tmp_path / "space"
    assert CliRunner().invoke(main, ["demo", "--space", str(folder), "--model", str(withholding)]).exit_code == 0
    assert (folder / "app.py").read_bytes() == (folder / "redheart" / "demo" / "app.py").read_bytes()
    assert {path.name for path in folder.iterdir()} == {
        ".gitattributes",
        "README.md",
        "app.py",
        "model",
        "redheart",
        "requirements.txt",
    }
    lines = (folder / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines)
    assert set(pinned) == {"gradio", "numpy", "safetensors", "torch", "transformers"}
    assert not any("+" in number for number in pinned.values())
    assert f"sdk_version: {pinned['gradio']}" in (folder / "README.md").read_text()
    with pytest.raises(FileExistsError, match="not empty"):
        write_space(folder, str(withholding))
    with pytest.raises(ValueError, match="REDHEART_MODEL"):
        write_space(tmp_path / "other", "owner/name")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_space_starts_by_itself(withholding: Path, tmp_path: Path, start_app: Any) -> None:
    folder = write_space(tmp_path / "space", str(withholding))
    where = "import redheart, pathlib; print(pathlib.Path(redheart.__file__).resolve().parent.parent)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=folder, capture_output=True, text=True, check=True, env={"PATH": ""}
    )
    assert Path(found.stdout.strip()) == folder.resolve()
    app = start_app([sys.executable, "app.py"], folder, tmp_path / "log")
    try:
        with urllib.request.urlopen(f"{app.address}/config") as answer:
            config = json.load(answer)
        assert config["title"] == "Red Heart"
        assert app.connections() == []
    finally:
        app.stop()
