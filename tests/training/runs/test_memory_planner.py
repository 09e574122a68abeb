"""The memory plan beside what a real step allocates, as torch's profiler sees it."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile, record_function

from redheart import RedHeartConfig, RedHeartModel
from redheart.configuration.claims import TARGET_OUTPUTS
from redheart.configuration.labels import OUTPUTS
from redheart.data.examples import INTEGERS, SHAPES
from redheart.training.runs.memory_planner import MemoryPlan, plan_memory

BATCH, TOKENS = 24, 64


@pytest.fixture(scope="module")
def config() -> RedHeartConfig:
    """Tiny, but with activations and weights of some 10 MB each."""
    return RedHeartConfig.from_preset(
        "redheart-tiny", hidden_size=128, num_attention_heads=4, num_hidden_layers=4, intermediate_size=768
    )


@dataclass
class Measured:
    """Bytes that a real step allocates beside the weights and the optimiser's state."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    peak: int


def inputs_of(config: RedHeartConfig, outputs: Sequence[str], batch: int, tokens: int) -> dict[str, Tensor]:
    """Texts of which some are padded, and every target of the outputs."""
    text = torch.randint(5, config.vocab_size, (batch, tokens))
    mask = (torch.arange(tokens)[None] < torch.linspace(tokens // 2, tokens, batch).long()[:, None]).long()
    inputs = {"input_ids": text, "attention_mask": mask}
    for name, (output, _) in TARGET_OUTPUTS.items():
        if output in outputs:
            known = SHAPES[name]
            shape = (batch, *((config.hidden_size,) if known is None else known))
            inputs[name] = torch.randint(0, 2, shape) if name in INTEGERS else torch.rand(shape)
    return inputs


def size(tensors: Any) -> int:
    return sum(value.numel() * value.element_size() for value in tensors)


def allocations(profiled: Any, folder: Path) -> Iterator[tuple[float, int]]:
    """Time and signed bytes of everything that was allocated or freed on the CPU, in order."""
    profiled.export_chrome_trace(str(folder / "trace.json"))
    events = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    memory = [event for event in events if event["name"] == "[memory]" and event["args"]["Device Type"] == 0]
    yield from sorted(((event["ts"], event["args"]["Bytes"]) for event in memory), key=lambda event: event[0])


def end_of(profiled: Any, folder: Path, name: str) -> float:
    events = json.loads((folder / "trace.json").read_text(encoding="utf-8"))["traceEvents"]
    span = next(event for event in events if event["name"] == name and event.get("ph") == "X")
    return float(span["ts"] + span["dur"])


def measure(
    config: RedHeartConfig, folder: Path, outputs: Sequence[str], optimizer: str, bf16: bool, checkpointing: bool
) -> Measured:
    """A real second step on the CPU, seen by the profiler."""
    torch.manual_seed(0)
    model = RedHeartModel(config).train()
    if checkpointing:
        model.activation_checkpointing_enable()
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[optimizer]
    inputs = inputs_of(config, outputs, BATCH, TOKENS)
    used = dict(model.named_parameters())

    def forward() -> Tensor:
        with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
            loss: Tensor = model(**inputs, outputs=outputs).loss
        return loss

    forward().backward()
    trained = [value for value in used.values() if value.grad is not None]
    updater: Any = kind(trained, lr=1e-4, fused=True)  # type: ignore[operator]
    updater.step()
    updater.zero_grad()
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        with record_function("the forward pass"):
            loss = forward()
        loss.backward()
        del loss
        updater.step()
    now, peak, left = size(inputs.values()), 0, 0
    events = list(allocations(profiled, folder))
    end = end_of(profiled, folder, "the forward pass")
    for time, change in events:
        now += change
        peak = max(peak, now)
        left = now if time <= end else left
    state = [value for entry in updater.state.values() for value in entry.values() if isinstance(value, Tensor)]
    return Measured(
        weights=size(used.values()),
        gradients=size(value.grad for value in used.values() if value.grad is not None),
        optimizer=size(state),
        activations=left,
        peak=size(used.values()) + size(state) + peak,
    )


@pytest.mark.parametrize(
    ("outputs", "optimizer", "bf16", "checkpointing"),
    [
        (("perspectives",), "adamw", False, False),
        pytest.param(OUTPUTS, "sgd", False, True, marks=pytest.mark.slow),
        pytest.param(OUTPUTS, "adamw", True, False, marks=pytest.mark.slow),
        pytest.param(OUTPUTS, "sgd", True, True, marks=pytest.mark.slow),
    ],
)
def test_the_plan_is_what_a_real_step_takes(
    tmp_path: Path, config: RedHeartConfig, outputs: tuple[str, ...], optimizer: str, bf16: bool, checkpointing: bool
) -> None:
    plan = plan_memory(
        config,
        BATCH,
        TOKENS,
        optimizer=optimizer,
        mixed_precision="bf16" if bf16 else None,
        gradient_checkpointing=checkpointing,
        outputs=outputs,
    )
    real = measure(config, tmp_path, outputs, optimizer, bf16, checkpointing)
    assert plan.weights == real.weights
    assert plan.gradients == real.gradients
    assert plan.optimizer == real.optimizer
    assert plan.activations == pytest.approx(real.activations, rel=0.15)
    assert plan.peak == pytest.approx(real.peak, rel=0.15)
    assert plan.activations > 5_000_000, "the model is too small for the comparison to mean something"


@pytest.fixture(scope="module")
def small() -> RedHeartConfig:
    return RedHeartConfig.from_preset("redheart-tiny")


@cache
def plan_heads(batch: int = 4, **options: Any) -> MemoryPlan:
    config = RedHeartConfig.from_preset("redheart-tiny")
    return plan_memory(config, batch, 32, outputs=("regret",), depth="fast", **options)


def test_how_each_part_depends_on_the_settings(small: RedHeartConfig) -> None:
    plan = plan_heads()
    parameters = list(RedHeartModel(small).parameters())
    assert plan.weights == 4 * sum(value.numel() for value in parameters)
    assert 2 * plan.gradients < plan.optimizer < 2.01 * plan.gradients, "two moments, and a step count each"
    assert plan.peak >= plan.weights + plan.optimizer + plan.activations
    half = plan_heads(dtype="bfloat16")
    assert (2 * half.weights, 2 * half.gradients) == (plan.weights, plan.gradients)
    twice = plan_heads(batch=8, optimizer="sgd_momentum")
    assert (twice.weights, twice.gradients, twice.optimizer) == (plan.weights, plan.gradients, plan.gradients)
    assert 1.6 * plan.activations < twice.activations <= 2 * plan.activations
    least = plan_heads(batch=1)
    assert least.phase == "backward", "gradients rule where the batch is small"
    assert least.peak == pytest.approx(least.weights + least.optimizer + least.gradients, rel=0.1)


def test_what_saves_memory() -> None:
    plan = plan_heads()
    assert plan_heads(gradient_checkpointing=True, optimizer="sgd").activations < 0.8 * plan.activations
    accumulated = plan_heads(accumulation_steps=4)
    assert accumulated.peak - plan.peak == pytest.approx(plan.gradients, rel=0.5), "the gradients of the batch before"
    read = plan_heads(train=False)
    assert (read.gradients, read.optimizer, read.phase) == (0, 0, "forward")
    assert read.peak == read.weights + read.activations < plan.weights + plan.activations


def test_the_8_bit_optimizer_is_counted_from_its_layout() -> None:
    config = RedHeartConfig.from_preset("redheart-tiny", vocab_size=100)
    plan = plan_memory(config, 1, 4, outputs=("emotion",), depth="fast", optimizer="adamw_8bit")
    model = RedHeartModel(config)
    model(torch.ones(1, 4, dtype=torch.long), outputs=("emotion",), depth="fast",
          emotion_labels=torch.zeros(1, 28)).loss.backward()  # fmt: skip
    expected = 2048  # two tables of 256 float32
    for name, value in model.named_parameters():
        if value.grad is None:
            continue
        if "embed_tokens" in name or value.numel() < 4096:
            expected += 8 * value.numel()  # two float32 moments
        else:
            expected += 2 * value.numel() + 8 * (value.numel() // 256)  # two bytes, and two scales per 256
            assert value.numel() % 256 == 0
    assert plan.optimizer == expected


def test_the_8_bit_optimizer_has_that_layout() -> None:
    optim = pytest.importorskip("bitsandbytes").optim
    weight = torch.nn.Parameter(torch.randn(100, 70))
    weight.grad = torch.ones_like(weight)
    updater = optim.AdamW8bit([weight])
    updater.step()
    state = updater.state[weight]
    assert size(state[name] for name in ("state1", "state2")) == 2 * 7000
    assert size(state[name] for name in ("absmax1", "absmax2")) == 8 * 28
    assert size(state[name] for name in ("qmap1", "qmap2")) == 2048


def test_the_table_names_every_part() -> None:
    plan = MemoryPlan(weights=4, gradients=3, optimizer=2, activations=9, peak=15, phase="backward")
    assert [row[:2] for row in plan.table()] == [
        ("weights", 4),
        ("gradients", 3),
        ("optimizer", 2),
        ("activations", 9),
        ("peak", 15),
    ]
    assert "backward" in plan.table()[-1][2]


def test_misuse_is_an_error(small: RedHeartConfig) -> None:
    for options, message in (
        ({"optimizer": "adamw8bit"}, "did you mean 'adamw_8bit'"),
        ({"dtype": "float64"}, "No dtype 'float64'"),
        ({"mixed_precision": "fp16"}, "No mixed_precision 'fp16'"),
        ({"depth": "ful"}, "did you mean 'full'"),
        ({"outputs": ("emotions",)}, "did you mean 'emotion'"),
        ({"accumulation_steps": 0}, "must be 1 or more"),
    ):
        with pytest.raises(ValueError, match=message):
            plan_memory(small, 1, 8, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="300 tokens is longer than this model's 256"):
        plan_memory(small, 1, 300)
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="without a GPU"):
            plan_memory(small, 1, 8, device="cuda")


def test_planning_changes_nothing(small: RedHeartConfig) -> None:
    before, state = small.to_dict(), torch.get_rng_state()
    plan_memory(small, 2, 8, outputs=("regret",), depth="fast", gradient_checkpointing=True)
    assert small.to_dict() == before
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.empty(1).device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("bf16", [False, True])
def test_the_plan_is_what_a_gpu_takes(config: RedHeartConfig, bf16: bool, checkpointing: bool) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    plan = plan_memory(
        config,
        64,
        256,
        mixed_precision="bf16" if bf16 else None,
        gradient_checkpointing=checkpointing,
        outputs=OUTPUTS,
        device="cuda",
    )
    torch.manual_seed(0)
    model = RedHeartModel(config).cuda().train()
    if checkpointing:
        model.activation_checkpointing_enable()
    inputs = {name: value.cuda() for name, value in inputs_of(config, OUTPUTS, 64, 256).items()}
    updater = None
    for _ in range(3):  # the first step makes the workspaces of the libraries and the optimiser's state
        gc.collect()
        torch.cuda.reset_peak_memory_stats()
        start = torch.cuda.memory_allocated()
        with torch.autocast("cuda", torch.bfloat16) if bf16 else nullcontext():
            loss = model(**inputs).loss
        activations = torch.cuda.memory_allocated() - start + size(inputs.values())
        loss.backward()
        del loss
        if updater is None:
            trained = [value for value in model.parameters() if value.grad is not None]
            updater = torch.optim.AdamW(trained, lr=1e-4, fused=True)
        updater.step()
        updater.zero_grad()
        peak = torch.cuda.max_memory_allocated() - start + size(inputs.values())
    assert plan.activations == pytest.approx(activations, rel=0.15)
    assert plan.peak == pytest.approx(peak + plan.weights + plan.optimizer, rel=0.15)
