"""How far a student is from its teacher: each measure by hand or by its invariances, and on two models."""

from collections.abc import Callable
from operator import attrgetter

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from redheart import RedHeartModel
from redheart.compression.distillation_losses import (
    OUTPUT_COSTS,
    Distillation,
    Read,
    hidden_costs,
    mapped_layers,
    output_costs,
    state_costs,
    taught_claims,
)
from redheart.configuration.labels import BENTHAM, EMOTIONS, record_keys
from redheart.modeling_redheart.kinds import bernoulli, categorical, gaussian, relations_apart

CLAIMS = {key for key in record_keys() if not key.startswith("confidence.")}


def read(model: RedHeartModel, batch: dict[str, Tensor]) -> Read:
    reading = model(**batch, output_hidden_states=True, output_heads=True)
    return Read(reading, reading.heads, batch["attention_mask"])


def every_cost(student: Read, teacher: Read, same_tokens: bool = True) -> dict[str, Tensor]:
    return {
        **output_costs(student, teacher, CLAIMS, temperature=2.0),
        "states": state_costs(student, teacher, CLAIMS),
        "hidden": hidden_costs(student, teacher, same_tokens),
    }


@pytest.fixture(scope="module")
def other(lively_model: Callable[..., RedHeartModel]) -> RedHeartModel:
    """A teacher of another width and depth."""
    return lively_model(seed=1, hidden_size=48, num_hidden_layers=3)


def test_divergences_are_those_of_the_textbook() -> None:
    generator = torch.Generator().manual_seed(0)
    own, theirs = torch.randn(2, 4, 5, generator=generator)
    softened = kl_divergence(Bernoulli(logits=theirs / 3), Bernoulli(logits=own / 3))
    torch.testing.assert_close(bernoulli(own, theirs, 3.0), 9 * softened)
    softened = kl_divergence(Categorical(logits=theirs / 3), Categorical(logits=own / 3))
    torch.testing.assert_close(categorical(own, theirs, 3.0), 9 * softened)
    normal = kl_divergence(*(Normal(one[0], (one[1] / 2).exp()) for one in (theirs, own)))
    torch.testing.assert_close(gaussian(own[:2].mT, theirs[:2].mT, 3.0), normal)


def test_relations_need_no_common_width_and_no_common_axes() -> None:
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(2, 5, 6, generator=generator)
    turn = torch.linalg.qr(torch.randn(9, 6, generator=generator)).Q
    torch.testing.assert_close(relations_apart(3 * states @ turn.T, states), torch.zeros(2, 5), atol=1e-6, rtol=0)
    assert (relations_apart(states.roll(1, dims=1), states) > 0.01).all()
    present = torch.tensor([[True, True, False, False, False], [True, False, False, False, False]])
    apart = relations_apart(states.roll(1, dims=1), states, present)
    assert (apart > 0).tolist() == [[True, True, False, False, False], [False] * 5]


def test_layers_are_mapped_evenly() -> None:
    assert mapped_layers(3, 6) == [0, 2, 4, 6]
    assert mapped_layers(6, 8) == [0, 1, 3, 4, 5, 7, 8]
    assert mapped_layers(4, 2) == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("same_tokens", [True, False])
def test_a_model_costs_nothing_against_itself(
    lively: RedHeartModel, batch: dict[str, Tensor], same_tokens: bool
) -> None:
    costs = every_cost(read(lively, batch), read(lively, batch), same_tokens)
    assert set(costs) == {*OUTPUT_COSTS, "states", "hidden"}
    for name, cost in costs.items():
        assert cost.shape == (4,)
        torch.testing.assert_close(cost, torch.zeros(4), atol=1e-6, rtol=0, msg=name)


@pytest.mark.parametrize("same_tokens", [True, False])
def test_another_model_costs_something_and_padding_nothing(
    lively: RedHeartModel, other: RedHeartModel, batch: dict[str, Tensor], same_tokens: bool
) -> None:
    padded = {name: torch.nn.functional.pad(value, (0, 5)) for name, value in batch.items()}
    with torch.no_grad():
        costs = every_cost(read(lively, batch), read(other, batch), same_tokens)
        more = every_cost(read(lively, padded), read(other, padded), same_tokens)
    for name, cost in costs.items():
        assert (cost > 0).any(), name
        torch.testing.assert_close(more[name], cost, atol=1e-5, rtol=1e-4, msg=name)


def test_other_tokens_of_other_lengths_can_be_compared(
    lively: RedHeartModel, other: RedHeartModel, batch: dict[str, Tensor]
) -> None:
    twice = {name: value.repeat_interleave(2, dim=1) for name, value in batch.items()}
    with torch.no_grad():
        costs = every_cost(read(lively, batch), read(other, twice), same_tokens=False)
    assert all(cost.isfinite().all() for cost in costs.values())


def test_only_taught_claims_cost(lively: RedHeartModel, other: RedHeartModel, batch: dict[str, Tensor]) -> None:
    student, teacher = read(lively, batch), read(other, batch)
    costs = output_costs(student, teacher, {"emotion.joy", "bentham.purity", "nuance.joy.slight"}, temperature=1.0)
    assert set(costs) == {"emotion", "emotion_head", "bentham", "bentham_head", "nuance"}
    taught = torch.autograd.grad(costs["emotion"].sum(), student.reading.emotion.logits, retain_graph=True)[0]
    assert [EMOTIONS[place] for place in taught.abs().sum(0).nonzero()] == ["joy"]
    taught = torch.autograd.grad(costs["bentham"].sum(), student.reading.bentham.log_variance)[0]
    assert [BENTHAM[place] for place in taught.abs().sum(0).nonzero()] == ["purity"]


@pytest.mark.parametrize(
    ("claim", "place", "taught"),
    [
        ("utility.worse", "counterfactual.utility", [2]),
        ("plausibility.better", "counterfactual.plausibility_logits", [0]),
        ("acceptability", "verdict.acceptability_logits", []),
        ("perspectives.other", "perspectives.verdict_logits", [1]),
    ],
)
def test_courses_and_conduct_are_taught_by_their_claims(
    lively: RedHeartModel, other: RedHeartModel, batch: dict[str, Tensor], claim: str, place: str, taught: list[int]
) -> None:
    student, teacher = read(lively, batch), read(other, batch)
    costs = output_costs(student, teacher, {claim}, temperature=1.0)
    assert set(costs) == {claim.partition(".")[0]}
    ((name, cost),) = costs.items()
    assert cost.shape == (4,)
    assert (cost > 0).all()
    moved = torch.autograd.grad(cost.sum(), attrgetter(place)(student.reading))[0].abs()
    assert (moved.reshape(4, -1).sum(1) > 0).all(), name
    if taught:  # of the views, or of the perspectives, only the one that is taught
        assert moved.reshape(4, moved.shape[1], -1).sum((0, 2)).nonzero().flatten().tolist() == taught


def test_a_state_is_compared_where_its_claims_are_taught(
    lively: RedHeartModel, other: RedHeartModel, batch: dict[str, Tensor]
) -> None:
    student, teacher = read(lively, batch), read(other, batch)
    cost = state_costs(student, teacher, {"perspectives.self"}).sum()
    moved = torch.autograd.grad(cost, student.reading.states)[0].abs().sum((0, 2)).nonzero().flatten()
    assert moved.tolist() == [9]


def test_what_a_teacher_can_teach() -> None:
    record = {
        "emotion.joy": ["goemotions"],
        "verdict": ["scruples", "derived: from stories"],
        "regret.outcome.better": ["derived: tanh of a difference"],
        "confidence.emotion": ["rows held out of training"],
        "arc": [],
    }
    assert taught_claims(record) == {"emotion.joy", "verdict"}


@pytest.mark.parametrize("option", [{"share": 0.0}, {"share": 1.5}, {"temperature": 0.0}, {"states": -1.0}])
def test_options_out_of_range_are_named(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(option))}`"):
        Distillation(**option)
