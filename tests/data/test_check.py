"""The validator: good data passes, and everything that is wrong is named at once."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redheart.configuration.errors import DataError
from redheart.configuration.labels import VERDICTS
from redheart.data.check import check
from redheart.data.examples import Example
from redheart.data.schema import to_examples

GOOD: list[dict[str, Any]] = [
    {"text": "I won.", "emotion": ["joy"], "affect.valence": 0.9},
    {"text": "I lost.", "emotion": ["sadness"], "affect.valence": -0.7},
    {"text": "I ate.", "emotion": None, "affect.valence": None},
]


def found(*sets: Any, **options: Any) -> str:
    with pytest.raises(DataError) as error:
        check(*sets, **options)
    return str(error.value)


def test_good_rows_pass_in_any_form(tmp_path: Path) -> None:
    check(GOOD)
    check(GOOD, [{"text": "I drew."}])
    check(iter(GOOD), iter([{"text": "I drew."}]))
    for name, text in (("train", "I won."), ("validation", "I drew.")):
        (tmp_path / f"{name}.csv").write_text(f"sentence,date\n{text},1\n", encoding="utf-8")
    check(tmp_path / "train.csv", tmp_path / "validation.csv", column_names={"sentence": "text", "date": None})
    check(tmp_path, tmp_path, column_names={"sentence": "text", "date": None})  # a folder: each its own split
    check([Example("a", "set", {"affect_labels": np.zeros(3)}), Example("b", "set", {"affect_labels": np.ones(3)})])


def test_all_problems_are_reported_together() -> None:
    train = [
        {"text": "I won.", "emotion.jo": 1},
        {"text": "I lost.", "emotion.jo": 0, "affect.valence": 7},
        {"text": "", "affect.arousal": "high"},
        {"text": "I sang.", "rejected": "I sang.", "ranking": "utility"},
        {"text": "I voted.", **{f"verdict.{name}": 0 for name in VERDICTS}},
    ]
    message = found(train, [{"text": "i won"}])
    lines = [
        "7 problems:",
        "train, row 0, column 'emotion.jo': There is no such column; did you mean 'emotion.joy'?",
        "train, row 1, column 'affect.valence': 7 must lie in -1..1",
        "train, row 2, column 'text': It is empty",
        "train, row 2, column 'affect.arousal': 'high' is not a number",
        "train, row 3, column 'rejected': It is the same as `text`",
        "train, row 4, column 'verdict': The shares sum to 0",
        "validation, row 0, column 'text': It is also a text of train: 'i won' (row 0). Drop one.",
    ]
    for line, expected in zip(message.split("\n"), lines, strict=True):
        assert line.strip().startswith(expected)


def test_a_constant_column_is_refused_where_it_is_trained_on() -> None:
    rows = [{"text": "a", "intensity.joy": 0.5, "group": "g"}, {"text": "b", "intensity.joy": 0.5, "group": "g"}]
    assert "train, row 0, column 'intensity.joy': It is 0.5 in all 2 rows" in found(rows)
    check([{"text": "c"}, *rows[:1]], rows[1:])  # one value is not a constant, nor is validation trained on
    tensors = [Example(text, "set", {"affect_labels": np.full(3, 0.5)}) for text in "ab"]
    assert "column 'affect_labels'" in found(tensors)


def test_one_share_may_stay_the_same() -> None:
    votes = [{"text": f"{n}", **{f"verdict.{name}": n if name == "other" else 1 for name in VERDICTS}} for n in (1, 2)]
    check(votes)
    assert "column 'verdict'" in found([{**row, "verdict.other": 3} for row in votes])


def test_overlap_is_found_by_words_with_the_context_and_in_both_texts_of_a_pair() -> None:
    train = [{"text": "Cake.", "rejected": "Mud!", "ranking": "utility"}, {"text": "Sun.", "context": "Noon:"}]
    message = found(train, [{"text": "mud"}, {"text": "Sun."}, {"text": "noon sun"}])
    assert "column 'text': It is also a text of train: 'mud' (row 0), 'noon sun' (row 1). Drop one." in message
    assert message.startswith("validation, 2 rows (0, 2)")


def test_flags_are_not_taken_for_emotions() -> None:
    """0 and 1 may be two ids, or say whether something is there: a column that has nothing else is refused."""
    for given in (([1, 0], [0, 1]), ("1", "0"), ([0], [1]), (np.array([0]), np.array([1]))):
        rows = [{"text": f"Text {number}.", "emotion": given[number % 2]} for number in range(4)]
        assert "column 'emotion': It has only 0 and 1 in all 4 rows" in found(rows)
    check([{"text": f"Text {number}.", "emotion": [number % 3]} for number in range(6)])


def test_rows_none_of_which_has_a_label_are_found_where_labels_are_needed() -> None:
    bare = [{"text": "I won."}, {"text": "I lost.", "emotion": None, "nuance_labels": [-100] * 28}]
    check(bare)
    assert "None of the 2 rows has a label" in found(bare, labelled=True)
    check([*bare, *GOOD], labelled=True)
    check([{"text": "a", "emotion": "joy"}, {"text": "b", "emotion": "joy"}], trained=False)


def test_rows_with_the_same_problem_share_a_line() -> None:
    """Of every column and source, also where the values differ; the same words come from `to_examples`, the recipe, the
    trainer and the evaluation."""
    rows = [{"text": f"Text {number}.", "verdict": "yes" if number % 7 else "no"} for number in range(90)]
    lines = found(rows).split("\n  ")
    assert lines[0] == "2 problems:"
    assert "train, 13 rows (0, 7, 14, ...), column 'verdict': There is no verdict 'no'; did you mean" in lines[1]
    assert "train, 77 rows (1, 2, 3, ...), column 'verdict': There is no verdict 'yes'; known are" in lines[2]
    scaled = [{"text": f"Text {number}.", "affect.valence": 1 + number % 40} for number in range(2, 80)]
    line = found(scaled)
    assert line.count("affect.valence") == 1
    assert "77 rows (0, 1, 2, ...)" in line
    assert "and others (" in line
    mixed = [{**row, "affect.arousal": "high", "verdict": ("author", "info")[n % 2]} for n, row in enumerate(rows)]
    assert "train, 90 rows (0, 1, 2, ...), column 'affect.arousal': 'high' is not a number." in found(mixed)


def test_only_the_first_kinds_of_problems_are_named() -> None:
    rows = [{"text": f"Text {number}", f"column {number}": number} for number in range(30)]
    message = found(rows)
    assert message.startswith("30 problems (the first 20 are named):")
    assert message.count("There is no such column") == 20
    assert found(rows, limit=1).count("There is no such column") == 1


def test_a_stream_is_checked_up_to_max_rows() -> None:
    def endless() -> Iterator[dict[str, Any]]:
        for number in itertools.count():
            yield {"text": f"Text {number}", "affect.valence": number / 100}

    check(endless(), max_rows=50)
    assert "row 101, column 'affect.valence': 1.01 must" in found(endless(), max_rows=102)


def test_examples_are_checked_as_rows_are() -> None:
    shares = np.array([1, 1, 0, 0, 0.0])
    message = found(
        [
            Example("a", "set", {"affect_labels": np.array([0, 0, 3.0])}),
            Example("b", "set", {"affect_labels": np.zeros(2)}),
            Example("c", "set", {"verdict_labels": shares}),
            Example("same", "set", {"acceptability_pair_labels": np.array([4, 1])}),
            Example("same ", "set", {"acceptability_pair_labels": np.array([4, 0])}),
            Example(" ", "set", {"nuance_labels": np.full(28, -100)}),
        ]
    )
    for part in (
        "row 0, column 'affect_labels': affect.dominance must lie in 0..1, got 3",
        r"row 1, column 'affect_labels': It must have the shape (3,), got (2,)",
        "row 2, column 'verdict_labels': The shares must sum to 1",
        "row 4, column 'acceptability_pair_labels': Both texts of the pair are 'same '",
        "row 5, column 'text': It is blank",
    ):
        assert part in message
    assert message.startswith("5 problems:")


def test_rows_that_are_not_mappings_and_values_too_long_to_write_are_named() -> None:
    """Of its kind: texts, numbers, objects in the place of mappings; an integer that Python does not write out."""
    for row in ("I won.", 5, object(), np.str_("I won.")):
        assert "train, row 3 must be a mapping of columns" in found([*GOOD, row])
        with pytest.raises(DataError, match="mine, row 0 must be a mapping of columns"):
            to_examples([row], "mine")
    assert "`source` must be rows, a path or a hub name, got int" in found(5)
    assert "row 1, column 'affect.valence': an integer of more than 4,300 digits" in found(
        [{"text": "a", "affect.valence": 0.5}, {"text": "b", "affect.valence": 10**5000}]
    )


def test_a_wrong_column_is_named_once_and_an_empty_set_too() -> None:
    assert found([{"text": "a", "x": 1}, {"text": "b", "x": 2}]).count("column 'x'") == 1
    assert found([{"sentence": "a"}, {"sentence": "b"}]).count("column 'text'") == 1
    assert "train, row 0, column 'text': There are no rows" in found([])
