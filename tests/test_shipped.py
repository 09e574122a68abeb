"""The checkpoint that ships: it is whole, small enough, says what supervised it, and means something."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, pipeline

from redheart.configuration.labels import EMOTIONS
from redheart.hub_upload.checkpoint import load_strict, shipped_folder

NAME = "redheart-mini"
Read = Callable[..., Any]


@pytest.fixture(scope="module")
def folder() -> Path:
    return shipped_folder(NAME)


@pytest.fixture(scope="module")
def read() -> Read:
    import redheart  # noqa: F401 - registers the task

    pipe: Read = pipeline("ethical-analysis")
    return pipe


def test_it_fits_in_64_megabytes(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 64_000_000


def test_it_loads_strictly_and_computes_in_float32(folder: Path) -> None:
    model = load_strict(folder)
    assert model.dtype == torch.float32
    assert all(parameter.isfinite().all() for parameter in model.parameters())


def test_nothing_non_commercial_supervised_it(folder: Path) -> None:
    record = json.loads((folder / "config.json").read_text(encoding="utf-8"))["supervision"]
    assert record
    assert not {"amcd", "isear"} & {name for names in record.values() for name in names}


def test_the_task_without_a_model_takes_it(read: Read, folder: Path) -> None:
    text = "I told my sister's secret to her fiancé, and now the wedding is off."
    named = pipeline("ethical-analysis", model=str(folder))
    assert read(text) == named(text)


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("Thank you so much, you saved my week!", "gratitude"),
        ("I'm so sorry, I should never have said that to you.", "remorse"),
        ("This makes me furious, how dare they treat her like that.", "anger"),
        ("I love my little brother more than anything.", "love"),
    ],
)
def test_plain_emotions_are_found(read: Read, text: str, emotion: str) -> None:
    labels = read(text, outputs=["emotion"])["emotion"]["labels"]
    assert emotion in sorted(labels, key=labels.get, reverse=True)[:2]


def test_valence_and_utility_follow_pleasantness(read: Read) -> None:
    good, bad = read(["I spent the day at the beach with my best friend.", "I broke my leg and lost my job."])
    assert good["emotion"]["affect"]["valence"] > bad["emotion"]["affect"]["valence"]
    assert good["bentham"]["utility"] > bad["bentham"]["utility"]


def test_the_kinder_action_scores_higher(read: Read) -> None:
    kind, cruel = read(["Sam helps the old man carry his bags.", "Sam steals the old man's bags."], outputs=["verdict"])
    assert kind["verdict"]["action"] > cruel["verdict"]["action"]


def test_what_nothing_supervised_is_withheld(read: Read) -> None:
    reading = read("I lied to my mother about where I was.")
    assert set(reading["bentham"]["dimensions"]) == {"valence", "intensity"}
    assert "regret.timing" in reading["flags"]["withheld"]
    # What is there of regret follows from utilities and remorse, and says so.
    shown = {f"regret.{name}.{view}" for name, views in reading["regret"].items() for view in views}
    assert shown == set(reading["flags"]["derived"])


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("정말 고마워요, 덕분에 살았어요!", "gratitude"),
        ("정말 미안해, 그런 말을 하지 말았어야 했는데.", "remorse"),
        ("너무 화가 나서 참을 수가 없어.", "anger"),
        ("나는 내 동생을 세상에서 제일 사랑해.", "love"),
    ],
)
def test_plain_emotions_are_found_in_korean(read: Read, text: str, emotion: str) -> None:
    labels = read(text, outputs=["emotion"])["emotion"]["labels"]
    assert emotion in sorted(labels, key=labels.get, reverse=True)[:3]


def test_long_text_is_cut_and_flagged(read: Read) -> None:
    reading = read("I am sorry for what I did to them. " * 3000, outputs=["emotion"])
    assert reading["flags"]["truncated"]
    assert reading["flags"]["tokens"] == 512


def test_json_lines_on_standard_output_and_nothing_else() -> None:
    lines = "I miss you.\n\nThey cheated on the exam.\n"
    command = [sys.executable, "-c", "from redheart.cli import main; main()", "analyze", "--json", "-"]
    source = Path(__file__).parent.parent / "src"
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(source), "PATH": ""}
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 3
    assert set(answers[0]["emotion"]["labels"]) == set(EMOTIONS)
    assert "error" in answers[1]
    assert set(answers[2]["emotion"]["labels"]) == set(EMOTIONS)
    assert done.returncode == 1


def test_auto_model_reads_it_in_bfloat16_when_asked(folder: Path) -> None:
    assert AutoModel.from_pretrained(folder, dtype=torch.bfloat16).dtype == torch.bfloat16
