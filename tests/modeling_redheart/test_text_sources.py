"""Sources give their texts in their own order, and sources without texts are refused."""

from collections import UserList, deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset

from redheart import EthicalAnalysisPipeline, RedHeartModel
from redheart.modeling_redheart.text_sources import texts_in

TEXTS = ["I lied to my mother.", "He kept his word.", "She stole the money."]


class Numbered:
    """A sequence of the old protocol: a length and items by position, nothing else."""

    def __len__(self) -> int:
        return len(TEXTS)

    def __getitem__(self, index: int) -> str:
        return TEXTS[index]


class Stream(IterableDataset[str]):
    """A data set that has a length and no items by position."""

    def __len__(self) -> int:
        return len(TEXTS)

    def __iter__(self) -> Iterator[str]:
        return iter(TEXTS)


class WithColumns(Dataset[str]):
    """A data set of texts that has an attribute named like that of a table."""

    columns = ("text", "label")

    def __len__(self) -> int:
        return len(TEXTS)

    def __getitem__(self, index: int) -> str:
        return TEXTS[index]


@pytest.mark.parametrize(
    "source",
    [
        TEXTS, tuple(TEXTS), iter(TEXTS), (text for text in TEXTS), dict.fromkeys(TEXTS).keys(), UserList(TEXTS),
        deque(TEXTS), np.array(TEXTS), np.array(TEXTS, dtype=object), Numbered(), Stream(), WithColumns(),
    ],
    ids=lambda source: type(source).__name__,
)  # fmt: skip
def test_texts_come_in_the_order_of_their_source(source: Any) -> None:
    assert list(texts_in(source)) == TEXTS


def test_rows_of_a_data_set_that_is_streamed_give_their_text() -> None:
    class Rows(IterableDataset[Any]):
        def __init__(self, name: str) -> None:
            self.name = name

        def __iter__(self) -> Iterator[Any]:
            return iter([{self.name: text, "id": 1} for text in TEXTS])

    assert list(texts_in(Rows("text"))) == TEXTS
    with pytest.raises(ValueError, match="The text at index 0 must be a str, got dict"):
        list(texts_in(Rows("post")))


def test_a_series_is_read_by_its_order_and_not_by_its_labels() -> None:
    """Of its kind: shuffled, filtered, of categories, of Arrow; an Index, a column of a frame; empty."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "keep": [True, False, True]}, index=[2, 0, 1])
    kept = [TEXTS[0], TEXTS[2]]
    for source, texts in (
        (pandas.Series(TEXTS, index=[2, 0, 1]), TEXTS),
        (pandas.Series(TEXTS, index=["text", "columns", "shape"]), TEXTS),
        (pandas.Series(TEXTS, dtype="category"), TEXTS),
        (pandas.Index(TEXTS), TEXTS),
        (frame[frame.keep]["text"], kept),
        (frame[frame.keep], kept),
        (frame, TEXTS),
        (pandas.Series([], dtype=str), []),
    ):
        assert texts_in(source) == texts
    with pytest.raises(ValueError, match="The text at index 1 must be a str, got float"):
        texts_in(pandas.Series(["I lied.", float("nan")], index=[5, 7]))


def test_a_table_gives_its_text_column() -> None:
    """Of its kind: frames, data sets of `datasets`, Arrow; without the column, or with two of it."""
    pandas, datasets = pytest.importorskip("pandas"), pytest.importorskip("datasets")
    pyarrow = pytest.importorskip("pyarrow")
    data = datasets.Dataset.from_dict({"text": TEXTS, "id": [1, 2, 3]})
    for table in (data, data["text"], pyarrow.table({"text": TEXTS}), pyarrow.array(TEXTS)):
        assert list(texts_in(table)) == TEXTS
    for table in (pandas.DataFrame({"Text": TEXTS}), datasets.Dataset.from_dict({"Text": TEXTS})):
        with pytest.raises(ValueError, match=r"has no column 'text'; did you mean 'Text'\? .* table\['Text'\]"):
            texts_in(table)
    two_columns = pandas.DataFrame([[1, 2]], columns=["text", "text"])
    with pytest.raises(ValueError, match="has 2 columns 'text'"):
        texts_in(two_columns)
    with pytest.raises(ValueError, match="got DatasetDict"):
        texts_in(datasets.DatasetDict({"train": data}))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.array(3), "must be a str, got int"),
        (np.array(None), "must be a str, got NoneType"),
        (np.array([TEXTS, TEXTS]), r"one dimension, got the shape \(2, 3\)"),
        (np.array([b"I lied."]), "index 0 must be a str, got bytes_; decode it first"),
        (torch.tensor([1]), "index 0 must be a str, got Tensor"),
        (range(2), "index 0 must be a str, got int"),
        ([TEXTS], "index 0 must be a str, got list"),
        pytest.param(object(), "must be a str, got object", id="object"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_sources_without_texts_are_refused(source: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(texts_in(source))


def test_an_array_without_dimensions_is_one_text() -> None:
    assert texts_in(np.array(TEXTS[0])) == TEXTS[0]


def test_the_pipeline_reads_sources_in_memory_as_a_list(checkpoint: Any, tokenizer: Any) -> None:
    pandas = pytest.importorskip("pandas")
    pipe = EthicalAnalysisPipeline(model=RedHeartModel.from_pretrained(checkpoint), tokenizer=tokenizer, depth="fast")
    readings = pipe(pandas.Series(TEXTS, index=[2, 0, 1]), batch_size=2)
    assert [reading["text"] for reading in readings] == TEXTS
    assert pipe(np.array(TEXTS[0]))["text"] == TEXTS[0]
    assert pipe(pandas.Series([], dtype=str)) == []
    with pytest.raises(ValueError, match="`batch_size` must be a number of texts, at least 1; got 0"):
        pipe(TEXTS, batch_size=0)
