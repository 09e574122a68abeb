"""How much memory a step takes, measured by running the step without data.

Notable: the model is built on the meta device, and its step then runs on fake tensors, which have a shape, a type and a
device but no data; whatever an operator allocates is followed until it is freed. So nothing is estimated by a formula,
and activation checkpointing, fused attention and autocast count as they are. Only the 8-bit optimiser is computed from
its layout: its kernels take no fake tensors. (Tensors on the meta device alone would not do: their attention is never
the fused one, autocast ignores them, and a mask without values cannot be tested for whether it masks anything.)

The parts do not add up to the peak, because they do not exist at the same time. Weights and optimiser state always do.
The forward pass adds activations, and the backward pass replaces them by gradients. So the peak is at the end of
``forward`` or early in ``backward`` where activations dominate (large batches), and at the end of ``backward`` where
gradients do (small batches); an optimiser that does not work in place would have it in the ``update``.

Left out: the CUDA context (about 0.5 GB), the workspaces of its libraries, what the allocator rounds up or cannot use
because of fragmentation, and Python itself. Leave a tenth of the memory free.
"""

import copy
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ...configuration.claims import TARGET_OUTPUTS
from ...configuration.configuration_redheart import RedHeartConfig
from ...configuration.labels import closest
from ...data.examples import INTEGERS, SHAPES
from ...modeling_redheart.modeling_redheart import RedHeartModel

DTYPES: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}

# Name -> the optimiser, or None where its state is computed. "adamw" is the fused one, the Trainer's default.
OPTIMIZERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer] | None] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, fused=True),
    "adamw_8bit": None,
    "sgd": lambda parameters: torch.optim.SGD(parameters, foreach=True),
    "sgd_momentum": lambda parameters: torch.optim.SGD(parameters, momentum=0.9, foreach=True),
}

# AdamW of bitsandbytes (Dettmers et al. 2021, arXiv:2110.02861): two moments of one byte per weight, each with a
# float32 scale per block. Those of a small tensor and, as the Trainer asks for, of an embedding are float32.
_BLOCK = 256
_SMALLEST_8BIT = 4096
_LOOK_UP_TABLES = 2 * 256 * 4


@dataclass(frozen=True)
class MemoryPlan:
    """Bytes that one step takes.

    Attributes:
        weights: Parameters and buffers.
        gradients: Gradients of the trained parameters.
        optimizer: State of the optimiser, which the first update makes.
        activations: What the forward pass leaves for the backward pass, the batch and autocast's copies of weights
            included; where nothing is trained, the most that the forward pass needs.
        peak: The most that is allocated at once, from the second step on.
        phase: When that is: "forward", "backward" or "update".
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    peak: int
    phase: str

    def table(self) -> list[tuple[str, int, str]]:
        """Return rows for printing: name, bytes, meaning."""
        return [
            ("weights", self.weights, "parameters and buffers"),
            ("gradients", self.gradients, "of the trained parameters, after the backward pass"),
            ("optimizer", self.optimizer, "its state, from the first update on"),
            ("activations", self.activations, "after the forward pass, with the batch"),
            ("peak", self.peak, f"the most at once, in the {self.phase}"),
        ]


def plan_memory(
    config: RedHeartConfig,
    batch: int,
    tokens: int,
    *,
    dtype: str = "float32",
    mixed_precision: str | None = None,
    optimizer: str = "adamw",
    gradient_checkpointing: bool = False,
    accumulation_steps: int = 1,
    outputs: Sequence[str] | None = None,
    depth: str = "full",
    train: bool = True,
    device: str = "cpu",
) -> MemoryPlan:
    """Predict the memory of one step on ``batch`` texts of ``tokens`` tokens, padding included.

    Args:
        config: Config of the model.
        batch: Texts of a batch, 1 or more.
        tokens: Tokens of a text.
        dtype: Type of the weights, one of `DTYPES`.
        mixed_precision: None, or "bf16" for autocast.
        optimizer: One of `OPTIMIZERS`.
        gradient_checkpointing: Whether the inside of each layer is recomputed in the backward pass.
        accumulation_steps: Batches per update, 1 or more; with more than one the gradients stay while the next
            activations are made.
        outputs: As in the model's ``forward``; every target that trains one of them is in the batch.
        depth: As in the model's ``forward``.
        train: Whether the model is trained; False = it only reads.
        device: Whose kernels are chosen. "cuda" needs a GPU; "cpu" is close to it, but its attention under a learned
            bias is not fused and takes more.

    Returns:
        The bytes of the step by part.

    Raises:
        ValueError: For an unknown setting or one that the model refuses.
    """
    _check(batch, dtype, mixed_precision, optimizer, accumulation_steps, depth, device)
    with torch.device("meta"):
        model: Any = RedHeartModel(copy.deepcopy(config))
        model.to(DTYPES[dtype]).train(train)
    if gradient_checkpointing and train:
        model.activation_checkpointing_enable()
    wanted = tuple(config.outputs_at(depth) if outputs is None else outputs)
    # The model is still on the meta device when it enters the mode.
    with FakeTensorMode(allow_non_fake_inputs=True):
        model.to_empty(device=device)
        held = [*model.parameters(), *model.buffers()]
        weights = _bytes(held)
        with _Allocations(held) as allocated:
            inputs = _batch(config, batch, tokens, wanted if train else (), depth, device)
            forward: dict[str, Any] = {**inputs, "outputs": wanted, "depth": depth}
            if not train:
                with torch.no_grad(), _precision(mixed_precision, device):
                    model(**forward)
                return MemoryPlan(weights, 0, 0, allocated.peak, weights + allocated.peak, "forward")
            for _ in range(min(accumulation_steps, 2)):
                precision = _precision(mixed_precision, device)
                activations, peaks = _forward_and_backward(model, forward, precision, allocated)
            activations += _bytes(inputs.values())
            gradients = _bytes(value.grad for value in model.parameters() if value.grad is not None)
            state, update = _update(model, optimizer, allocated)
    phases = {**{phase: size + state for phase, size in peaks.items()}, "update": update}
    phase = max(phases, key=phases.__getitem__)  # the first that reaches the peak
    return MemoryPlan(weights, gradients, state, activations, weights + phases[phase], phase)


class _Allocations(TorchDispatchMode):
    """Follows the storages that operators make: bytes that exist ``now``, and the most so far (``peak``).

    Args:
        held: Tensors that existed before and are not counted.
    """

    def __init__(self, held: Iterable[Tensor]) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: dict[int, weakref.ref[Any]] = {}
        for tensor in held:
            storage = tensor.untyped_storage()
            self._known[id(storage)] = weakref.ref(storage)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is not torch.ops.prim.device.default:  # the most frequent call, which makes nothing
            for value in tree_leaves(result):
                if isinstance(value, Tensor):
                    self._follow(value.untyped_storage())
        return result

    def _follow(self, storage: Any) -> None:
        # Views share one storage. Its Python object lives as long as the storage itself, also where only the graph of
        # the backward pass still holds it, so its identity and its end are those of the memory.
        key, size = id(storage), storage.nbytes()
        if key in self._known:
            return

        def free(_: Any) -> None:
            del self._known[key]
            self.now -= size

        self._known[key] = weakref.ref(storage, free)
        self.now += size
        self.peak = max(self.peak, self.now)


def _forward_and_backward(
    model: nn.Module, inputs: dict[str, Any], precision: Any, allocated: _Allocations
) -> tuple[int, dict[str, int]]:
    """Bytes that the forward pass leaves, and the most beside the weights until the end of each phase."""
    before = allocated.now
    with precision:
        loss: Tensor = model(**inputs).loss
    activations, ahead = allocated.now - before, allocated.peak
    loss.backward()
    return activations, {"forward": ahead, "backward": allocated.peak}


def _update(model: nn.Module, optimizer: str, allocated: _Allocations) -> tuple[int, int]:
    """Bytes of the optimiser's state, and the most beside the weights while it updates them."""
    make = OPTIMIZERS[optimizer]
    if make is None:
        state = _eight_bit_state(model)
        return state, allocated.now + state
    updater = make([value for value in model.parameters() if value.grad is not None])
    updater.step()  # the first one makes the state
    state = _bytes(value for entry in updater.state.values() for value in entry.values() if isinstance(value, Tensor))
    allocated.peak = allocated.now
    updater.step()
    return state, allocated.peak


def _eight_bit_state(model: nn.Module) -> int:
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    total = _LOOK_UP_TABLES
    for value in model.parameters():
        if value.grad is None:
            continue
        count = value.numel()
        if count < _SMALLEST_8BIT or id(value) in embeddings:
            total += 2 * 4 * count
        else:
            total += 2 * (count + 4 * -(-count // _BLOCK))
    return total


def _bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes of the tensors' storages, each counted once."""
    storages = {id(storage): storage for storage in (tensor.untyped_storage() for tensor in tensors)}
    return sum(storage.nbytes() for storage in storages.values())


def _precision(mixed_precision: str | None, device: str) -> Any:
    return nullcontext() if mixed_precision is None else torch.autocast(device, torch.bfloat16)


def _batch(
    config: RedHeartConfig, batch: int, tokens: int, outputs: Sequence[str], depth: str, device: str
) -> dict[str, Tensor]:
    """Texts, and every target that trains one of the outputs."""
    text = torch.zeros(batch, tokens, dtype=torch.long, device=device)
    inputs = {"input_ids": text, "attention_mask": torch.ones_like(text)}
    for name, (output, fast) in TARGET_OUTPUTS.items():
        if output in outputs and (fast or depth == "full"):
            known = SHAPES[name]
            shape = (config.hidden_size,) if known is None else known
            inputs[name] = torch.zeros(
                batch, *shape, dtype=torch.long if name in INTEGERS else torch.float32, device=device
            )
    return inputs


def _check(
    batch: int, dtype: str, mixed_precision: str | None, optimizer: str, accumulation: int, depth: str, device: str
) -> None:
    choices: tuple[tuple[str, Any, Iterable[Any]], ...] = (
        ("dtype", dtype, DTYPES),
        ("mixed_precision", mixed_precision, (None, "bf16")),
        ("optimizer", optimizer, OPTIMIZERS),
        ("depth", depth, ("full", "fast")),
        ("device", device, ("cpu", "cuda")),
    )
    for option, value, known in choices:
        if value not in known:
            raise ValueError(f"No {option} {value!r}; {closest(str(value), map(str, known))}")
    if min(batch, accumulation) < 1:
        raise ValueError(f"`batch` and `accumulation_steps` must be 1 or more, got {batch} and {accumulation}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device='cuda' cannot be planned without a GPU; plan with device='cpu'.")


__all__ = ["DTYPES", "OPTIMIZERS", "MemoryPlan", "plan_memory"]
