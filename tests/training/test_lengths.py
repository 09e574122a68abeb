"""Token lengths are measured once for each data set, and never taken for those of another one."""

from collections.abc import Callable, Sequence

import pytest

from redheart import RedHeartModel
from redheart.training.data import Example, Unit
from redheart.training.lengths import measured_once
from redheart.training.trainer import RedHeartTrainer


def unit(text: str) -> Unit:
    return (Example(text, "made-up", {}),)


@pytest.fixture
def measured() -> tuple[Callable[[Sequence[Unit]], list[int]], list[int]]:
    """Lengths in letters, and how many units were measured each time."""
    calls: list[int] = []

    def measure(units: Sequence[Unit]) -> list[int]:
        calls.append(len(units))
        return [len(item[0].text) for item in units]

    return measured_once(measure), calls


Measured = tuple[Callable[[Sequence[Unit]], list[int]], list[int]]


def test_a_data_set_is_measured_once(measured: Measured) -> None:
    lengths, calls = measured
    one, two = [unit("a"), unit("bcd")], [unit("ef")]
    for _ in range(3):
        assert lengths(one) == [1, 3]
        assert lengths(two) == [2]
    assert calls == [2, 1]


def test_other_units_are_measured_anew(measured: Measured) -> None:
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

    def count(texts: Sequence[Unit], tokenizer: object, longest: int) -> list[int]:
        measured.append(len(texts))
        return [8] * len(texts)

    monkeypatch.setattr("redheart.training.trainer.token_lengths", count)
    trainer = make_trainer(
        tiny_model(), units, max_steps=2, eval_dataset=units[:4], eval_strategy="steps", eval_steps=1
    )
    trainer.evaluate()
    trainer.train()
    trainer.evaluate(units[4:7])
    assert sorted(measured) == [3, 4, 16]
