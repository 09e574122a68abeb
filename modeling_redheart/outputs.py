"""The typed outputs: what each component returns, and the reading that the model returns.

Shapes use ``batch``, ``hidden``, ``tokens`` (after the token budget), ``segments``, ``modules`` (the heads and
analyzers that the model has: 10, `RedHeartConfig.modules`), and the label counts of ``labels.py``.
"""

from dataclasses import dataclass
from typing import get_args, get_type_hints

from torch import Tensor
from transformers.utils.generic import ModelOutput


@dataclass
class BackboneOutput(ModelOutput):
    """What the text encoder gives to everything after it."""

    layer_states: Tensor | None = None  # (batch, layers + 1, tokens, hidden), each of unit root mean square
    task_states: Tensor | None = None  # (batch, 5 tasks, tokens, hidden)
    mask: Tensor | None = None  # (batch, tokens), True where there is text
    hidden_states: tuple[Tensor, ...] | None = None  # embeddings and each layer, (batch, tokens, hidden)
    attentions: tuple[Tensor, ...] | None = None  # per layer (batch, heads, tokens, tokens)


@dataclass
class CrossoverOutput(ModelOutput):
    """The memory of each task and the mixture of layers that made it."""

    memories: Tensor | None = None  # (batch, 5 tasks, tokens, hidden)
    mixture: Tensor | None = None  # (batch, 5 tasks, layers + 1), sums to 1 over the layers


@dataclass
class TokenBudgetOutput(ModelOutput):
    """The tokens that go on, and how much each matters."""

    importance: Tensor | None = None  # (batch, tokens of the whole text), 0..1; 0 for padding
    kept: Tensor | None = None  # (batch, kept tokens), positions in the text, ascending
    bias: Tensor | None = None  # (batch, 1, 1, kept tokens), added to every later cross-attention to tokens


@dataclass
class EmotionOutput(ModelOutput):
    """Emotions of the narrator. Only the logits come at ``depth="fast"``, with intensity and affect."""

    logits: Tensor | None = None  # (batch, 28)
    intensity: Tensor | None = None  # (batch, 28), 0..1
    affect: Tensor | None = None  # (batch, 3), valence -1..1, arousal and dominance 0..1
    nuance_logits: Tensor | None = None  # (batch, 28, 4), cumulative: sigmoid = P(level >= k), falling with k
    arc_logits: Tensor | None = None  # (batch, segments, 28)
    arc_mask: Tensor | None = None  # (batch, segments), False where the text is too short to fill the segment
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class BenthamOutput(ModelOutput):
    """Felicific calculus. The uncertainty comes with ``depth="full"``."""

    mean: Tensor | None = None  # (batch, 10); valence -1..1, the others 0..1
    logits: Tensor | None = None  # (batch, 10), the mean before it is brought to its range
    log_variance: Tensor | None = None  # (batch, 10), of the mean
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class RegretOutput(ModelOutput):
    """Regret (above 0) or rejoicing (below 0)."""

    scores: Tensor | None = None  # (batch, 7 types, 3 views), -1..1
    logits: Tensor | None = None  # (batch, 7 types, 3 views), the scores before tanh
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class CounterfactualOutput(ModelOutput):
    """What could have been: better, actual, worse."""

    utility: Tensor | None = None  # (batch, 3), -1..1, for all concerned; better >= actual >= worse by construction
    utility_logits: Tensor | None = None  # (batch, 3), the utility before tanh
    plausibility_logits: Tensor | None = None  # (batch, 3), sigmoid = probability that the view is plausible
    views: Tensor | None = None  # (batch, 3, hidden), the state of each view
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class SURDOutput(ModelOutput):
    """Information about the verdict: synergy, unique, redundant in bits, determined as a share."""

    parts: Tensor | None = None  # (batch, 4)
    subset_logits: Tensor | None = None  # (batch, 8 subsets, 5 verdicts); bit i of the subset = source i is seen
    verdict_logits: Tensor | None = None  # (batch, 5), the direct reading, from the head only
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class PerspectivesOutput(ModelOutput):
    """The verdict as the narrator and as the other side would give it."""

    verdict_logits: Tensor | None = None  # (batch, 2 perspectives, 5 verdicts)
    state: Tensor | None = None  # (batch, hidden)


@dataclass
class VerdictOutput(ModelOutput):
    """Who is in the wrong, and how acceptable the narrator's own conduct is."""

    logits: Tensor | None = None  # (batch, 5)
    acceptability_logits: Tensor | None = None  # (batch,), sigmoid = acceptability, 0..1; full depth only


@dataclass
class BridgeOutput(ModelOutput):
    """What the bridge makes of the module states."""

    states: Tensor | None = None  # (batch, modules, hidden), all finite
    predicted: Tensor | None = None  # (batch, modules, hidden), from the latent memory alone
    rebuilt: Tensor | None = None  # (batch, modules, hidden), each from the other modules
    ran: Tensor | None = None  # (modules,), False where the state is a predicted one
    recovered: Tensor | None = None  # (batch, modules), True where a state was not finite and is the rebuilt one
    prototype_usage: Tensor | None = None  # (prototypes,), mean soft assignment over the batch
    joint: Tensor | None = None  # (batch, hidden)
    verdict: VerdictOutput | None = None


@dataclass
class HeadsOutput(ModelOutput):
    """The heads' own readings, which at full depth the analyzers refine. One that did not run is None."""

    emotion: EmotionOutput | None = None
    bentham: BenthamOutput | None = None
    regret: RegretOutput | None = None
    surd: SURDOutput | None = None


@dataclass
class RedHeartOutput(ModelOutput):
    """The whole reading. A part that was not asked for is None."""

    loss: Tensor | None = None  # scalar, mean over the texts of what each costs: its weighted losses
    losses: dict[str, Tensor] | None = None  # name -> scalar, mean over the texts that have the target
    loss_texts: dict[str, Tensor] | None = None  # name -> how many texts of the batch these are
    # First of what is read, since transformers' feature-extraction pipeline takes the first output.
    embedding: Tensor | None = None  # (batch, hidden), of length 1
    emotion: EmotionOutput | None = None
    bentham: BenthamOutput | None = None
    regret: RegretOutput | None = None
    counterfactual: CounterfactualOutput | None = None
    surd: SURDOutput | None = None
    perspectives: PerspectivesOutput | None = None
    verdict: VerdictOutput | None = None
    expected_loss: Tensor | None = None  # (batch, 13), of each of `labels.RATED`
    joint: Tensor | None = None  # (batch, hidden), the bridge's state of the whole text
    importance: Tensor | None = None  # (batch, tokens of the whole text), 0..1
    mixture: Tensor | None = None  # (batch, 5 tasks, layers + 1)
    states: Tensor | None = None  # (batch, modules, hidden)
    recovered: Tensor | None = None  # (batch, modules)
    heads: HeadsOutput | None = None  # only with ``output_heads=True``
    hidden_states: tuple[Tensor | None, ...] | None = None  # embeddings and each layer, (batch, tokens, hidden)
    attentions: tuple[Tensor, ...] | None = None  # per layer (batch, heads, tokens, tokens)


def _parts() -> dict[str, type[ModelOutput]]:
    """The fields of a `RedHeartOutput` that are outputs of their own, by their types."""
    types = {name: get_args(hint)[0] for name, hint in get_type_hints(RedHeartOutput).items()}
    return {name: kind for name, kind in types.items() if isinstance(kind, type) and issubclass(kind, ModelOutput)}


# Name of a part of the reading -> its type.
PARTS: dict[str, type[ModelOutput]] = _parts()


__all__ = [
    "PARTS",
    "BackboneOutput",
    "BenthamOutput",
    "BridgeOutput",
    "CounterfactualOutput",
    "CrossoverOutput",
    "EmotionOutput",
    "HeadsOutput",
    "PerspectivesOutput",
    "RedHeartOutput",
    "RegretOutput",
    "SURDOutput",
    "TokenBudgetOutput",
    "VerdictOutput",
]
