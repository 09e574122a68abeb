"""The one label schema: every name, its order, its range, and what an output is called.

Nothing else in the library lists labels. Index ``i`` of a tensor's label dimension is the ``i``-th name here.
"""

import difflib
from collections.abc import Iterable

# The 28 categories of GoEmotions in their published order (Demszky et al. 2020, arXiv:2005.00547), neutral last.
EMOTIONS: tuple[str, ...] = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)

# A nuance is (emotion, level): 28 x 4 = 112. Levels are ordinal and cumulative: P(strong) <= P(moderate) <= P(slight).
NUANCE_LEVELS: tuple[str, ...] = ("slight", "moderate", "strong", "extreme")

# Valence (unpleasant .. pleasant) is -1..1; arousal (calm .. excited) and dominance (controlled .. in control) 0..1.
AFFECT: tuple[str, ...] = ("valence", "arousal", "dominance")

# Seven circumstances of a pleasure or pain (Bentham, Introduction to the Principles of Morals and Legislation, ch. IV)
# and three more: which of the two it is, the sensibility of those affected (ch. VI), the intention (ch. VIII-IX).
BENTHAM: tuple[str, ...] = (
    "intensity",
    "duration",
    "certainty",
    "propinquity",
    "fecundity",
    "purity",
    "extent",
    "valence",
    "vulnerability",
    "intentionality",
)

# Dimensions whose range is -1..1; every other Bentham dimension is 0..1.
SIGNED_BENTHAM: tuple[str, ...] = ("valence",)

# Gilovich & Medvec 1995 (action, inaction); Bell 1982, Loomes & Sugden 1982 (outcome, choice);
# Connolly & Zeelenberg 2002 (process, responsibility); Roese & Summerville 2005 (timing).
REGRET_TYPES: tuple[str, ...] = ("action", "inaction", "outcome", "process", "choice", "timing", "responsibility")

# Upward, factual and downward comparison (Roese 1997).
VIEWS: tuple[str, ...] = ("better", "actual", "worse")

# Who is in the wrong (Scruples, Lourie et al. 2021, arXiv:2008.09094).
VERDICTS: tuple[str, ...] = ("author", "other", "everybody", "nobody", "info")

# Information about the verdict, in bits (Martinez-Sanchez et al. 2024); `determined` is a share of the total, 0..1,
# and not a fourth atom beside the three.
SURD: tuple[str, ...] = ("synergy", "unique", "redundant", "determined")

# What the SURD decomposition treats as sources, in the order of its subset bits.
SURD_SOURCES: tuple[str, ...] = ("emotion", "bentham", "regret")

# Who else answers the question of the verdict, which itself is the community's answer.
PERSPECTIVES: tuple[str, ...] = ("self", "other")

# What a text may tell of that asks for care before any judgement (`flags.risk`).
RISKS: tuple[str, ...] = ("self_harm", "abuse", "child_in_danger")

# What can be asked for with `outputs=`.
OUTPUTS: tuple[str, ...] = (
    "emotion",
    "bentham",
    "regret",
    "counterfactual",
    "surd",
    "perspectives",
    "verdict",
    "confidence",
    "embedding",
)

# Outputs that the heads alone can give (`depth="fast"`).
FAST_OUTPUTS: tuple[str, ...] = ("emotion", "bentham", "regret", "surd", "verdict", "embedding")

# Parts of the reading whose loss is predicted, and so whose confidence is reported.
RATED: tuple[str, ...] = (
    "emotion",
    "nuance",
    "intensity",
    "affect",
    "arc",
    "bentham",
    "regret",
    "utility",
    "plausibility",
    "surd",
    "verdict",
    "acceptability",
    "perspectives",
)

# The losses, by the name under which they are logged and weighted.
LOSSES: tuple[str, ...] = (
    "emotion",
    "emotion_head",
    "intensity",
    "affect",
    "nuance",
    "arc",
    "bentham",
    "bentham_head",
    "regret",
    "regret_head",
    "regret_theory",
    "utility",
    "utility_ranking",
    "counterfactual",
    "plausibility",
    "surd",
    "surd_head",
    "perspectives",
    "verdict",
    "verdict_head",
    "acceptability",
    "acceptability_ranking",
    "embedding",
    "asynchrony",
    "recovery",
    "prototypes",
    "sparsity",
    "confidence",
)

# Losses that no label is needed for: they hold modules to each other, and what they cost says nothing about a reading.
UNLABELLED_LOSSES: tuple[str, ...] = (
    "regret_theory",
    "surd_head",
    "asynchrony",
    "recovery",
    "prototypes",
    "sparsity",
    "confidence",
)

# The tasks that read the backbone through a projection and a mixture of layers of their own.
# "reasoning" feeds the latent memory that every analyzer reads.
TASKS: tuple[str, ...] = ("emotion", "bentham", "regret", "surd", "reasoning")

# Components with a state on the bridge, in the order of its module dimension.
MODULES: tuple[str, ...] = (
    "emotion_head",
    "bentham_head",
    "regret_head",
    "surd_head",
    "emotion_analyzer",
    "bentham_calculator",
    "regret_analyzer",
    "counterfactual_reasoner",
    "surd_analyzer",
    "perspectives",
)


def record_keys() -> tuple[str, ...]:
    """Every claim a reading can make, as the keys of ``RedHeartConfig.supervision``.

    A key is ``part`` or ``part.label`` (``"affect.valence"``, ``"nuance.anger.strong"``); a claim whose key has no
    record was not supervised, and the pipeline withholds it unless asked.
    """
    return (
        *(f"emotion.{name}" for name in EMOTIONS),
        *(f"intensity.{name}" for name in EMOTIONS),
        *(f"nuance.{name}.{level}" for name in EMOTIONS for level in NUANCE_LEVELS),
        *(f"affect.{name}" for name in AFFECT),
        "arc",
        *(f"bentham.{name}" for name in BENTHAM),
        *(f"regret.{name}.{view}" for name in REGRET_TYPES for view in VIEWS),
        *(f"utility.{view}" for view in VIEWS),
        *(f"plausibility.{view}" for view in VIEWS),
        "surd",
        "verdict",
        "acceptability",
        *(f"perspectives.{name}" for name in PERSPECTIVES),
        *(f"confidence.{name}" for name in RATED),
        "embedding",
    )


def closest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt ``name``: ``"did you mean 'x'?"``, or the known names, if any, when none is close."""
    names = list(known)
    matches = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if not any(names):
        return "there are none."
    return f"did you mean {matches[0]!r}?" if matches else f"known are {', '.join(names)}."


__all__ = [
    "AFFECT",
    "BENTHAM",
    "EMOTIONS",
    "FAST_OUTPUTS",
    "LOSSES",
    "MODULES",
    "NUANCE_LEVELS",
    "OUTPUTS",
    "PERSPECTIVES",
    "RATED",
    "REGRET_TYPES",
    "RISKS",
    "SIGNED_BENTHAM",
    "SURD",
    "SURD_SOURCES",
    "TASKS",
    "UNLABELLED_LOSSES",
    "VERDICTS",
    "VIEWS",
    "closest",
    "record_keys",
]
