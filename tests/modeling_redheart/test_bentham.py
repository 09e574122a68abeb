"""Felicific calculus: the value, the ranges, the uncertainty."""

import math

import pytest
import torch
from torch import Tensor

from redheart import RedHeartModel
from redheart.configuration.labels import BENTHAM
from redheart.modeling_redheart.bentham import felicific_value
from redheart.modeling_redheart.heads import bentham_range

VALENCE, INTENTIONALITY = BENTHAM.index("valence"), BENTHAM.index("intentionality")
FACTORS = [name for name in BENTHAM if name not in ("valence", "intentionality")]


def scores(**given: float) -> Tensor:
    return torch.tensor([given.get(name, 0.5) for name in BENTHAM], dtype=torch.float64)


def test_the_value_of_a_worked_case() -> None:
    # 0.5 * (0.8 * 0.5 * 1 * 0.5) * (1 + 0.5)/2 * (1 + 1)/2 * (1 + 0)/2 * (1 + 0.5)/2 = 0.1 * 0.28125
    case = scores(valence=0.5, intensity=0.8, certainty=1.0, purity=1.0, extent=0.0)
    assert float(felicific_value(case)) == pytest.approx(0.028125)


def test_the_greatest_pleasure_and_pain_are_1() -> None:
    everything = torch.ones(10)
    assert float(felicific_value(everything)) == 1
    everything[VALENCE] = -1
    assert float(felicific_value(everything)) == -1


@pytest.mark.parametrize("name", FACTORS)
@pytest.mark.parametrize("valence", [0.6, -0.6])
def test_the_size_grows_with_each_factor(name: str, valence: float) -> None:
    steps = [felicific_value(scores(valence=valence, **{name: value})) for value in (0.0, 0.3, 0.7, 1.0)]
    sizes = [float(step.abs()) for step in steps]
    assert sizes == sorted(sizes)
    assert sizes[-1] > sizes[0]
    assert all(math.copysign(1, float(step)) == math.copysign(1, valence) for step in steps[1:])


def test_the_value_grows_with_the_valence() -> None:
    values = [float(felicific_value(scores(valence=valence))) for valence in (-1, -0.2, 0, 0.4, 1)]
    assert values == sorted(values)
    assert values[2] == 0
    assert values[0] == -values[-1]


@pytest.mark.parametrize("name", ["intensity", "duration", "certainty", "propinquity"])
def test_without_the_feeling_itself_there_is_no_value(name: str) -> None:
    assert float(felicific_value(scores(valence=1.0, **{name: 0.0}))) == 0


def test_the_intention_changes_no_feeling() -> None:
    assert felicific_value(scores(intentionality=0.0)) == felicific_value(scores(intentionality=1.0))


def test_values_stay_in_their_range_for_any_shape() -> None:
    generator = torch.Generator().manual_seed(0)
    many = torch.rand(50, 4, 10, generator=generator)
    many[..., VALENCE] = 2 * many[..., VALENCE] - 1
    values = felicific_value(many)
    assert values.shape == (50, 4)
    assert (values.abs() <= 1).all()
    assert torch.equal(values[3, 2], felicific_value(many[3, 2]))


@pytest.mark.parametrize("shape", [(9,), (11,), (10, 3), (4, 0)])
def test_wrong_sizes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"needs 10 scores .* got {shape[-1]}"):
        felicific_value(torch.zeros(shape))


def test_only_the_valence_is_signed() -> None:
    low, high = bentham_range(torch.full((1, 10), -30.0))[0], bentham_range(torch.full((1, 10), 30.0))[0]
    assert [round(value) for value in low.tolist()] == [-1 if index == VALENCE else 0 for index in range(10)]
    assert high.tolist() == [1.0] * 10


def test_the_calculator_refines_the_head_and_says_how_sure_it_is(
    lively: RedHeartModel, batch: dict[str, Tensor]
) -> None:
    with torch.no_grad():
        full = lively(**batch, outputs=["bentham"]).bentham
        fast = lively(**batch, outputs=["bentham"], depth="fast").bentham
    assert fast.log_variance is None
    assert full.log_variance.shape == (4, 10)
    assert ((full.log_variance > -8) & (full.log_variance < 2)).all()
    assert (full.log_variance[0] - full.log_variance[1]).abs().max() > 1e-3  # it depends on the text
    for bentham in (full, fast):
        torch.testing.assert_close(bentham.mean, bentham_range(bentham.logits))
    assert (full.mean - fast.mean).abs().max() > 1e-3
