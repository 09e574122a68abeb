"""The list of texts that tell of a risk, and the figures on it. It may have a split that nothing was tuned on."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from redheart.configuration.labels import RISKS
from redheart.evaluation.measurement.results import Evaluation, Figure
from redheart.evaluation.texts.risk import ANY, DATASET, FALSE_ALARMS, LIST, RECALL, SPLITS, risk_figures, risk_table
from redheart.evaluation.texts.text_lists import LANGUAGES, text_list

# What was measured, minus slack: (least recall, most false alarms) of any kind.
MEASURED = {
    ("development", "en"): (0.92, 0.05),
    ("development", "ko"): (0.92, 0.05),
}


@pytest.fixture(scope="module")
def figures() -> list[Figure]:
    return risk_figures()


def _splits() -> set[str]:
    return {row["split"] for row in text_list(LIST)}


def test_the_list_has_both_languages_and_every_kind_in_each_split() -> None:
    rows = text_list(LIST)
    assert len(rows) >= 600
    assert "development" in _splits() <= set(SPLITS)
    for split in _splits():
        for language in LANGUAGES:
            annotated = [row["risks"] for row in rows if (row["split"], row["language"]) == (split, language)]
            assert all(any(kind in kinds for kinds in annotated) for kind in RISKS)
            assert 0.35 <= sum(not kinds for kinds in annotated) / len(annotated) <= 0.65
    for row in rows:
        assert set(row) == {"text", "language", "risks", "split"}
        assert row["risks"] == [kind for kind in RISKS if kind in row["risks"]]
        assert any("가" <= letter <= "힣" for letter in row["text"]) == (row["language"] == "ko")


def test_no_two_texts_are_nearly_the_same() -> None:
    texts = [re.sub(r"\W+", "", row["text"].casefold()) for row in text_list(LIST)]
    pieces = [{text[start : start + 3] for start in range(len(text) - 2)} for text in texts]
    for one, other in combinations(range(len(texts)), 2):
        shared = len(pieces[one] & pieces[other]) / len(pieces[one] | pieces[other])
        assert shared < 0.5, (texts[one], texts[other])


@pytest.mark.parametrize(("split", "language"), MEASURED)
def test_the_patterns_reach_what_was_measured(figures: list[Figure], split: str, language: str) -> None:
    values = {
        item.measure: item.value
        for item in figures
        if (item.split, item.output) == (f"{split} ({language})", f"risk.{ANY}")
    }
    least, most = MEASURED[split, language]
    assert values[RECALL] >= least
    assert values[FALSE_ALARMS] <= most


def test_one_that_finds_everything_and_one_that_finds_nothing() -> None:
    assert {item.value for item in risk_figures(lambda _: list(RISKS))} == {1.0}
    assert {item.value for item in risk_figures(lambda _: [])} == {0.0}


def test_figures_count_the_texts_and_go_into_an_evaluation_and_a_table(figures: list[Figure], tmp_path: Path) -> None:
    assert len(figures) == len(_splits()) * len(LANGUAGES) * (len(RISKS) + 1) * 2
    report = Evaluation("made-up", 1, "", figures=figures)
    report.save(tmp_path / "report.json")
    report = Evaluation.load(tmp_path / "report.json")
    (recall,) = report.find(DATASET, "risk.abuse", RECALL, "development (en)")
    (alarms,) = report.find(DATASET, "risk.abuse", FALSE_ALARMS, "development (en)")
    rows = [row for row in text_list(LIST) if (row["split"], row["language"]) == ("development", "en")]
    assert recall.rows == sum("abuse" in row["risks"] for row in rows)
    assert recall.rows + alarms.rows == len(rows)
    assert recall.low <= recall.value <= recall.high
    heads, cells = risk_table(report.figures)
    assert heads == ["split", "kind", RECALL, FALSE_ALARMS]
    assert len(cells) == len(figures) // 2
