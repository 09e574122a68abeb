"""What can be trained on is found once per data set, reported, and never mixed up with that of another set."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase

from redheart import RedHeartModel
from redheart.batches.prepared import Prepared, once_per_set, prepare
from redheart.data.loading import DataError, Example, Unit, to_examples, to_units
from redheart.training.trainers.trainer import RedHeartTrainer


def unit(text: str) -> Unit:
    return (Example(text, "made-up", {}),)


@pytest.fixture
def measured() -> tuple[Callable[[Sequence[Unit]], list[int]], list[int]]:
    """Lengths in letters, and how many units were measured each time."""
    calls: list[int] = []

    def measure(units: Sequence[Unit]) -> list[int]:
        calls.append(len(units))
        return [len(item[0].text) for item in units]

    return once_per_set(measure), calls


Measured = tuple[Callable[[Sequence[Unit]], list[int]], list[int]]


def test_a_data_set_is_measured_once(measured: Measured) -> None:
    lengths, calls = measured
    one, two = [unit("a"), unit("bcd")], [unit("ef")]
    for _ in range(3):
        assert lengths(one) == [1, 3]
        assert lengths(two) == [2]
    assert calls == [2, 1]


def test_other_units_are_measured_again(measured: Measured) -> None:
    lengths, calls = measured
    units = [unit("a"), unit("bcd")]
    lengths(units)
    units[0] = unit("efgh")  # the same list, as long as it was
    assert lengths(units) == [4, 3]
    units.append(unit("i"))
    assert lengths(units) == [4, 3, 1]
    assert calls == [2, 2, 3]
    for number in range(40):  # each new list may lie where an earlier one lay
        assert lengths([unit("x" * number)]) == [number]


def test_a_trainer_reads_the_lengths_of_a_set_once(
    units: list[Unit],
    make_trainer: Callable[..., RedHeartTrainer],
    tiny_model: Callable[..., RedHeartModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measured: list[int] = []

    def count(texts: Sequence[Unit], tokenizer: object, longest: int, labelled: bool) -> Prepared:
        measured.append(len(texts))
        return Prepared(texts, [8] * len(texts))

    monkeypatch.setattr("redheart.training.trainers.batching_trainer.prepare", count)
    trainer = make_trainer(
        tiny_model(), units, max_steps=2, eval_dataset=units[:4], eval_strategy="steps", eval_steps=1
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate(units[4:7])
    assert sorted(measured) == [3, 4, 16]


def emotional(text: str) -> Unit:
    return (Example(text, "made-up", {"emotion_labels": np.ones(28, dtype=np.float32)}),)


def test_units_without_a_label_are_left_out_and_counted(
    tokenizer: PreTrainedTokenizerBase, caplog: pytest.LogCaptureFixture
) -> None:
    """In training, evaluation, recipes and streams; a label all of whose values are missing is none."""
    nothing = (Example("b", "made-up", {"emotion_labels": np.full(28, np.nan), "nuance_labels": np.full(28, -100)}),)
    found = prepare([emotional("a"), unit("b"), nothing, emotional("c")], tokenizer, 16)
    assert [item[0].text for item in found.units] == ["a", "c"]
    assert len(found.lengths) == 2
    assert found.left_out() == {"units without a label": 2}
    assert "Left out 2 of 4 units: they have no label" in caplog.text
    assert len(prepare([unit("a"), unit("b")], tokenizer, 16, labelled=False).units) == 2  # a teacher labels them
    with pytest.raises(DataError, match="Nothing is left of 1 units: 1 have no label"):
        prepare([unit("a")], tokenizer, 16)
    assert (
        prepare(
            to_units(to_examples([{"text": "a", "emotion_labels": [None] * 28}, {"text": "b", "emotion": "joy"}])),
            tokenizer,
            16,
        ).unlabelled
        == 1
    )


def test_pairs_that_read_the_same_are_left_out_and_counted(
    tokenizer: PreTrainedTokenizerBase, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever they rank; where one text has another label, it stays with that."""
    context = "My brother and I have shared a flat for three years and we split the rent. " * 4
    rows = [
        {"text": "I gave him his coins.", "rejected": "I kept his coins.", "context": context, "ranking": ranking}
        for ranking in ("acceptability", "utility", "branch")
    ]
    rows[0]["emotion"] = "caring"
    units = to_units(to_examples(rows, "mine"))
    found = prepare([*units, emotional("Short.")], tokenizer, 32)
    assert [tuple(item[0].targets) for item in found.units] == [("emotion_labels",), ("emotion_labels",)]
    assert found.left_out() == {"pairs that read the same": 3, "texts cut": 6}
    assert (
        "Left out 3 pairs of 4 units: both texts read the same in the first 32 tokens; raise `longest_text`"
        in caplog.text
    )
    whole = prepare(units, tokenizer, 512)
    assert whole.units is units
    assert whole.left_out() == {}
    with pytest.raises(DataError, match=r"Nothing is left of 2 units: 0 have no label, and 2 are pairs"):
        prepare(units[1:], tokenizer, 32)


def test_what_does_not_fit_a_batch_is_reported_before_training(tokenizer: PreTrainedTokenizerBase) -> None:
    """Shapes, widths and half characters of examples made by hand; rows have been checked before."""
    narrow, wide = (Example("a", "mine", {"embedding_labels": np.zeros(width)}) for width in (4, 6))
    cases: list[tuple[Unit, str]] = [
        (
            (Example("a", "mine", {"affect_labels": np.zeros(2)}),),
            r"`affect_labels` of a text of 'mine' must .* \(3,\)",
        ),
        ((wide,), r"`embedding_labels` .* must have the shape \(4,\), got \(6,\)"),
        (emotional("so \ud83d"), "lone surrogate"),
    ]
    for odd, message in cases:
        with pytest.raises(DataError, match=message):
            prepare([(narrow,), emotional("a"), odd], tokenizer, 16)
