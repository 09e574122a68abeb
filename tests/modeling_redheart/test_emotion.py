"""The emotion analyzer: segments, recurrence, levels, arc."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from redheart import RedHeartModel
from redheart.modeling_redheart.emotion import BidirectionalGRU, GatedRecurrence, segment_index, segment_means


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- segments


@pytest.mark.parametrize(
    ("mask", "segments", "expected"),
    [
        ([1, 1, 1, 1, 1, 1], 3, [0, 0, 1, 1, 2, 2]),
        ([1, 1, 1, 1, 1], 2, [0, 0, 0, 1, 1]),  # the earlier piece takes the odd one
        ([1, 1, 1, 1, 0, 0], 2, [0, 0, 1, 1, -1, -1]),
        ([0, 0, 1, 1, 1, 1], 2, [-1, -1, 0, 0, 1, 1]),
        ([1, 1, 1], 8, [0, 2, 5]),  # i * 8 // 3: spread over the course, not all at its beginning
        ([0, 1, 1, 1, 0], 8, [-1, 0, 2, 5, -1]),
        ([0, 1], 8, [-1, 0]),
        ([0, 0], 4, [-1, -1]),
        ([1] * 9, 1, [0] * 9),
    ],
)
def test_segment_index_by_hand(mask: list[int], segments: int, expected: list[int]) -> None:
    assert segment_index(torch.tensor([mask], dtype=torch.bool), segments).tolist() == [expected]


def test_segments_are_nearly_equal_and_in_order() -> None:
    for length in range(1, 40):
        index = segment_index(torch.ones(1, length, dtype=torch.bool), 8)[0]
        assert (index.diff() >= 0).all()
        sizes = index.bincount(minlength=8)
        assert int(sizes.sum()) == length
        if length >= 8:
            assert int(sizes.max() - sizes.min()) <= 1
            assert int(sizes.min()) >= 1


def test_segment_means_by_hand() -> None:
    memory = torch.tensor([[[1.0], [3.0], [10.0], [99.0]], [[99.0], [99.0], [5.0], [7.0]]])
    segments = torch.tensor([[0, 0, 2, -1], [-1, -1, 1, 2]])
    means, filled = segment_means(memory, segments, 3)
    assert means.squeeze(-1).tolist() == [[2.0, 0.0, 10.0], [0.0, 5.0, 7.0]]
    assert filled.tolist() == [[True, False, True], [False, True, True]]


# --- recurrence


def as_torch(recurrence: GatedRecurrence, inputs: int) -> nn.GRU:
    """torch's GRU with the same weights: its gates come in the same order (reset, update, candidate)."""
    oracle = nn.GRU(inputs, recurrence.width, batch_first=True)
    with torch.no_grad():
        oracle.weight_ih_l0.copy_(recurrence.from_input.weight)
        oracle.bias_ih_l0.copy_(recurrence.from_input.bias)
        oracle.weight_hh_l0.copy_(recurrence.from_state.weight)
        oracle.bias_hh_l0.copy_(recurrence.from_state.bias)
    return oracle


@pytest.fixture
def recurrence() -> GatedRecurrence:
    torch.manual_seed(0)
    made = GatedRecurrence(6, 5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.7)
    return made


@pytest.mark.parametrize("grad", [True, False])
def test_recurrence_equals_torch_gru(recurrence: GatedRecurrence, grad: bool) -> None:
    oracle, inputs, mask = as_torch(recurrence, 6), random(3, 7, 6), torch.ones(3, 7, dtype=torch.bool)
    with torch.set_grad_enabled(grad):
        ahead, back = recurrence(inputs, mask, backward=False), recurrence(inputs, mask, backward=True)
    torch.testing.assert_close(ahead, oracle(inputs)[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(back, oracle(inputs.flip(1))[0].flip(1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("backward", [False, True])
def test_masked_steps_carry_the_state_on(recurrence: GatedRecurrence, backward: bool) -> None:
    inputs = random(1, 4, 6)
    expected = recurrence(inputs, torch.ones(1, 4, dtype=torch.bool), backward)
    place = [1, 2, 5, 7]
    spread, mask = random(1, 9, 6, seed=5) * 50, torch.zeros(1, 9, dtype=torch.bool)
    spread[:, place], mask[:, place] = inputs, True
    states = recurrence(spread, mask, backward)
    torch.testing.assert_close(states[:, place], expected)
    before = {3: 5, 4: 5, 6: 7, 0: 1} if backward else {3: 2, 4: 2, 6: 5, 8: 7}
    for step, source in before.items():
        assert torch.equal(states[:, step], states[:, source])
    edge = 8 if backward else 0
    assert not states[:, edge].any()  # nothing was read yet


def test_the_layers_stack_like_torch(lively: RedHeartModel) -> None:
    module = lively.emotion_analyzer.recurrence
    assert isinstance(module, BidirectionalGRU)
    width = module.forward_layers[0].width
    oracle = nn.GRU(32, width, num_layers=3, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for layer in range(3):
            for direction, suffix in ((module.forward_layers[layer], ""), (module.backward_layers[layer], "_reverse")):
                getattr(oracle, f"weight_ih_l{layer}{suffix}").copy_(direction.from_input.weight)
                getattr(oracle, f"bias_ih_l{layer}{suffix}").copy_(direction.from_input.bias)
                getattr(oracle, f"weight_hh_l{layer}{suffix}").copy_(direction.from_state.weight)
                getattr(oracle, f"bias_hh_l{layer}{suffix}").copy_(direction.from_state.bias)
        states = random(2, 8, 32)
        expected = states + module.projection(oracle(states)[0])
        output = module(states, torch.ones(2, 8, dtype=torch.bool))
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)


# --- levels and arc


def read(model: RedHeartModel, batch: dict[str, Tensor]) -> Any:
    with torch.no_grad():
        return model(**batch, outputs=["emotion"]).emotion


@pytest.mark.parametrize("seed", range(3))
def test_levels_are_cumulative(lively_model: Callable[..., RedHeartModel], batch: dict[str, Tensor], seed: int) -> None:
    emotion = read(lively_model(seed=seed, initializer_range=0.5), batch)
    assert emotion.nuance_logits.shape == (4, 28, 4)
    assert (emotion.nuance_logits.diff(dim=-1) <= 0).all()
    assert (emotion.nuance_logits.diff(dim=-1) < -1e-3).any()
    assert torch.equal(emotion.nuance_logits[..., 0], emotion.logits)  # P(level >= 1) is P(emotion)


def test_ranges(lively: RedHeartModel, batch: dict[str, Tensor]) -> None:
    emotion = read(lively, batch)
    assert ((emotion.intensity >= 0) & (emotion.intensity <= 1)).all()
    assert (emotion.affect.abs() <= 1).all()
    assert (emotion.affect[:, 1:] >= 0).all()


def test_the_arc_of_a_short_text_has_gaps(lively: RedHeartModel, batch: dict[str, Tensor]) -> None:
    mask = read(lively, batch).arc_mask  # texts of 12, 9, 5 and 2 tokens in 8 segments
    assert mask.sum(dim=1).tolist() == [8, 8, 5, 2]
    assert mask[2].nonzero().flatten().tolist() == [i * 8 // 5 for i in range(5)]
    assert mask[3].nonzero().flatten().tolist() == [0, 4]


def test_the_arc_follows_the_text(lively: RedHeartModel) -> None:
    tokens = torch.arange(10, 26)[None]
    changed = tokens.clone()
    changed[:, -2:] = torch.tensor([50, 51])
    difference = (
        read(lively, {"input_ids": tokens}).arc_logits - read(lively, {"input_ids": changed}).arc_logits
    ).abs()
    by_segment = difference[0].amax(dim=-1)
    assert by_segment.argmax() == 7  # the last two of 16 tokens are the last of 8 segments
    assert by_segment[7] > 1e-3
