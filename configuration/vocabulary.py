"""The names of the labels and their order, in the words of their papers. Everything else imports them from `labels`."""

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
SIGNED_AFFECT: tuple[str, ...] = ("valence",)

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

# What a text may report that requires care before any judgement (`flags.risk`).
RISKS: tuple[str, ...] = ("self_harm", "abuse", "child_in_danger")


__all__ = [
    "AFFECT",
    "BENTHAM",
    "EMOTIONS",
    "NUANCE_LEVELS",
    "PERSPECTIVES",
    "REGRET_TYPES",
    "RISKS",
    "SIGNED_AFFECT",
    "SIGNED_BENTHAM",
    "SURD",
    "SURD_SOURCES",
    "VERDICTS",
    "VIEWS",
]
