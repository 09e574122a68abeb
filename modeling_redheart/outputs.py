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
    """What the text encoder gives to all components after it.

    Attributes:
        layer_states: States of the embeddings and each layer, of unit root mean square; shape
            ``(batch, layers + 1, tokens, hidden)``.
        task_states: Last layer's state projected for each task; shape ``(batch, 5 tasks, tokens, hidden)``.
        mask: True where there is text; shape ``(batch, tokens)``.
        hidden_states: Embeddings and states of each layer, ``(batch, tokens, hidden)`` each.
        attentions: Attention weights of each layer, ``(batch, heads, tokens, tokens)`` each.
    """

    layer_states: Tensor | None = None
    task_states: Tensor | None = None
    mask: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass
class CrossoverOutput(ModelOutput):
    """The memory of each task and the mixture of layers that made it.

    Attributes:
        memories: Memory of each task; shape ``(batch, 5 tasks, tokens, hidden)``.
        mixture: Weights of the layers, which sum to 1; shape ``(batch, 5 tasks, layers + 1)``.
    """

    memories: Tensor | None = None
    mixture: Tensor | None = None


@dataclass
class TokenBudgetOutput(ModelOutput):
    """The tokens that are kept, and how much each matters.

    Attributes:
        importance: Importance of each token, 0..1, and 0 for padding; shape ``(batch, tokens of the whole text)``.
        kept: Positions of the kept tokens in the text, ascending; shape ``(batch, kept tokens)``.
        bias: Added to every later cross-attention to tokens; shape ``(batch, 1, 1, kept tokens)``.
    """

    importance: Tensor | None = None
    kept: Tensor | None = None
    bias: Tensor | None = None


@dataclass
class EmotionOutput(ModelOutput):
    """Emotions of the narrator.

    At ``depth="fast"`` there are only the logits, the intensity, the affect and the state.

    Attributes:
        logits: One for each emotion; shape ``(batch, 28)``.
        intensity: Of each emotion, 0..1; shape ``(batch, 28)``.
        affect: Valence, -1..1, and arousal and dominance, 0..1; shape ``(batch, 3)``.
        nuance_logits: Cumulative, so that the sigmoid is P(level >= k), falling with k; shape ``(batch, 28, 4)``.
        arc_logits: Emotions of each segment; shape ``(batch, segments, 28)``.
        arc_mask: False where the text is too short to fill the segment; shape ``(batch, segments)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    logits: Tensor | None = None
    intensity: Tensor | None = None
    affect: Tensor | None = None
    nuance_logits: Tensor | None = None
    arc_logits: Tensor | None = None
    arc_mask: Tensor | None = None
    state: Tensor | None = None


@dataclass
class BenthamOutput(ModelOutput):
    """Felicific calculus; the uncertainty only at ``depth="full"``.

    Attributes:
        mean: The dimensions: valence, -1..1, and the others, 0..1; shape ``(batch, 10)``.
        logits: The mean before it is brought to its range; shape ``(batch, 10)``.
        log_variance: Log-variance of the mean; shape ``(batch, 10)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    mean: Tensor | None = None
    logits: Tensor | None = None
    log_variance: Tensor | None = None
    state: Tensor | None = None


@dataclass
class RegretOutput(ModelOutput):
    """Regret (above 0) or rejoicing (below 0).

    Attributes:
        scores: Of each type and view, -1..1; shape ``(batch, 7 types, 3 views)``.
        logits: The scores before tanh; shape ``(batch, 7 types, 3 views)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    scores: Tensor | None = None
    logits: Tensor | None = None
    state: Tensor | None = None


@dataclass
class CounterfactualOutput(ModelOutput):
    """What could have been: better, actual, worse.

    Attributes:
        utility: Of each view for all concerned, -1..1; better >= actual >= worse by construction; shape
            ``(batch, 3)``.
        utility_logits: The utility before tanh; shape ``(batch, 3)``.
        plausibility_logits: The sigmoid is the probability that the view is plausible; shape ``(batch, 3)``.
        views: State of each view; shape ``(batch, 3, hidden)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    utility: Tensor | None = None
    utility_logits: Tensor | None = None
    plausibility_logits: Tensor | None = None
    views: Tensor | None = None
    state: Tensor | None = None


@dataclass
class SURDOutput(ModelOutput):
    """Information about the verdict: synergy, unique, redundant in bits, determined as a share.

    Attributes:
        parts: Synergy, unique and redundant information in bits, and the determined share; shape
            ``(batch, 4)``.
        subset_logits: Prediction from each subset of the sources, where bit i of the subset means that source i is in
            it; shape ``(batch, 8 subsets, 5 verdicts)``.
        verdict_logits: The direct reading, from the head only; shape ``(batch, 5)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    parts: Tensor | None = None
    subset_logits: Tensor | None = None
    verdict_logits: Tensor | None = None
    state: Tensor | None = None


@dataclass
class PerspectivesOutput(ModelOutput):
    """The verdict as the narrator and as the other side would give it.

    Attributes:
        verdict_logits: Of each perspective; shape ``(batch, 2 perspectives, 5 verdicts)``.
        state: State of the module; shape ``(batch, hidden)``.
    """

    verdict_logits: Tensor | None = None
    state: Tensor | None = None


@dataclass
class VerdictOutput(ModelOutput):
    """Who is in the wrong, and how acceptable the narrator's own conduct is.

    Attributes:
        logits: One for each verdict; shape ``(batch, 5)``.
        acceptability_logits: The sigmoid is the acceptability, 0..1; full depth only; shape ``(batch,)``.
    """

    logits: Tensor | None = None
    acceptability_logits: Tensor | None = None


@dataclass
class BridgeOutput(ModelOutput):
    """What the bridge makes of the module states.

    Attributes:
        states: State of each module, all finite; shape ``(batch, modules, hidden)``.
        predicted: States predicted from the latent memory alone; shape ``(batch, modules, hidden)``.
        rebuilt: States rebuilt from those of the other modules; shape ``(batch, modules, hidden)``.
        ran: False where the state is a predicted one; shape ``(modules,)``.
        recovered: True where a state was not finite and is the rebuilt one; shape ``(batch, modules)``.
        prototype_usage: Mean soft assignment over the batch; shape ``(prototypes,)``.
        joint: State of the whole text; shape ``(batch, hidden)``.
        verdict: The verdict and the acceptability.
    """

    states: Tensor | None = None
    predicted: Tensor | None = None
    rebuilt: Tensor | None = None
    ran: Tensor | None = None
    recovered: Tensor | None = None
    prototype_usage: Tensor | None = None
    joint: Tensor | None = None
    verdict: VerdictOutput | None = None


@dataclass
class HeadsOutput(ModelOutput):
    """The heads' own readings, which at full depth the analyzers refine; None for a head that did not run.

    Attributes:
        emotion: Reading of the emotion head.
        bentham: Reading of the Bentham head.
        regret: Reading of the regret head.
        surd: Reading of the SURD head.
    """

    emotion: EmotionOutput | None = None
    bentham: BenthamOutput | None = None
    regret: RegretOutput | None = None
    surd: SURDOutput | None = None


@dataclass
class RedHeartOutput(ModelOutput):
    """The whole reading; a part that was not requested is None.

    Attributes:
        loss: Scalar: mean over the texts of what each costs, its weighted losses.
        losses: Each loss by name: a scalar, the mean over the texts that have the target.
        loss_texts: Number of texts of the batch that have the target, by the name of the loss.
        embedding: Vector of length 1; shape ``(batch, hidden)``.
        emotion: Emotions of the narrator.
        bentham: Felicific calculus.
        regret: Regret and rejoicing.
        counterfactual: What could have been.
        surd: Information about the verdict.
        perspectives: The verdict from two perspectives.
        verdict: Who is in the wrong.
        expected_loss: Expected loss of each of `labels.RATED`; shape ``(batch, 13)``.
        joint: The bridge's state of the whole text; shape ``(batch, hidden)``.
        importance: Importance of each token, 0..1; shape ``(batch, tokens of the whole text)``.
        mixture: Weights of the layers for each task; shape ``(batch, 5 tasks, layers + 1)``.
        states: State of each module; shape ``(batch, modules, hidden)``.
        recovered: True where a module's state was rebuilt; shape ``(batch, modules)``.
        heads: The heads' own readings; only with ``output_heads=True``.
        hidden_states: Embeddings and states of each layer, ``(batch, tokens, hidden)`` each; None for one that was not
            requested.
        attentions: Attention weights of each layer, ``(batch, heads, tokens, tokens)`` each.
    """

    loss: Tensor | None = None
    losses: dict[str, Tensor] | None = None
    loss_texts: dict[str, Tensor] | None = None
    # First of the outputs that are read: transformers' feature-extraction pipeline takes the first output.
    embedding: Tensor | None = None
    emotion: EmotionOutput | None = None
    bentham: BenthamOutput | None = None
    regret: RegretOutput | None = None
    counterfactual: CounterfactualOutput | None = None
    surd: SURDOutput | None = None
    perspectives: PerspectivesOutput | None = None
    verdict: VerdictOutput | None = None
    expected_loss: Tensor | None = None
    joint: Tensor | None = None
    importance: Tensor | None = None
    mixture: Tensor | None = None
    states: Tensor | None = None
    recovered: Tensor | None = None
    heads: HeadsOutput | None = None
    hidden_states: tuple[Tensor | None, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


def _parts() -> dict[str, type[ModelOutput]]:
    """Return the fields of a `RedHeartOutput` that are outputs themselves, with their types."""
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
