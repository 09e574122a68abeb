"""The results of an evaluation: figures, tables and curves as plain data, which terminal, JSON and pages are made from.

Notable: a figure is one number with its interval, of one system on one split, so that a model and its floor are in the
same list under the same names and nothing has to be looked up elsewhere.
"""

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MODEL, CONSTANT, LINEAR = "redheart", "majority or mean", "TF-IDF"
FITTED_HERE = "fitted here"  # in a rule: on the rows of the figure, which makes it too good


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        dataset: Data set of the rows.
        split: Split of the rows.
        output: What it is about ("emotion", "affect.valence", "utility_ranking", ...).
        measure: Its name in the field's terms ("macro F1").
        system: `MODEL`, `CONSTANT` or `LINEAR`.
        value: The number; NaN where it is undefined (r of a constant).
        rows: Number of texts, or of pairs.
        low: Lower end of the 95 % interval over rows; NaN where there is none.
        high: Upper end of the 95 % interval over rows; NaN where there is none.
        rule: How decisions were made and where that was fitted ("" where nothing was decided).
    """

    dataset: str
    split: str
    output: str
    measure: str
    system: str
    value: float
    rows: int
    low: float = math.nan
    high: float = math.nan
    rule: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, getattr(self, name) + 0.0)  # never -0.0


@dataclass(frozen=True)
class LabelTable:
    """Measures of each label of an output on one split.

    Attributes:
        dataset: Data set of the rows.
        split: Split of the rows.
        output: What the labels are of.
        rows: Label -> measure -> value.
    """

    dataset: str
    split: str
    output: str
    rows: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Curve:
    """Points of a plot.

    Attributes:
        kind: "reliability" or "risk-coverage".
        dataset: Data set of the rows.
        split: Split of the rows.
        output: What it is about.
        x: Confidence, or coverage.
        y: Observed frequency, or risk.
        counts: Texts in each bin of a reliability curve; empty for the other kind.
    """

    kind: str
    dataset: str
    split: str
    output: str
    x: list[float]
    y: list[float]
    counts: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Confusion:
    """Texts by their label (rows) and the label that was given (columns).

    Attributes:
        dataset: Data set of the rows.
        split: Split of the rows.
        output: What the labels are of.
        labels: Labels of the rows and of the columns.
        counts: Texts by row and column.
    """

    dataset: str
    split: str
    output: str
    labels: list[str]
    counts: list[list[int]]


@dataclass(frozen=True)
class Consistency:
    """Agreement of the readings of variants that mean the same, of one family of variants.

    Attributes:
        family: Family of the variants.
        dataset: Data set of the texts.
        units: Texts that gave enough variants.
        raters: Readings of each text, its own among them.
        alpha: Output -> (Krippendorff's alpha, low, high), interval for scores and nominal for labels; NaN where
            undefined.
        accuracy: Measure -> (on the texts themselves, on their variants).
    """

    family: str
    dataset: str
    units: int
    raters: int
    alpha: dict[str, tuple[float, float, float]]
    accuracy: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Unsupported:
    """Claims that nothing supports.

    Attributes:
        kind: Kind of no-signal text, or "all".
        texts: Number of texts.
        claimed: Share with an emotion other than neutral asserted.
        low: Lower end of the 95 % interval of ``claimed``.
        high: Upper end of the 95 % interval of ``claimed``.
        abstained: Share on which the reading asserted nothing at all.
    """

    kind: str
    texts: int
    claimed: float
    low: float
    high: float
    abstained: float


@dataclass
class Evaluation:
    """Everything that an evaluation measured.

    Attributes:
        model: Name of the model.
        parameters: Number of its parameters.
        command: Command that reproduces the evaluation.
        figures: Figures of the model and of its floor.
        tables: Measures of each label.
        curves: Points of plots.
        confusions: Confusion matrices.
        consistency: Agreement over variants of texts.
        unsupported: Claims about texts without a signal.
        information: Decomposition of a data set, and its null.
        cost: Response time and memory.
        fitted: What was fitted in this run, with the rows it was fitted on.
        record: What supervised each claim.
        skipped: What was not evaluated -> why.
    """

    model: str
    parameters: int
    command: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[LabelTable] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    confusions: list[Confusion] = field(default_factory=list)
    consistency: list[Consistency] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    information: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)
    fitted: dict[str, Any] = field(default_factory=dict)
    record: dict[str, list[str]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def find(
        self, dataset: str, output: str, measure: str, split: str | None = None, system: str = MODEL
    ) -> list[Figure]:
        """Return the figures of this description, in their order."""
        return [
            item
            for item in self.figures
            if (item.dataset, item.output, item.measure, item.system) == (dataset, output, measure, system)
            and split in (None, item.split)
        ]

    def save(self, path: Path) -> None:
        """Write the evaluation as JSON; what is undefined is null."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Evaluation":
        """Read what `save` wrote.

        Args:
            path: The file.

        Returns:
            The evaluation.

        Raises:
            ValueError: For a file that is not an evaluation.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            known = cls(data["model"], data["parameters"], data["command"])
            parts = {"figures": Figure, "tables": LabelTable, "curves": Curve, "confusions": Confusion,
                     "unsupported": Unsupported}  # fmt: skip
            for name, kind in parts.items():
                setattr(known, name, [kind(**_numbers(item)) for item in data[name]])
            known.consistency = [
                Consistency(**{**item, **{part: _tuples(item[part]) for part in ("alpha", "accuracy")}})
                for item in data["consistency"]
            ]
            for name in ("information", "cost", "fitted", "record", "skipped"):
                setattr(known, name, data[name])
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise ValueError(f"{path} is not an evaluation from `redheart evaluate --json`: {error!r}.") from error
        return known


def _plain(value: Any) -> Any:
    """Data that JSON can hold: NaN becomes null, and so does a number that is not finite."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _numbers(item: dict[str, Any]) -> dict[str, Any]:
    """Null back to NaN, where a number is expected."""
    return {key: math.nan if value is None else value for key, value in item.items()}


def _tuples(values: dict[str, list[float | None]]) -> dict[str, tuple[float, ...]]:
    return {key: tuple(math.nan if one is None else float(one) for one in row) for key, row in values.items()}


__all__ = [
    "CONSTANT",
    "FITTED_HERE",
    "LINEAR",
    "MODEL",
    "Confusion",
    "Consistency",
    "Curve",
    "Evaluation",
    "Figure",
    "LabelTable",
    "Unsupported",
]
