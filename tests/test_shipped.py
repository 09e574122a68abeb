"""The checkpoint that ships: it is whole, small enough, says what supervised it, and means something."""

import json
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModel, pipeline

from redheart.configuration.labels import BENTHAM, EMOTIONS, VERDICTS
from redheart.configuration.shipped import DEFAULT_MODEL
from redheart.storage.strict_loading import load_strict, shipped_folder

from .fixtures.processes import REDHEART, SOURCE

Read = Callable[..., Any]


@pytest.fixture(scope="module")
def folder() -> Path:
    return shipped_folder(DEFAULT_MODEL)


@pytest.fixture(scope="module")
def read() -> Read:
    import redheart  # noqa: F401 - registers the task

    pipe: Read = pipeline("ethical-analysis")
    return pipe


def test_it_fits_in_a_wheel_of_100_megabytes(folder: Path) -> None:
    weights = sorted(folder.glob("*.safetensors"))
    assert weights
    assert sum(len(zlib.compress(path.read_bytes())) for path in weights) < 95_000_000


def test_it_has_a_hundred_million_parameters(folder: Path) -> None:
    assert load_strict(folder).num_parameters() == 100_000_000


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
    assert good["counterfactual"]["actual"]["utility"] > bad["counterfactual"]["actual"]["utility"]
    for reading in (good, bad):
        utility = [reading["counterfactual"][view]["utility"] for view in ("better", "actual", "worse")]
        assert utility == sorted(utility, reverse=True)


@pytest.mark.parametrize(
    ("done", "suffered"),
    [
        ("I took my coworker's lunch from the fridge again.", "My coworker took my lunch from the fridge again."),
        ("I hit my wife when I was drunk.", "My husband hits me when he drinks."),
        ("I stole money from my grandmother's purse.", "My grandson stole money from my purse."),
    ],
)
def test_who_did_it_is_in_the_wrong(read: Read, done: str, suffered: str) -> None:
    doer, victim = (reading["verdict"] for reading in read([done, suffered]))
    assert doer["acceptability"] < victim["acceptability"]
    assert max(VERDICTS, key=doer["probabilities"].get) == "author"
    assert max(VERDICTS, key=victim["probabilities"].get) == "other"


@pytest.mark.parametrize(
    ("done", "suffered"),
    [
        ("친구 돈을 빌리고 안 갚았어요.", "친구가 내 돈을 빌려 가서 안 갚아요."),
    ],
)
def test_who_did_it_is_rather_in_the_wrong_in_korean(read: Read, done: str, suffered: str) -> None:
    doer, victim = (reading["verdict"] for reading in read([done, suffered]))
    assert doer["probabilities"]["author"] > victim["probabilities"]["author"]
    assert victim["probabilities"]["other"] > doer["probabilities"]["other"]
    assert doer["acceptability"] < victim["acceptability"]


def test_nobody_is_blamed_for_a_plain_fact(read: Read) -> None:
    for text in ("Water boils at 100 degrees.", "The bus leaves at ten past nine.", "도서관은 여섯 시에 닫는다."):
        reading = read(text)
        assert reading["verdict"]["label"] not in ("author", "other", "everybody"), text


def test_what_is_taught_by_a_model_says_so(read: Read) -> None:
    reading = read("I lied to my mother about where I was.")
    assert set(reading["bentham"]["dimensions"]) == set(BENTHAM)
    assert sum(len(views) for views in reading["regret"].values()) == 21
    assert reading["rated_by"]["regret"] == "model"
    assert reading["rated_by"]["emotion"] == "mixed"


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("정말 고마워요, 덕분에 살았어요!", "gratitude"),
        ("정말 미안해, 그런 말을 하지 말았어야 했는데.", "remorse"),
        ("너무 화가 나서 참을 수가 없어.", "annoyance"),
        ("나는 내 동생을 세상에서 제일 사랑해.", "love"),
    ],
)
def test_plain_emotions_are_found_in_korean(read: Read, text: str, emotion: str) -> None:
    labels = read(text, outputs=["emotion"])["emotion"]["labels"]
    assert emotion in sorted(labels, key=labels.get, reverse=True)[:3]


def test_a_long_text_is_read_in_windows(read: Read) -> None:
    reading = read("I am sorry for what I did to them. " * 120, outputs=["emotion"], depth="fast")
    assert reading["flags"]["windows"] == 3
    assert not reading["flags"]["truncated"]


def test_json_lines_on_standard_output_and_nothing_else() -> None:
    lines = "I miss you.\n\nThey cheated on the exam.\n"
    command = [*REDHEART, "analyze", "--json", "-"]
    done = subprocess.run(
        command, input=lines, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(SOURCE), "PATH": ""}
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 3
    assert set(answers[0]["emotion"]["labels"]) == set(EMOTIONS)
    assert "error" in answers[1]
    assert set(answers[2]["emotion"]["labels"]) == set(EMOTIONS)
    assert done.returncode == 1


def test_auto_model_reads_it_in_bfloat16_when_asked(folder: Path) -> None:
    assert AutoModel.from_pretrained(folder, dtype=torch.bfloat16).dtype == torch.bfloat16


def test_its_guarantee_holds_for_these_weights(read: Read) -> None:
    """It was calibrated on rows of which the card says who rated them, and it is asked for by its alpha."""
    found = read("I told my sister's secret to her fiancé.", guarantee=0.3)["guarantee"]
    assert "author" in found["verdicts"]
    assert found["emotions"]
    assert "rated by a model" in found["scope"]
    with pytest.raises(ValueError, match=r"only of 0\.1, 0\.2, 0\.3"):
        read("I told my sister's secret to her fiancé.", guarantee=0.05)
