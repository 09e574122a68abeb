"""Columns under new names, with new values; and the messages where a name or a value does not fit."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redheart.configuration.errors import DataError
from redheart.data.check import check
from redheart.data.column_map import IN_RECIPE, ON_COMMAND_LINE, ColumnMap, parse_columns
from redheart.data.rows import read_rows
from redheart.data.schema import to_examples

FAULT = {"at_fault": {"to": "verdict", "values": {"yes": "author", "no": "other", "unsure": None}}}


def through(columns: Any, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in read_rows(list(rows), column_names=columns)]


def test_values_get_the_names_of_the_schema(tmp_path: Path) -> None:
    """In a file, a list or a table alike: a value is looked up as it is written."""
    (tmp_path / "a.csv").write_text("text,at_fault\nA.,yes\nB., no \nC.,\nD.,unsure\n", encoding="utf-8")
    rows = read_rows(tmp_path / "a.csv", column_names=FAULT)
    assert [row["verdict"] for row in rows] == ["author", "other", None, None]
    examples = to_examples(rows, "mine")
    assert [item.targets.keys() == {"verdict_labels"} for item in examples] == [True, True, False, False]
    flags = {"guilty": {"to": "verdict", "values": {1: "author", 0: "nobody"}}}
    written: list[Any] = [1, 1.0, "1", np.int64(1), "0", 0]
    assert [through(flags, {"guilty": value})[0]["verdict"] for value in written] == ["author"] * 4 + ["nobody"] * 2
    true = {"guilty": {"to": "verdict", "values": {True: "author", "false": "nobody"}}}
    assert [through(true, {"guilty": value})[0]["verdict"] for value in (True, "true", np.bool_(False))] == [
        "author", "author", "nobody",
    ]  # fmt: skip
    levels = {"mood": {"to": "affect.valence", "values": {"good": 0.8, "bad": -0.8}}}
    assert through(levels, {"mood": "bad"}) == [{"affect.valence": -0.8}]


def test_each_value_of_a_list_is_mapped() -> None:
    moods = {"moods": {"to": "emotion", "values": {"glad": "joy", "blue": "sadness", "none": None}}}
    for given in (["glad", "blue"], ("glad", "blue", "none"), np.array(["glad", "blue"]), "glad, blue"):
        assert through(moods, {"moods": given}) == [{"emotion": ["joy", "sadness"]}]


def test_a_value_without_a_name_is_a_problem_of_its_row() -> None:
    """Reported together with those of the other rows; also one of a list, and one in a column of text."""
    rows = [{"text": f"Text {n}.", "at_fault": ("yes", "no", "maybe")[n % 3]} for n in range(30)]
    with pytest.raises(DataError) as error:
        check(read_rows(rows, column_names=FAULT))
    assert "10 rows (2, 5, 8, ...), column 'verdict': 'maybe' is not one of the mapped `values`" in str(error.value)
    moods = {"moods": {"to": "emotion", "values": {"glad": "joy"}}, "said": {"to": "text", "values": {"a": "A."}}}
    with pytest.raises(
        DataError, match=r"2 problems:\n.*column 'text': 'b' is not one.*\n.*column 'emotion': 'sad' is"
    ):
        to_examples(read_rows([{"said": "b", "moods": ["glad", "sad"]}], column_names=moods))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": 3}, "column 'a' must become a name, null, or {to: name, values: {value: new value}}; got 3"),
        ({"a": {"to": "verdict"}}, "must become"),
        ({"a": {"values": {"yes": "author"}}}, "must become"),
        ({"a": {"to": "verdict", "values": {}}}, "must become"),
        ({"a": {"to": "verdict", "value": {"yes": "author"}}}, "option 'value'; did you mean 'values'"),
    ],
)
def test_a_map_of_another_form_is_refused(columns: Any, message: str) -> None:
    with pytest.raises(DataError) as error:
        ColumnMap(columns)
    assert message in str(error.value)


def test_a_column_may_be_missing_in_some_rows_and_not_in_all() -> None:
    assert through({"mood": "emotion"}, {"text": "a"}, {"text": "b", "mood": "joy"})[1] == {
        "text": "b",
        "emotion": "joy",
    }
    with pytest.raises(DataError, match="has no column 'moods' to rename; did you mean 'mood'"):
        through({"moods": "emotion"}, {"mood": "joy"}, {"mood": "joy"})


def test_the_remedy_names_the_option_of_the_user() -> None:
    """`column_names` in Python, `columns:` in a recipe, `--column` of a command."""
    messages = {}
    for option in ("column_names", IN_RECIPE, ON_COMMAND_LINE):
        with pytest.raises(DataError) as error:
            check(read_rows([{"text": "a", "ticket": 7}], option=option))
        messages[option] = str(error.value)
    assert "`column_names={'ticket': ...}`" in messages["column_names"]
    assert "`columns: {ticket: ...}`, or leave it out with `{ticket: null}`" in messages[IN_RECIPE]
    assert "`--column 'ticket=...'`, or leave it out with `--column 'ticket='`" in messages[ON_COMMAND_LINE]


@pytest.mark.parametrize("name", ["", " text", "- a", "a: b", "yes, no", '"'])
def test_the_remedy_for_an_odd_name_works(name: str) -> None:
    """Of its kind: an index that pandas writes without a name, spaces, what YAML takes for its own signs."""
    yaml = pytest.importorskip("yaml")
    messages = {}
    for option in (IN_RECIPE, ON_COMMAND_LINE):
        with pytest.raises(DataError) as error:
            check(read_rows([{"text": "a", name: 7}], option=option))
        messages[option] = str(error.value)
    recipe = messages[IN_RECIPE].split("leave it out with `")[1].split("`")[0]
    assert yaml.safe_load(recipe) == {name: None}
    command = messages[ON_COMMAND_LINE].split("leave it out with `")[1].split("`")[0]
    assert parse_columns([shlex.split(command)[1]]) == {name: None}


def test_a_map_on_a_command_line() -> None:
    given = ["sentence=text", "ticket=", "at_fault=verdict:yes=author,no=other,unsure="]
    assert parse_columns(given) == {"sentence": "text", "ticket": None, **FAULT}
    assert parse_columns(["="]) == {"": None}
    for wrong in ("sentence", "a=verdict:yes", "a=verdict:=x"):
        with pytest.raises(DataError, match="write YOURS=OURS"):
            parse_columns([wrong])
