"""What the network for the confidence starts from: the loss that a distribution expects of itself."""

import math

import pytest
import torch
from torch import Tensor

from redheart import RedHeartConfig
from redheart.configuration.configuration_redheart import load_preset
from redheart.configuration.labels import EMOTIONS, RATED, VERDICTS
from redheart.modeling_redheart.confidence import SweetSpotNetwork
from redheart.modeling_redheart.outputs import BridgeOutput, EmotionOutput, VerdictOutput

SURE = 40.0  # a logit


@pytest.fixture(scope="module")
def silent() -> SweetSpotNetwork:
    """A network that corrects nothing."""
    torch.manual_seed(0)
    network = SweetSpotNetwork(RedHeartConfig(**load_preset("redheart-tiny"))).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    for parameter in network.readout.parameters():
        torch.nn.init.zeros_(parameter)
    return network


def read(network: SweetSpotNetwork, emotion: Tensor, verdict: Tensor) -> Tensor:
    """The expected losses of one text, (13,). emotion: (28,) logits, also those of its only segment; verdict: (5,)."""
    states = torch.zeros(1, 3, network.queries.weight.shape[-1])
    reading = EmotionOutput(
        logits=emotion[None], arc_logits=emotion[None, None], arc_mask=torch.ones(1, 1, dtype=torch.bool)
    )
    bridge = BridgeOutput(states=states, joint=states[:, 0], verdict=VerdictOutput(logits=verdict[None]))
    return network(bridge, states, reading)[0]


def expected(network: SweetSpotNetwork, emotion: Tensor, verdict: Tensor) -> dict[str, float]:
    return dict(zip(RATED, read(network, emotion, verdict).tolist(), strict=True))


def test_without_a_correction_the_expected_loss_is_the_entropy(silent: SweetSpotNetwork) -> None:
    emotion, verdict = torch.zeros(len(EMOTIONS)), torch.zeros(len(VERDICTS))
    unknown = expected(silent, emotion, verdict)
    assert [unknown[name] for name in ("emotion", "arc")] == pytest.approx([math.log(2)] * 2)
    assert [unknown[name] for name in ("verdict", "surd", "perspectives")] == pytest.approx([math.log(5)] * 3)
    emotion[3] = verdict[1] = math.log(3)
    some = expected(silent, emotion, verdict)
    quarter = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert some["emotion"] == pytest.approx((27 * math.log(2) + quarter) / 28)
    assert some["verdict"] == pytest.approx(-(3 / 7 * math.log(3 / 7) + 4 / 7 * math.log(1 / 7)))


def test_a_sure_distribution_has_a_low_expected_loss(silent: SweetSpotNetwork) -> None:
    sure = torch.full((len(EMOTIONS),), -SURE)
    verdict = torch.zeros(len(VERDICTS))
    verdict[0] = SURE
    found = expected(silent, sure, verdict)
    assert found["emotion"] < 1e-3
    assert found["verdict"] < 1e-3
    assert found["affect"] == pytest.approx(math.log(2))  # no distribution: what softplus makes of 0
    assert all(math.isfinite(value) for value in found.values())


def test_no_gradient_reaches_the_distributions(silent: SweetSpotNetwork) -> None:
    emotion = torch.zeros(len(EMOTIONS), requires_grad=True)
    verdict = torch.zeros(len(VERDICTS), requires_grad=True)
    read(silent, emotion, verdict).sum().backward()
    assert emotion.grad is None
    assert verdict.grad is None
