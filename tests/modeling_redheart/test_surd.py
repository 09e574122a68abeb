"""Information about the verdict: cases whose parts are known, and properties that hold for any prediction.

The parts are those of one text: the information of a set of sources is that of their *present* state, the divergence of
the prediction from the prior. Averaged over the states of the sources it is the mutual information of the set; so the
total always agrees with the decomposition over a dataset, and each part does where every state shares it alike.
"""

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from redheart import RedHeartModel
from redheart.configuration.labels import SURD
from redheart.modeling_redheart.surd import information_parts, source_subsets


def table(sources: int, effect: Callable[[tuple[int, ...]], float]) -> Tensor:
    """Exact predictions of a binary effect from every subset of fair binary sources, for every state of them.

    effect: probability of 1 for a state. Returns logits (2**sources states, 2**sources subsets, 2).
    """
    states = list(itertools.product((0, 1), repeat=sources))
    rows = []
    for state in states:
        row = []
        for subset in range(2**sources):
            known = [i for i in range(sources) if subset >> i & 1]
            alike = [effect(other) for other in states if all(other[i] == state[i] for i in known)]
            positive = sum(alike) / len(alike)
            row.append([math.log(max(p, 1e-30)) for p in (1 - positive, positive)])
        rows.append(row)
    return torch.tensor(rows, dtype=torch.float64)


def mean_parts(logits: Tensor) -> dict[str, float]:
    return dict(zip(SURD, information_parts(logits).mean(dim=0).tolist(), strict=True))


def entropy(p: float) -> float:
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q)


# --- cases of design.md section 6, where each state of the sources has the same parts


@pytest.mark.parametrize(
    ("sources", "effect", "expected"),
    [
        (2, lambda s: s[0] ^ s[1], (1, 0, 0, 1)),
        (3, lambda s: s[0] ^ s[1] ^ s[2], (1, 0, 0, 1)),
        (3, lambda s: s[0] ^ s[2], (1, 0, 0, 1)),  # source 1 is useless
        (2, lambda s: s[0], (0, 1, 0, 1)),
        (3, lambda s: s[1], (0, 1, 0, 1)),
        (2, lambda s: 0.5, (0, 0, 0, 0)),
        (3, lambda s: 0.3, (0, 0, 0, 0)),
        # with 10 % flips, 1 - H(0.1) = 0.531 bits are left
        (2, lambda s: 0.9 if s[0] ^ s[1] else 0.1, (1 - entropy(0.1), 0, 0, 1 - entropy(0.1))),
        (2, lambda s: 0.9 if s[1] else 0.1, (0, 1 - entropy(0.1), 0, 1 - entropy(0.1))),
    ],
    ids=["xor", "xor of three", "xor and a third", "copy", "copy of the second", "independent", "independent, skewed",
         "noisy xor", "noisy copy"],
)  # fmt: skip
def test_known_cases(
    sources: int, effect: Callable[[tuple[int, ...]], float], expected: tuple[float, float, float, float]
) -> None:
    parts = mean_parts(table(sources, effect))
    assert parts == pytest.approx(dict(zip(SURD, expected, strict=True)), abs=1e-9)


@pytest.mark.parametrize("useless", [False, True])
def test_two_copies_are_redundant(useless: bool) -> None:
    sources = 3 if useless else 2
    rows = []
    for effect in (0, 1):
        certain = [math.log(1e-30), math.log(1e-30)]
        certain[effect] = 0.0
        # sources 0 and 1 are the effect itself; a third one says nothing
        rows.append([certain if subset & 0b11 else [0.0, 0.0] for subset in range(2**sources)])
    parts = mean_parts(torch.tensor(rows, dtype=torch.float64))
    assert parts == pytest.approx({"synergy": 0, "unique": 0, "redundant": 1, "determined": 1}, abs=1e-9)


def test_and_of_one_text_differs_from_and_of_a_dataset() -> None:
    """Over a dataset, AND has redundant .3113, unique 0, synergy .5: there the sources are compared per value of the
    *effect*, and both are equally good for each. A text has one state (a, b). Knowing that a source is 0 settles the
    verdict: log2(4/3) = .415 bits; that it is 1 leaves it open: log2(4/3) - .2075 = .2075 bits. So in (0, 1) the
    source that is 0 has .2075 bits of its own; in (1, 1) only both together, log2(4) = 2 bits, settle it. The mean
    over the four states has the same total, .8113 bits, in other shares.
    """
    parts = information_parts(table(2, lambda s: s[0] & s[1]))
    half = 0.5 * math.log2(0.5 / 0.75) + 0.5 * math.log2(0.5 / 0.25)
    sure = math.log2(4 / 3)
    by_state = {(0, 0): (0, 0, sure), (0, 1): (0, sure - half, half), (1, 0): (0, sure - half, half),
                (1, 1): (2 - half, 0, half)}  # fmt: skip
    for row, expected in zip(parts.tolist(), by_state.values(), strict=True):
        assert row[:3] == pytest.approx(expected, abs=1e-9)
    mean = mean_parts(table(2, lambda s: s[0] & s[1]))
    assert (mean["synergy"], mean["unique"], mean["redundant"]) == pytest.approx((0.4481, 0.1038, 0.2594), abs=1e-4)
    assert mean["synergy"] + mean["unique"] + mean["redundant"] == pytest.approx(entropy(0.25), abs=1e-9)
    assert mean["determined"] == pytest.approx(1)


# --- any prediction


@pytest.fixture(scope="module")
def predictions() -> Tensor:
    return 2 * torch.randn(200, 8, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_parts_are_not_negative_and_sum_to_the_best_set(predictions: Tensor) -> None:
    parts = information_parts(predictions)
    assert (parts >= 0).all()
    assert (parts[:, SURD.index("determined")] <= 1).all()
    prior = predictions[:, :1].log_softmax(-1)
    log_p = predictions.log_softmax(-1)
    information = (log_p.exp() * (log_p - prior)).sum(-1) / math.log(2)
    torch.testing.assert_close(parts[:, :3].sum(-1), information.amax(-1))
    single = information[:, [1, 2, 4]].sort(dim=-1).values
    torch.testing.assert_close(parts[:, SURD.index("redundant")], single[:, 1])
    torch.testing.assert_close(parts[:, SURD.index("unique")], single[:, 2] - single[:, 1])


def test_a_larger_set_that_is_worth_less_adds_nothing() -> None:
    logits = torch.zeros(1, 8, 5, dtype=torch.float64)
    logits[:, 1, 0] = 5.0  # source 0 alone is sure; every other set knows nothing
    synergy, unique, redundant, _ = information_parts(logits)[0].tolist()
    assert synergy == redundant == 0
    assert unique > 1


def test_the_order_of_the_sources_does_not_matter(predictions: Tensor) -> None:
    for order in itertools.permutations(range(3)):
        moved = [sum(1 << order[i] for i in range(3) if subset >> i & 1) for subset in range(8)]
        torch.testing.assert_close(information_parts(predictions[:, moved]), information_parts(predictions))


def test_logits_may_be_shifted_large_or_in_half_precision(predictions: Tensor) -> None:
    torch.testing.assert_close(information_parts(predictions + 7), information_parts(predictions))
    assert information_parts(predictions * 1e4).isfinite().all()
    half = information_parts(predictions.bfloat16())
    assert half.dtype is torch.bfloat16
    torch.testing.assert_close(half.double(), information_parts(predictions), atol=0.1, rtol=0.1)


def test_subsets_are_in_binary_order() -> None:
    assert source_subsets().long().tolist() == [
        [0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1],
    ]  # fmt: skip


# --- the analyzer


def test_each_subset_sees_its_sources_and_no_others(lively: RedHeartModel) -> None:
    sources = torch.randn(2, 3, 32, generator=torch.Generator().manual_seed(0))
    seen = source_subsets()
    with torch.no_grad():
        before = lively.surd_analyzer(sources)
        for source in range(3):
            changed = sources.clone()
            changed[:, source] += 1
            difference = (lively.surd_analyzer(changed).subset_logits - before.subset_logits).abs().amax(dim=(0, 2))
            assert (difference[~seen[:, source]] < 1e-6).all()
            assert (difference[seen[:, source]] > 1e-4).all()
    torch.testing.assert_close(before.subset_logits[0, 0], before.subset_logits[1, 0])  # the prior knows no text


def test_no_gradient_reaches_the_sources(lively: RedHeartModel) -> None:
    sources = torch.randn(2, 3, 32, requires_grad=True)
    output = lively.surd_analyzer(sources)
    assert not output.parts.requires_grad
    (output.subset_logits.sum() + output.state.sum()).backward()
    assert sources.grad is None
