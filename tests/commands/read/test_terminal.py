"""Readings for people: the headline in words, and what each section says of the unusual."""

import io
from typing import Any

import pytest
from rich.console import Console

from redheart.commands.read.terminal import headline_lines, notes, render
from redheart.configuration.labels import EMOTIONS, RISKS, VERDICTS
from redheart.modeling_redheart.headline import headline

FLAGS: dict[str, Any] = {
    "windows": 1,
    "truncated": False,
    "tokens": 12,
    "unknown_tokens": 0.0,
    "no_letters": False,
    "speakers": 1,
    "risk": [],
    "recovered": [],
    "withheld": [],
    "derived": [],
    "untrained": [],
}


def reading(label: str | None, p: float = 0.9, **flags: Any) -> dict[str, Any]:
    rest = (1 - p) / 4
    likely = label or "author"
    probabilities = {name: p if name == likely else rest for name in VERDICTS}
    return {
        "text": "I told her secret.",
        "verdict": {"label": label, "abstained": label is None, "probabilities": probabilities, "acceptability": 0.1},
        "rated_by": {},
        "flags": FLAGS | flags,
    }


def shown(one: dict[str, Any]) -> str:
    file = io.StringIO()
    render(one, Console(file=file, width=80, highlight=False, emoji=False, markup=False))
    return file.getvalue()


@pytest.mark.parametrize("label", VERDICTS)
def test_every_verdict_has_its_words(label: str) -> None:
    (sure, *_), (probable, *_) = headline_lines(reading(label)), headline_lines(reading(label, 0.5))
    assert probable == f"Probably {sure[0].lower()}{sure[1:]}"


def test_an_abstained_verdict_is_not_named() -> None:
    assert list(headline_lines(reading(None))) == ["No verdict: the model is not sure."]
    assert "abstained" in shown(reading(None))
    assert "●" not in shown(reading(None))


@pytest.mark.parametrize("kind", RISKS)
def test_harm_comes_first_and_keeps_blame_out_of_the_headline(kind: str) -> None:
    lines = list(headline_lines(reading("author", risk=[kind])))
    assert "no model should be relied on" in lines[0]
    assert not any("in the wrong" in line or "acceptable" in line for line in lines)
    assert not any(char.isdigit() for line in lines for char in line)
    assert "in the wrong" in list(headline_lines(reading("other", risk=[kind])))[1]


def test_the_headline_stands_above_the_tables() -> None:
    one = reading("author") | {"emotion": {"labels": dict.fromkeys(EMOTIONS, 0.1), "asserted": ["neutral"]}}
    lines = shown(one).splitlines()
    order = ("I told her", "The narrator is in the wrong.", "is 10% acceptable", "No feeling", "Emotions  ", "Verdict")
    places = [next(index for index, line in enumerate(lines) if words in line) for words in order]
    assert places == sorted(places)


def test_a_reading_of_which_nothing_is_sure_has_no_headline() -> None:
    nothing = {"text": "I lied.", "rated_by": {}, "flags": FLAGS}
    assert not list(headline_lines(nothing))
    assert headline(nothing).standing == "absent"
    assert shown(nothing) == "I lied.\n\n"


def test_unusual_sections() -> None:
    one = {
        **reading(None),
        "surd": {"not_determined": True},
        "counterfactual": {"actual": {"utility": -0.5}, "worse": {"plausibility": 0.25}},
        "bentham": {"felicific_value": -0.25},
        "emotion": {"arc": [{"start": 0, "end": 1, "text": "x", "labels": {"joy": 0.5}}] * 15},
    }
    text = shown(one)
    for words in ("not determined", "-0.50", "0.25", "felicific value", "and 3 more"):
        assert words in text


def test_a_long_sentence_leaves_its_emotion_whole() -> None:
    long = "and then she told him and he told me and I told everybody " * 5
    one = {**reading(None), "emotion": {"arc": [{"start": 0, "end": 1, "text": long, "labels": {"nervousness": 0.5}}]}}
    line = next(line for line in shown(one).splitlines() if "nervousness" in line)
    assert line.split()[:3] == ["1", "nervousness", "0.50"]
    assert len(line) <= 80


def test_notes_say_what_a_reader_must_know() -> None:
    flags = FLAGS | {"truncated": True, "tokens": 2048, "no_letters": True, "unknown_tokens": 0.25, "windows": 4,
                     "recovered": ["cache"], "speakers": 2, "withheld": [f"part{number}" for number in range(12)],
                     "untrained": ["surd"]}  # fmt: skip
    lines = list(notes(flags))
    assert len(lines) == 8
    for line, words in zip(lines, ("2,048", "4 overlapping", "2 people", "", "25%", "", "and 4 more"), strict=False):
        assert words in line
    assert not list(notes(FLAGS))


def test_raters_are_named() -> None:
    one = reading("other") | {"rated_by": {"emotion": "people", "verdict": "model", "regret": "mixed", "surd": "model"}}
    assert "rated by people (emotion), a model (verdict, surd), a mix of these (regret)." in " ".join(
        shown(one).split()
    )
