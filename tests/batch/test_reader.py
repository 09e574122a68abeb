"""A reader as engines call it: the same rows in the same order, more columns, and an error in its row."""

import math
import pickle
from pathlib import Path
from typing import Any

import pytest

from redheart.batch import Reader, reader
from redheart.batch.columns import arrow_types
from redheart.configuration.errors import InputError
from redheart.loading import load_text_pipeline

TEXTS = ["I lied to my mother, and then I lied to her again.", " ", "He kept his word.", 5, "그만"]


@pytest.fixture
def verdicts(checkpoint: Path) -> Reader:
    return Reader(str(checkpoint), outputs=["verdict", "emotion"], batch_size=2)


def test_rows_come_back_in_order_with_what_they_had(verdicts: Reader) -> None:
    rows = [{"id": number, "text": text, "error": "mine"} for number, text in enumerate(TEXTS)]
    answers = verdicts(rows)
    assert [(row["id"], row["text"], row["input.error"]) for row in answers] == [
        (number, text, "mine") for number, text in enumerate(TEXTS)
    ]
    assert [row["error"] is None for row in answers] == [True, False, True, False, True]
    assert "blank" in answers[1]["error"]
    assert "must be a str, got int" in answers[3]["error"]
    assert all(answers[1][name] is None for name in verdicts.types() if name != "error")


def test_numbers_are_those_of_the_pipeline(verdicts: Reader, checkpoint: Path) -> None:
    pipe: Any = load_text_pipeline(str(checkpoint))
    for row in verdicts([{"text": TEXTS[0]}, {"text": TEXTS[2]}]):
        reading = pipe(row["text"], outputs=["verdict", "emotion"])
        assert row["emotion.joy"] == pytest.approx(reading["emotion"]["labels"]["joy"], abs=1e-5)
        assert row["verdict.author"] == pytest.approx(reading["verdict"]["probabilities"]["author"], abs=1e-5)
        assert row["verdict.label"] == reading["verdict"]["label"]
        assert row["emotion.asserted"].split("|") == reading["emotion"]["asserted"]


def test_a_batch_comes_back_in_its_form(verdicts: Reader) -> None:
    np, pa, pandas = (pytest.importorskip(name) for name in ("numpy", "pyarrow", "pandas"))
    texts = ["I lied.", "", "He kept his word."]
    expected = verdicts([{"text": text} for text in texts])
    columns = verdicts({"text": texts})
    assert [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)] == expected
    arrays = verdicts({"text": np.array(texts, object), "n": np.arange(3)})
    assert arrays["verdict.author"].dtype == np.float32
    assert math.isnan(arrays["verdict.author"][1])
    assert list(arrays["verdict.label"]) == [row["verdict.label"] for row in expected]
    table = verdicts(pa.table({"text": texts, "n": [1, 2, 3]}))
    kinds = arrow_types()
    assert {name: table.schema.field(name).type for name in verdicts.types()} == {
        name: kinds[kind] for name, kind in verdicts.types().items()
    }
    assert table.schema.names[:2] == ["text", "n"]
    assert table["error"].to_pylist() == [row["error"] for row in expected]
    assert type(verdicts(table.select(["text"]).to_batches()[0])) is pa.RecordBatch
    frame = verdicts(pandas.DataFrame({"text": texts}, index=[7, 8, 9]))
    assert list(frame.index) == [7, 8, 9]
    assert frame["verdict.label"].tolist()[0] == expected[0]["verdict.label"]


def test_its_schema_is_that_of_what_it_gives(verdicts: Reader) -> None:
    pa = pytest.importorskip("pyarrow")
    table = verdicts(pa.table({"text": [None, "I lied."]}))
    assert table.drop_columns(["text"]).schema == verdicts.schema()


def test_it_travels_without_the_model_and_loads_it_once(
    verdicts: Reader, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(*given: Any) -> Any:
        loaded.append(given[0])
        return load_text_pipeline(*given)

    monkeypatch.setattr(reader, "load_text_pipeline", load)
    reader._load.cache_clear()
    verdicts([{"text": "I lied."}])
    data = pickle.dumps(verdicts)
    assert len(data) < 1000
    assert pickle.loads(data)([{"text": "I lied."}]) == verdicts([{"text": "I lied."}])
    assert loaded == [str(checkpoint)]


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ([{"Text": "I lied."}], "did you mean 'Text'"),
        ({"Text": ["I lied."]}, "did you mean 'Text'"),
        (["I lied."], "Row 0 of the batch must be a mapping of columns, got str"),
        ("I lied.", "got a str"),
        (None, "got a NoneType"),
    ],
)
def test_a_batch_of_another_form_is_refused(verdicts: Reader, batch: Any, words: str) -> None:
    with pytest.raises(InputError, match="olumn") as refused:
        verdicts(batch)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outputs": ["verdct"]}, "did you mean 'verdict'"),
        ({"outputs": "verdict"}, "must be a list"),
        ({"depth": "fast", "outputs": ["perspectives"]}, "depth='full'"),
        ({"batch_size": 0}, "at least 1"),
        ({"column": 3}, "name of a column"),
    ],
)
def test_options_are_refused_before_anything_is_loaded(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        Reader("no-such-model", **options)
    assert words in str(refused.value)


def test_a_device_holds_a_model_of_its_own(checkpoint: Path) -> None:
    """As each process of `accelerate launch` has; "meta" reads nothing, but shows where the model is."""
    assert reader.pipeline_of(str(checkpoint), "meta").model.device.type == "meta"
    assert reader.pipeline_of(str(checkpoint)).model.device.type == "cpu"
    (row,) = Reader(str(checkpoint), outputs=["verdict"], device="cpu")([{"text": TEXTS[0]}])
    assert row["error"] is None
    with pytest.raises(RuntimeError, match="nowhere"):
        Reader(str(checkpoint), device="nowhere").columns()
