"""The building blocks against what torch computes, and the properties they promise."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from redheart import RedHeartConfig
from redheart.modeling_redheart.backbone import TextSummary
from redheart.modeling_redheart.layers import (
    AdaptiveNorm,
    Attention,
    Linear,
    QueryTokens,
    Readout,
    RMSNorm,
    eager_attention,
    masked_mean,
    rotary_angles,
    rotate,
    unit_rms,
)
from redheart.modeling_redheart.losses import prototype_loss


@pytest.fixture(scope="module")
def config() -> RedHeartConfig:
    return RedHeartConfig.from_preset("redheart-tiny", attn_implementation="eager")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def lively(module: nn.Module) -> Any:
    """``module`` with random parameters."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(std=0.3)
    return module


# --- attention


def masks() -> dict[str, Tensor | None]:
    visible = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    visible[0, ..., 4:] = False
    return {
        "none": None,
        "bool": visible,
        "bool per query": random(2, 1, 5, 7, seed=4) > -0.5,
        "bias": F.logsigmoid(random(2, 1, 1, 7, seed=3)),
        "bias with padding": torch.where(visible, random(2, 1, 1, 7, seed=3), torch.finfo(torch.float32).min),
    }


@pytest.mark.parametrize("mask", masks().values(), ids=masks())
def test_eager_attention_equals_torch(mask: Tensor | None) -> None:
    query, key, value = random(2, 3, 5, 8), random(2, 3, 7, 8, seed=1), random(2, 3, 7, 8, seed=2)
    attended, weights = eager_attention(nn.Module(), query, key, value, mask, scaling=0.3)
    expected = F.scaled_dot_product_attention(query, key, value, mask, scale=0.3).transpose(1, 2)
    torch.testing.assert_close(attended, expected, atol=1e-5, rtol=1e-5)
    assert weights.shape == (2, 3, 5, 7)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5))
    if mask is not None and mask.dtype is torch.bool:
        assert not weights[~mask.expand_as(weights)].any()


def test_attention_equals_torch_multi_head_attention(config: RedHeartConfig) -> None:
    attention = lively(Attention(config, heads=2))
    oracle = nn.MultiheadAttention(32, 2, bias=False, batch_first=True)
    with torch.no_grad():
        packed = torch.cat([attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight])
        oracle.in_proj_weight.copy_(packed)
        oracle.out_proj.weight.copy_(attention.o_proj.weight)
    hidden, memory = random(2, 4, 32), random(2, 6, 32, seed=1)
    for source in (None, memory):
        expected, _ = oracle(hidden, hidden if source is None else source, hidden if source is None else source)
        torch.testing.assert_close(attention(hidden, source)[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_attention_is_never_causal(implementation: str) -> None:
    config = RedHeartConfig.from_preset("redheart-tiny", attn_implementation=implementation)
    attention = lively(Attention(config, heads=2))
    hidden = random(1, 5, 32)
    changed = hidden.clone()
    changed[:, -1] += 1
    assert (attention(hidden)[0][:, 0] - attention(changed)[0][:, 0]).abs().max() > 1e-3


def test_attention_may_be_wider_than_the_model(config: RedHeartConfig) -> None:
    assert Attention(config, heads=3)(random(1, 2, 32))[0].shape == (1, 2, 32)


def test_rotary_attention_depends_on_distance_only(config: RedHeartConfig) -> None:
    cosine, sine = rotary_angles(config, 40, random(1))
    query, key = random(16), random(16, seed=1)

    def score(i: int, j: int) -> float:
        turned = rotate(query.expand(1, 1, 40, 16), cosine, sine), rotate(key.expand(1, 1, 40, 16), cosine, sine)
        return float(turned[0][0, 0, i] @ turned[1][0, 0, j])

    for i, j in ((3, 1), (1, 3), (5, 5)):
        for shift in (1, 7, 30):
            assert score(i, j) == pytest.approx(score(i + shift, j + shift), abs=1e-4)
    assert abs(score(3, 1) - score(1, 3)) > 1e-2
    assert abs(score(3, 1) - score(4, 1)) > 1e-2


def test_rotary_turns_and_does_not_stretch(config: RedHeartConfig) -> None:
    states = random(2, 2, 9, 16)
    turned = rotate(states, *rotary_angles(config, 9, states))
    torch.testing.assert_close(turned.norm(dim=-1), states.norm(dim=-1))
    torch.testing.assert_close(turned[:, :, 0], states[:, :, 0])


def test_rotary_base_comes_from_the_config() -> None:
    config = RedHeartConfig.from_preset("redheart-tiny", rope_parameters={"rope_theta": 100.0, "rope_type": "default"})
    cosine, _ = rotary_angles(config, 3, random(1))
    # feature 2 of 16 turns by 100 ** (-2 * 2 / 16) per position
    assert float(cosine[0, 0, 2, 2]) == pytest.approx(float(torch.cos(torch.tensor(2 * 100.0**-0.25))), abs=1e-6)


# --- linear


class Recorder(TorchDispatchMode):
    """Records the operators that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))

    @property
    def fast(self) -> bool:
        return any("mkldnn" in name for name in self.names)


def strided() -> dict[str, Tensor]:
    return {
        "rows": random(9, 24),
        "one row": random(1, 24),
        "one vector": random(24),
        "three dimensions": random(2, 7, 24),
        "slice": random(2, 9, 24)[:, :5],
        "transposed": random(24, 6).T,
        "expanded": random(1, 24).expand(4, 24),
        "every second feature": random(5, 48)[:, ::2],
        "128 rows": random(128, 24),
        "65 rows": random(129, 24),
    }


@pytest.mark.parametrize("states", strided().values(), ids=strided())
@pytest.mark.parametrize("bias", [True, False])
def test_the_kernel_for_few_rows_equals_the_default_one(states: Tensor, bias: bool) -> None:
    linear = lively(Linear(24, 10, bias=bias))
    expected = F.linear(states, linear.weight, linear.bias)
    with torch.no_grad():
        output = linear(states)
    assert output.shape == expected.shape
    torch.testing.assert_close(output, expected.detach(), atol=1e-5, rtol=1e-5)


def test_no_rows_give_no_rows() -> None:
    with torch.no_grad():
        assert Linear(24, 10)(torch.empty(0, 24)).shape == (0, 10)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch was built without oneDNN")
def test_the_kernel_for_few_rows_runs_only_where_it_may() -> None:
    linear, states = Linear(24, 10), random(9, 24)

    def fast(make: Callable[[], Any]) -> bool:
        with Recorder() as recorder:
            make()
        return recorder.fast

    with torch.no_grad():
        assert fast(lambda: linear(states))
        assert fast(lambda: linear(random(128, 24)))
        assert not fast(lambda: linear(random(129, 24)))
        half = Linear(24, 10).bfloat16()
        assert not fast(lambda: half(states.bfloat16()))
        double = Linear(24, 10).double()
        assert not fast(lambda: double(states.double()))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert not fast(lambda: linear(states))
            assert linear(states).dtype is torch.bfloat16
    assert not fast(lambda: linear(states))
    with torch.inference_mode():
        assert fast(lambda: linear(states))


def test_linear_has_a_gradient() -> None:
    linear = Linear(24, 10)
    linear(random(3, 24)).sum().backward()
    assert linear.weight.grad is not None
    assert linear.weight.grad.any()


# --- norms and the rest


def test_unit_rms() -> None:
    hidden = random(3, 5, 32) * torch.tensor([1e-2, 1.0, 1e3])[:, None, None]
    normal = unit_rms(hidden, 1e-12)
    torch.testing.assert_close(normal.pow(2).mean(-1), torch.ones(3, 5))
    torch.testing.assert_close(F.normalize(normal, dim=-1), F.normalize(hidden, dim=-1))
    assert unit_rms(torch.zeros(2, 4), 1e-6).eq(0).all()


def test_unit_rms_is_exact_in_half_precision() -> None:
    hidden = (random(2, 32) * 300).to(torch.float16)  # the squares are beyond float16
    normal = unit_rms(hidden, 1e-6)
    assert normal.dtype is torch.float16
    torch.testing.assert_close(normal.float().pow(2).mean(-1), torch.ones(2), atol=1e-2, rtol=0)


def test_rms_norm_equals_torch(config: RedHeartConfig) -> None:
    norm = lively(RMSNorm(config))
    hidden = random(2, 3, 32)
    torch.testing.assert_close(norm(hidden), F.rms_norm(hidden, (32,), norm.weight, config.norm_eps))


def test_adaptive_norm_depends_on_its_own_text(config: RedHeartConfig) -> None:
    norm, hidden, summary = lively(AdaptiveNorm(config, rank=4)), random(2, 3, 32), random(2, 32, seed=1)
    output = norm(hidden, summary)
    scale, shift = norm.up(F.silu(norm.down(summary))).split(32, dim=-1)
    expected = F.rms_norm(hidden, (32,), eps=config.norm_eps) * (1 + scale[:, None]) + shift[:, None]
    torch.testing.assert_close(output, expected, atol=1e-5, rtol=1e-5)
    summary[1] += 1
    changed = norm(hidden, summary)
    torch.testing.assert_close(changed[0], output[0])
    assert (changed[1] - output[1]).abs().max() > 1e-3


def test_text_summary_is_a_weighted_mean_of_the_text(config: RedHeartConfig) -> None:
    summary, tokens = lively(TextSummary(config, width=8, heads=2)), random(1, 6, 32)
    mask = torch.tensor([[True, True, True, True, False, False]])
    pooled = summary(tokens, mask)
    low, high = tokens[:, :4].amin(1), tokens[:, :4].amax(1)
    assert ((pooled >= low - 1e-6) & (pooled <= high + 1e-6)).all()
    tokens[:, 4:] = 1e3
    torch.testing.assert_close(summary(tokens, mask), pooled)
    same = tokens[:, :1].expand(1, 6, 32)
    torch.testing.assert_close(summary(same, mask), same[:, 0])


def test_masked_mean() -> None:
    hidden = torch.tensor([[[1.0], [3.0], [100.0]], [[7.0], [8.0], [9.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(hidden, mask).flatten().tolist() == [2.0, 0.0]


def test_readout_reads_each_label_from_its_own_token(config: RedHeartConfig) -> None:
    readout = lively(Readout(config, width=8, labels=3, values=2))
    tokens = random(2, 3, 32)
    values = readout(tokens)
    assert values.shape == (2, 3, 2)
    hidden = F.gelu(readout.hidden(tokens))
    for label in range(3):
        rows = slice(2 * label, 2 * label + 2)
        expected = hidden[:, label] @ readout.out.weight[rows].T + readout.out.bias[rows]
        torch.testing.assert_close(values[:, label], expected, atol=1e-5, rtol=1e-5)
    changed = tokens.clone()
    changed[:, 1] += 1
    difference = (readout(changed) - values).abs().amax(dim=(0, 2))
    assert difference[0] == difference[2] == 0
    assert difference[1] > 1e-3


def test_query_tokens_are_the_same_for_each_text(config: RedHeartConfig) -> None:
    tokens = lively(QueryTokens(config, 3))
    assert torch.equal(tokens(4), tokens.weight.expand(4, 3, 32))


def test_prototype_loss_is_least_for_uniform_use() -> None:
    assert float(prototype_loss(torch.full((16,), 1 / 16))) == pytest.approx(0, abs=1e-6)
    one = torch.zeros(16)
    one[3] = 1
    assert float(prototype_loss(one)) == pytest.approx(float(torch.tensor(16.0).log()), abs=1e-5)
    some = random(16).softmax(0)
    assert 0 < float(prototype_loss(some)) < float(prototype_loss((4 * some.log()).softmax(0)))
