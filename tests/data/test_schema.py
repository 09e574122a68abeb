"""The row schema: what a row becomes, and the messages for a row that does not fit."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from redheart.configuration.errors import DataError
from redheart.configuration.labels import AFFECT, BENTHAM, EMOTIONS, PERSPECTIVES, REGRET_TYPES, VERDICTS, VIEWS
from redheart.data.columns import AXES, COLUMNS, limits
from redheart.data.examples import MISSING, PAIRS, SHAPES, Example, to_units
from redheart.data.schema import iter_examples, to_examples

JOY, ANGER = EMOTIONS.index("joy"), EMOTIONS.index("anger")


def one(**row: Any) -> Example:
    (example,) = to_examples([{"text": "It rains.", **row}], "set")
    return example


def target(name: str, **row: Any) -> list[Any]:
    return one(**row).targets[name].tolist()


def test_a_text_alone_has_no_targets() -> None:
    example = one(id=7, group=3, context=None)
    assert (example.text, example.source, example.group, example.targets) == ("It rains.", "set", "3", {})
    assert one(context="A walk.").text == "A walk. It rains."


def test_a_decimal_that_signals_is_missing_too() -> None:
    assert one(**{"affect.valence": Decimal("sNaN"), "acceptability": Decimal("NaN")}).targets == {}


def test_every_label_of_the_schema_has_a_column() -> None:
    for name, (_, axes) in AXES.items():
        assert SHAPES[name] == tuple(map(len, axes))
    assert set(SHAPES) - set(AXES) == {*PAIRS, "embedding_labels"}
    singles = 3 * len(EMOTIONS) + len(AFFECT) + len(BENTHAM) + len(REGRET_TYPES) * len(VIEWS)
    singles += 2 * len(VIEWS) + 1  # utility and plausibility; acceptability
    shares = len(VERDICTS) * (1 + len(PERSPECTIVES))
    names_of_one = 2 + len(PERSPECTIVES)  # emotion, verdict, perspectives.*
    assert len(COLUMNS) == singles + shares + names_of_one + len(SHAPES)


@pytest.mark.parametrize(
    "given", [["joy", "anger"], [JOY, ANGER], "joy, anger", f"{JOY},{ANGER}", np.array([JOY, ANGER])]
)
def test_emotions_by_name_or_id_are_there_and_the_others_absent(given: Any) -> None:
    labels = target("emotion_labels", emotion=given)
    assert np.flatnonzero(labels).tolist() == sorted([JOY, ANGER])
    assert set(labels) == {0.0, 1.0}
    assert target("emotion_labels", emotion=[]) == [0.0] * 28


@pytest.mark.parametrize(
    "given",
    [
        [int(name in ("joy", "love")) for name in EMOTIONS],
        [float(name == "joy") for name in EMOTIONS],
        [name == "joy" for name in EMOTIONS],
        np.eye(28, dtype=np.int64)[JOY],
        np.eye(28, dtype=bool)[JOY],
        ",".join(str(int(name == "joy")) for name in EMOTIONS),
        [0, 1, 0, 0],
        [0.1] * 28,
        [True],
        [1.0, 0.0],
        3,
        {"joy": 1},
        "[joy, anger]",
    ],
)
def test_a_number_for_each_emotion_is_not_a_list_of_ids(given: Any) -> None:
    """In every form that a table has for it. A vector over all emotions has a column of its own; the labels of KOTE are
    checked the same way, and a column of only 0 and 1 is found by `check`."""
    with pytest.raises(DataError, match="column 'emotion': "):
        one(emotion=given)
    vector = [float(name == "joy") for name in EMOTIONS]
    assert one(emotion_labels=vector).targets["emotion_labels"].tolist() == vector


def test_what_is_not_given_is_masked_and_not_zero() -> None:
    row = {"emotion.joy": 0.25, "emotion.anger": None, "emotion.fear": math.nan, "emotion.grief": "", "nuance.joy": 2}
    example = one(**row, **{"affect.valence": -1, "regret.action.better": "-0.5", "intensity.fear": np.float32(0.5)})
    labels = example.targets["emotion_labels"]
    assert labels[JOY] == 0.25
    assert np.isnan(labels).sum() == 27
    assert (example.targets["nuance_labels"] != MISSING).nonzero()[0].tolist() == [JOY]
    assert example.targets["affect_labels"][0] == -1
    assert example.targets["regret_labels"][0, 0] == -0.5
    assert set(example.targets) == {f"{name}_labels" for name in ("emotion", "nuance", "affect", "regret", "intensity")}


@pytest.mark.parametrize(("given", "level"), [(0, 0), ("slight", 1), ("Extreme", 4), ("3", 3), (2.0, 2), (True, 1)])
def test_levels_by_name_or_number(given: Any, level: int) -> None:
    assert one(**{"nuance.joy": given}).targets["nuance_labels"][JOY] == level


def test_votes_become_shares() -> None:
    votes = {f"verdict.{name}": count for name, count in zip(VERDICTS, (1, 2, 0, 0, 1), strict=True)}
    assert target("verdict_labels", **votes) == [0.25, 0.5, 0, 0, 0.25]
    assert target("verdict_labels", verdict="OTHER") == [0, 1, 0, 0, 0]
    even = {f"perspectives.other.{name}": 3 for name in VERDICTS}
    rows = np.array(target("perspective_labels", **even, **{"perspectives.self": "nobody"}))
    assert rows[PERSPECTIVES.index("other")].tolist() == pytest.approx([0.2] * 5)
    assert rows[PERSPECTIVES.index("self")].tolist() == [0, 0, 0, 1, 0]
    alone = np.array(target("perspective_labels", **{"perspectives.self": "nobody"}))
    assert np.isnan(alone[PERSPECTIVES.index("other")]).all()
    assert target("verdict_labels", verdict_labels=[2, 2, 0, 0, 0]) == [0.5, 0.5, 0, 0, 0]


def test_whole_targets_by_the_names_of_the_model() -> None:
    given = [None] * 27 + [1]
    labels = one(emotion_labels=given, nuance_labels=[-100] * 27 + [3], embedding_labels=[0.5, -7]).targets
    assert np.isnan(labels["emotion_labels"][:27]).all()
    assert labels["nuance_labels"].tolist() == [MISSING] * 27 + [3]
    assert labels["nuance_labels"].dtype == np.int64
    assert labels["embedding_labels"].tolist() == [0.5, -7]


def test_a_pair_is_one_row_whose_text_is_the_better_one() -> None:
    rows: list[dict[str, Any]] = [
        {"text": "Cake.", "rejected": "Mud.", "ranking": "utility", "context": "Lunch:", "affect.valence": 1},
        {"text": "Alone.", "rejected": None, "ranking": "utility"},
        {"text": "He asked.", "rejected": "He took.", "ranking": "acceptability", "group": "story"},
    ]
    pair, alone, story = to_units(to_examples(rows, "set"))
    assert [item.text for item in pair] == ["Lunch: Cake.", "Lunch: Mud."]
    assert [item.targets["utility_pair_labels"].tolist() for item in pair] == [[0, 1], [0, 0]]
    assert "affect_labels" in pair[0].targets
    assert "affect_labels" not in pair[1].targets
    assert alone[0].targets == {}
    assert [item.targets["acceptability_pair_labels"][1] for item in story] == [1, 0]
    assert {item.group for item in story} == {"story"}


def test_other_courses_stay_beside_the_text_and_make_no_pair() -> None:
    row = {"better": "The sun shines.", "worse": "It hails.", "utility.better": 0.5, "utility.worse": "-1"}
    example = one(**row, acceptability=0.25)
    assert (example.better, example.worse) == ("The sun shines.", "It hails.")
    assert example.targets["utility_labels"].tolist() == pytest.approx([0.5, math.nan, -1.0], nan_ok=True)
    assert example.targets["acceptability_labels"].shape == ()
    assert float(example.targets["acceptability_labels"]) == 0.25
    assert set(example.targets) == {"utility_labels", "acceptability_labels"}


def test_rows_are_read_one_at_a_time() -> None:
    def endless() -> Iterator[dict[str, Any]]:
        number = 0
        while True:
            yield {"text": f"Text {number}."}
            number += 1

    examples = iter_examples(endless(), "stream")
    assert [next(examples).text for _ in range(3)] == ["Text 0.", "Text 1.", "Text 2."]


def test_every_number_has_a_range() -> None:
    assert limits("affect_labels")[0].tolist() == [-1, 0, 0]
    low, high = limits("bentham_labels")
    assert {name for name, bound in zip(BENTHAM, low, strict=True) if bound == -1} == {"valence"}
    assert set(high) == {1.0}
    for name in ("regret_labels", "utility_labels"):
        assert [set(bound.flat) for bound in limits(name)] == [{-1.0}, {1.0}]
    assert [bound.tolist() for bound in limits("acceptability_labels")] == [0.0, 1.0]
    assert set(limits("nuance_labels")[1]) == {4.0}


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    ({"emotion.jo": 1}, "emotion.jo", "no such column; did you mean 'emotion.joy'"),
    ({"price of tea": 1}, "price of tea", "see `redheart.data.schema` for the columns"),
    ({"emotion.joy": 1.5}, "emotion.joy", r"1.5 must lie in 0..1"),
    ({"emotion.joy": math.inf}, "emotion.joy", "inf must lie in 0..1"),
    ({"affect.valence": -2}, "affect.valence", r"-2 must lie in -1..1"),
    ({"bentham.duration": "long"}, "bentham.duration", "'long' is not a number"),
    ({"bentham.duration": [1]}, "bentham.duration", "is not a number"),
    ({"nuance.joy": "stron"}, "nuance.joy", "did you mean 'strong'"),
    ({"nuance.joy": 1.5}, "nuance.joy", "must be a whole level"),
    ({"nuance.joy": 5}, "nuance.joy", r"5 must lie in 0..4"),
    ({"emotion": ["joi"]}, "emotion", "no emotion 'joi'; did you mean 'joy'"),
    ({"emotion": [28]}, "emotion", r"\[28\] must be ids in 0..27"),
    ({"emotion": [1.5]}, "emotion", r"\[1.5\] must be ids"),
    ({"emotion": 3}, "emotion", "must be a list of emotions"),
    ({"verdict": "autor"}, "verdict", "did you mean 'author'"),
    ({f"verdict.{name}": 0 for name in VERDICTS}, "verdict", "sum to 0"),
    ({"verdict.author": -1}, "verdict.author", "must lie 0 or more"),
    ({"verdict.author": 1e39}, "verdict.author", "1e[+]39 must lie 0 or more, up to 1e[+]30"),
    ({"verdict_labels": [1e39, 0, 0, 0, 0]}, "verdict_labels", "verdict.author must lie in 0..1e[+]30"),
    ({"acceptability": 10**5000}, "acceptability", "an integer of more than 4,300 digits is not a number"),
    ({"emotion": "9" * 5000}, "emotion", "must be ids in 0..27"),
    ({"emotion_labels": [10**400, *[0] * 27]}, "emotion_labels", r"numbers in the shape \(28,\)"),
    ({"utility_pair_labels": [1e300, 1]}, "utility_pair_labels", "must lie in"),
    ({"verdict.author": 1}, "verdict.other", "write 0 for no votes"),
    ({"emotion_labels": [1, 0]}, "emotion_labels", r"shape \(28,\), got \(2,\)"),
    ({"emotion_labels": [[1], [0, 1]]}, "emotion_labels", r"numbers in the shape \(28,\)"),
    ({"affect_labels": [0, 0, 7]}, "affect_labels", r"affect.dominance must lie in 0..1, got 7"),
    ({"nuance_labels": [0.5] * 28}, "nuance_labels", "whole numbers"),
    ({"emotion.joy": 1, "emotion": ["joy"]}, "emotion", "gives the same target as column 'emotion.joy'"),
    ({"perspectives.self.info": 1, "perspective_labels": None}, "perspective_labels", "gives the same target as"),
    ({"text": " "}, "text", "It is blank"),
    ({"text": ""}, "text", "It is empty"),
    ({"text": None}, "text", "must be a str, got NoneType"),
    ({"text": "I am so sorry \ud83d"}, "text", r"lone surrogate, U\+D83D, at character 14"),
    ({"rejected": "\u200b", "ranking": "utility"}, "rejected", "It is blank"),
    ({"text": 3}, "text", "must be a str, got int"),
    ({"rejected": "Mud."}, "ranking", "'' must be one of utility, acceptability, branch where `rejected` is given"),
    ({"rejected": "Mud.", "ranking": "action"}, "ranking", "'action' must be one of utility, acceptability, branch"),
    ({"rejected": "It  rains.", "ranking": "utility"}, "rejected", "the same as `text`"),
    ({"rejected": "", "ranking": "utility", "worse": "M."}, "worse", "use `rejected` for the other text of a pair"),
    ({"rejected": "M.", "ranking": "branch", "branch_pair_labels": [1, 1]}, "branch_pair_labels", "both make a pair"),
    ({"better": 3}, "better", "must be a str, got int"),
    ({"utility.actual": -1.5}, "utility.actual", r"-1.5 must lie in -1..1"),
    ({"acceptability": -0.5}, "acceptability", r"-0.5 must lie in 0..1"),
    ({"acceptability": 1, "acceptability_labels": 0.5}, "acceptability_labels", "gives the same target as"),
    ({"action": 1}, "action", "no such column"),
    ({"bentham.utility": 0.5}, "bentham.utility", "no such column"),
    ({"perspectives.community": "other"}, "perspectives.community", "no such column"),
]


@pytest.mark.parametrize(("row", "column", "message"), ERRORS)
def test_an_error_names_row_column_and_remedy(row: dict[str, Any], column: str, message: str) -> None:
    rows = [{"text": "Fine."}, {"text": "It rains.", **row}]
    with pytest.raises(DataError, match=rf"mine, row 1, column '{column}': .*{message}"):
        to_examples(rows, "mine")


def test_rows_without_text_or_none_at_all() -> None:
    with pytest.raises(DataError, match=r"row 0, column 'text': There is no such column.*\['sentence'\]"):
        to_examples([{"sentence": "a"}], "mine")
    with pytest.raises(DataError, match="mine has no rows"):
        to_examples([], "mine")


def test_all_problems_of_a_row_are_reported_together() -> None:
    with pytest.raises(DataError, match=r"2 problems:\n  .*'affect.valence'.*\n  .*'emotion.joy'"):
        to_examples([{"text": "a", "affect.valence": 9, "emotion.joy": 9}], "mine")
