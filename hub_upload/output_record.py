"""What is known about each output of a model: its training data, who rated them, and how far it may be trusted.

    for row in output_record(model.config, evaluation): print(row.part, row.rated_by, row.held_out)

Notable: `redheart info`, the model card and the page show the same rows. What a second rating and a single person reach
is shown beside what the model does, since a figure means nothing without them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..configuration.claims import CLAIMS, RANKINGS, Claim, Kind
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.raters import rated_by
from ..data.facts import DATA_SETS, DataSets
from ..evaluation.measurement.results import FITTED_HERE, MODEL, Evaluation

HEADS = ("output", "trained on (rows)", "rated by", "held-out figures", "a second rating", "a single person")
NONE = "none"


def _shown(claim: Claim) -> tuple[tuple[str, str], ...]:
    """The figures that are shown for a claim, as (output, measure)."""
    if claim.name in _SHOWN_OF:
        return tuple((claim.name, measure) for measure in _SHOWN_OF[claim.name])
    if claim.kind is Kind.EXPECTED_LOSS:
        return tuple((f"{claim.name}.{name}", "AUROC of right") for name in ("verdict", "emotion"))
    if claim.kind is Kind.SHARES:
        own = tuple((key, "accuracy") for key in claim.keys)
    elif claim.kind in (Kind.COURSE, Kind.PROBABILITY):
        own = ((claim.name, "average precision"),)
    elif claim.target is not None and claim.kind is not Kind.RELATIONS:
        own = ((claim.name, "mean Pearson r" if claim.axes else "Pearson r"),)
    else:
        own = ()
    rankings = (ranking.loss for ranking in RANKINGS.values() if ranking.claim == claim.name)
    return own + tuple((loss, "pair accuracy") for loss in rankings)


_SHOWN_OF = {"emotion": ("micro F1",)}
# Part of a record -> the figures that are shown for it, as (output, measure).
SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    claim.name: shown for claim in CLAIMS.values() if (shown := _shown(claim))
}

# How far the model that rated the cases agrees with itself: 220 texts, blind, Krippendorff's alpha unless another
# measure is named (data/cases/README.md).
SECOND_RATING: dict[str, str] = {
    "emotion": "micro F1 .69",
    "intensity": ".81",
    "nuance": ".81",
    "affect": "valence .94, arousal .75, dominance .90",
    "bentham": "intensity .87, duration .88, certainty .60, propinquity .48, fecundity .76, purity .44, extent .74, "
    "valence .93, vulnerability .84, intentionality .81",
    "regret": "better .96 .71 .79 .87 .95 .48 .96, actual .90 .58 .59 .28 .16 .41 .90, worse .89 .70 .13 .73 .84 .62 "
    ".34 (action, inaction, outcome, process, choice, timing, responsibility)",
    "utility": "better .65, actual .91, worse .70",
    "plausibility": "better .47, worse .44",
    "verdict": "most votes equal 96 %, author's votes .98, other's .97",
    "acceptability": ".97",
    "perspectives": "self .94, other .92",
}
# The r of one other reader with people's ratings of their own events (crowd_envent).
SINGLE_PERSON: dict[str, str] = {
    "affect": "valence .64, dominance .38",
    "bentham": "intensity .39, duration .40, certainty .34, vulnerability .33",
}


@dataclass(frozen=True)
class OutputRecord:
    """One part of a reading.

    Attributes:
        part: First word of its record keys.
        trained_on: Data set -> rows; None = unknown.
        rated_by: One word of `raters`.
        held_out: Figures on held-out rows, a phrase each.
        second_rating: Agreement of a second rating, a phrase; "" = unknown.
        single_person: What a single person reaches, a phrase; "" = unknown.
    """

    part: str
    trained_on: dict[str, int | None]
    rated_by: str
    held_out: list[str] = field(default_factory=list)
    second_rating: str = ""
    single_person: str = ""

    def cells(self) -> list[str]:
        """The cells of its row under `HEADS`."""
        sets = (name if rows is None else f"{name} ({rows:,})" for name, rows in self.trained_on.items())
        figures = "; ".join(self.held_out) or NONE
        return [self.part, ", ".join(sets), self.rated_by, figures, self.second_rating, self.single_person]


def output_record(
    config: RedHeartConfig, evaluation: Evaluation | None = None, data_sets: DataSets = DATA_SETS
) -> list[OutputRecord]:
    """Collect what is known about each supervised part of a reading.

    Args:
        config: The model's config.
        evaluation: Of this model; None = there is none.
        data_sets: Facts by the names in ``config.supervision``.

    Returns:
        A record for each part.
    """
    parts: dict[str, dict[str, None]] = {}
    for key, sources in config.supervision.items():
        parts.setdefault(key.partition(".")[0], {}).update(dict.fromkeys(sources))
    return [
        OutputRecord(
            part,
            {name: data_sets[name].rows if name in data_sets else None for name in named},
            rated_by(named),
            [] if evaluation is None else list(_held_out(evaluation, part)),
            SECOND_RATING.get(part, "") if "cases" in named else "",
            SINGLE_PERSON.get(part, "") if "cases" in named else "",
        )
        for part, named in parts.items()
        if named
    ]


def _held_out(evaluation: Evaluation, part: str) -> Iterator[str]:
    """The figures of a part, each as a phrase, without those that were fitted on their own rows."""
    for output, measure in SHOWN.get(part, ()):
        there = set()
        for figure in evaluation.figures:
            place = figure.dataset, figure.split
            wanted = (figure.output, figure.measure, figure.system) == (output, measure, MODEL)
            if wanted and math.isfinite(figure.value) and FITTED_HERE not in figure.rule and place not in there:
                there.add(place)
                name = measure if output == part else f"{output}: {measure}"
                yield f"{name} {figure.value:.3f} ({figure.dataset}, {figure.split})"


__all__ = ["HEADS", "SECOND_RATING", "SINGLE_PERSON", "OutputRecord", "output_record"]
