"""Tables: rows in their order, labels by their own names, and no trace of an index."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from redheart.configuration.errors import DataError
from redheart.configuration.labels import EMOTIONS
from redheart.data.check import check
from redheart.data.examples import Example
from redheart.data.rows import read_rows
from redheart.data.schema import to_examples

datasets = pytest.importorskip("datasets")
pandas = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

NAMES = ["sadness", "joy", "love", "anger", "fear", "surprise"]


def named(examples: list[Example]) -> list[list[str]]:
    return [[EMOTIONS[place] for place in np.flatnonzero(item.targets["emotion_labels"])] for item in examples]


def labelled(kind: Any) -> Any:
    """Three texts whose emotions are numbers in an order of their own."""
    whole = datasets.Features({"text": datasets.Value("string"), "emotion": kind})
    values: list[Any] = [0, 1, 2] if isinstance(kind, datasets.ClassLabel) else [[0], [1, 4], [2]]
    return datasets.Dataset.from_dict(
        {"text": ["She wept.", "A lovely day!", "I adore him."], "emotion": values}, whole
    )


def test_labels_of_a_data_set_go_by_their_names(tmp_path: Path) -> None:
    """However the data set lies there: in memory, as a stream, in splits, formatted, or as a parquet file; and for any
    column with names, of a verdict, too."""
    data = labelled(datasets.List(datasets.ClassLabel(names=NAMES)))
    wanted = [["sadness"], ["fear", "joy"], ["love"]]
    data.to_parquet(tmp_path / "a.parquet")
    forms = (
        data,
        data.to_iterable_dataset(),
        datasets.DatasetDict({"train": data}),
        data.with_format("numpy"),
        data.with_format("torch"),
        tmp_path / "a.parquet",
        tmp_path,  # a folder with a file of another name than its split
    )
    (tmp_path / "a.parquet").with_name("train.parquet").write_bytes((tmp_path / "a.parquet").read_bytes())
    for source in forms:
        assert named(to_examples(read_rows(source), "mine")) == wanted, source
    for source in forms[:2]:  # a table goes by its names without `read_rows`, too
        assert named(to_examples(source, "mine")) == wanted
    with pytest.raises(DataError, match="There is no emotion 'gloom'"):
        check(labelled(datasets.ClassLabel(names=["joy", "gloom", "love"])))
    assert named(to_examples(read_rows(data.select([2, 0])), "mine")) == [["love"], ["sadness"]]
    single = labelled(datasets.ClassLabel(names=NAMES))
    assert named(to_examples(read_rows(single), "mine")) == [["sadness"], ["joy"], ["love"]]
    verdicts = (
        single.remove_columns("emotion")
        .add_column("verdict", [1, -1, 0])
        .cast_column("verdict", datasets.ClassLabel(names=["other", "author"]))
    )
    found = to_examples(read_rows(verdicts), "mine")
    assert [item.targets.get("verdict_labels", np.zeros(5)).tolist() for item in found] == [
        [1, 0, 0, 0, 0], [0] * 5, [0, 1, 0, 0, 0],
    ]  # fmt: skip


def test_unknown_label_names_are_reported_and_can_be_mapped() -> None:
    data = labelled(datasets.List(datasets.ClassLabel(names=["gloom", *NAMES[1:]])))
    with pytest.raises(DataError, match="row 0, column 'emotion': There is no emotion 'gloom'"):
        to_examples(read_rows(data), "mine")
    names = {"emotion": {"to": "emotion", "values": {name: name for name in NAMES} | {"gloom": "sadness"}}}
    assert named(to_examples(read_rows(data, column_names=names), "mine"))[0] == ["sadness"]


def test_a_set_that_is_known_is_read_by_its_ids() -> None:
    """The public sets are written for the numbers of their own labels."""
    data = labelled(datasets.List(datasets.ClassLabel(names=NAMES)))
    assert [row["emotion"] for row in read_rows(data, label_names=False)] == [[0], [1, 4], [2]]


def test_a_data_frame_is_read_row_by_row_in_its_order() -> None:
    frame = pandas.DataFrame(
        {"text": ["a", "b", "c"], "emotion": [["joy"], None, ["anger"]], "affect.valence": [0.5, np.nan, -1]}
    )
    for source in (frame, pa.Table.from_pandas(frame)):
        examples = to_examples(read_rows(source), "mine")
        assert [item.text for item in examples] == ["a", "b", "c"]
        assert [sorted(item.targets) for item in examples] == [["affect_labels", "emotion_labels"], []] * 1 + [
            ["affect_labels", "emotion_labels"]
        ]
    shuffled = frame.loc[[2, 0]]
    assert [item.text for item in to_examples(read_rows(shuffled), "mine")] == ["c", "a"]
    odd = pandas.DataFrame({"text": ["a"], "features": ["b"]})
    assert [dict(row) for row in read_rows(odd)] == [{"text": "a", "features": "b"}]
    category = pandas.DataFrame({"text": ["a", "b"], "verdict": pandas.Categorical(["other", "author"])})
    assert [row["verdict"] for row in read_rows(category)] == ["other", "author"]


def test_values_that_arrow_cannot_hold_are_reported_with_their_row() -> None:
    """Of its kind: several kinds of values in a column, half a character, numbers beyond 64 bits, a column twice."""
    for given, words in (
        (["a", 3], "row 1, column 'text': It must be a str, got int"),
        (["a", "I lied \ud83d"], r"row 1, column 'text': It has a lone surrogate, U\+D83D, at character 7"),
        ([10**30], "row 0, column 'text': It must be a str, got int"),
    ):
        for door in (check, to_examples):
            with pytest.raises(DataError, match=words):
                door(pandas.DataFrame({"text": given}, dtype=object))
    twice = pandas.DataFrame([["a", "b"]], columns=["text", "text"])
    for source in (twice, pa.table([["a"], ["b"]], names=["text", "text"])):
        with pytest.raises(DataError, match=r"names the columns \['text'\] twice"):
            list(read_rows(source))


def test_a_filtered_frame_leaves_no_column_of_its_index_in_a_file(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"text": ["a", "b", "c"], "affect.valence": [0.1, 0.2, 0.3]})
    frame[frame.text != "a"].to_parquet(tmp_path / "a.parquet")
    assert [dict(row) for row in read_rows(tmp_path / "a.parquet")] == [
        {"text": "b", "affect.valence": 0.2}, {"text": "c", "affect.valence": 0.3},
    ]  # fmt: skip


def test_other_kinds_of_numbers_and_of_nothing() -> None:
    """Decimal, numpy's and pandas' own: as a table, a list of records or a database has them."""
    from decimal import Decimal

    values: list[Any] = [
        Decimal("0.5"),
        np.float32(0.5),
        np.int8(1),
        True,
        "0.5",
        pandas.NA,
        pandas.NaT,
        Decimal("NaN"),
        np.nan,
    ]
    rows = [{"text": f"Text {place}.", "intensity.joy": value} for place, value in enumerate(values)]
    known = [bool(item.targets) for item in to_examples(rows, "mine")]
    assert known == [True] * 5 + [False] * 4
