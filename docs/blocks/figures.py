"""The tables of the figures of `redheart-100m`, from the evaluation that ships with it.

Notable: an aim is a number that was set before the training; the figure of the model is shown beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from redheart.evaluation.measurement.results import CONSTANT, LINEAR, MODEL, Evaluation

from .markdown import Block, bold, interval, number, percent, table
from .results import evaluation, figure, shipped

BALANCED = "TF-IDF, balanced classes"
CASES = "cases by group"
LANGUAGES = ("en", "ko")


@dataclass(frozen=True)
class Row:
    """One row of the table of the cases.

    Attributes:
        title: Its title.
        output: Output of the figure.
        measure: Measure of the figure.
        aims: Its aims, in English and in Korean.
        rule: How the rule of the figure begins; None when there is only one figure.
        low: Whether a smaller value is better.
    """

    title: str
    output: str
    measure: str
    aims: tuple[str, str]
    rule: str | None = None
    low: bool = False


ROWS = (
    Row("verdict: the most probable one has the most votes", "verdict", "accuracy", ("0.80", "0.72"), "most probable"),
    Row("verdict: soft cross entropy (lower is better)", "verdict", "soft cross entropy", ("0.80", "0.95"), low=True),
    Row(
        "verdict: both of a pair of variants right (once author, once other)",
        "verdict",
        "pairs of variants, both right",
        ("0.80", "0.68"),
    ),
    Row("verdict: wrong among the named ones (lower is better)", "verdict", "wrong among named", ("0.10", "0.10"),
        low=True),
    Row("acceptability, r", "acceptability", "Pearson r", ("0.75", "0.62")),
    Row("emotions, micro F1", "emotion", "micro F1", ("0.48", "0.40")),
    Row("valence, r", "affect.valence", "Pearson r", ("0.80", "0.80")),
    Row("arousal, r", "affect.arousal", "Pearson r", ("0.55", "0.55")),
    Row("dominance, r", "affect.dominance", "Pearson r", ("0.77", "0.77")),
    Row("Bentham, mean r of 10 dimensions", "bentham", "mean Pearson r", ("0.58", "0.45")),
    Row("regret, mean r of 21 cells", "regret", "mean Pearson r", ("0.54", "0.40")),
    Row("utility of the better course, r", "utility.better", "Pearson r", ("-", "-")),
    Row("utility of the actual course, r", "utility.actual", "Pearson r", ("-", "-")),
    Row("utility of the worse course, r", "utility.worse", "Pearson r", ("-", "-")),
)  # fmt: skip


def _value(row: Row, language: str, system: str, of: Evaluation | None = None) -> str:
    split = f"validation ({language})"
    found = figure(of or shipped(), CASES, split, row.output, row.measure, system)
    return interval(found.value, found.low, found.high) if system == MODEL else number(found.value)


def _floors(row: Row, language: str) -> list[str]:
    """TF-IDF, and for a verdict also with balanced classes."""
    systems = (LINEAR, BALANCED) if row.output == "verdict" else (LINEAR,)
    return [_value(row, language, system) for system in systems]


def _marked(cell: str, row: Row, floors: list[str]) -> str:
    """The cell of a model, in bold where it is better than every floor."""
    value, others = float(cell.partition(" ")[0]), [float(floor) for floor in floors]
    return bold(cell, value < min(others) if row.low else value > max(others))


def _cases_of(language: str) -> str:
    lines = []
    for row in ROWS:
        floors = _floors(row, language)
        ours = _marked(_value(row, language, MODEL), row, floors)
        aim = row.aims[LANGUAGES.index(language)]
        lines.append((row.title, _value(row, language, CONSTANT), ", ".join(floors), ours, aim))
    return table(("measure", "majority or mean", "TF-IDF", "redheart-100m", "aim"), lines)


def cases_english() -> str:
    """Return the table of everyday texts in English."""
    return _cases_of("en")


def cases_korean() -> str:
    """Return the table of everyday texts in Korean."""
    return _cases_of("ko")


def mini() -> str:
    """Return the table of everyday texts of redheart-mini beside its teacher."""
    student = evaluation("mini")
    lines = []
    for row in ROWS:
        cells = [row.title]
        for language in LANGUAGES:
            floors, teacher = _floors(row, language), _value(row, language, MODEL).partition(" ")[0]
            cells += [", ".join(floors), teacher, _marked(_value(row, language, MODEL, student), row, floors)]
        lines.append(cells)
    heads = (f"{language}: {system}" if system == "TF-IDF" else system for language in ("English", "Korean")
             for system in ("TF-IDF", "redheart-100m", "redheart-mini"))  # fmt: skip
    return table(("measure", *heads), lines)


def readme_quality() -> str:
    """Return the table of the README, with five rows."""
    lines = []
    for title, row in (
        ("verdict is the one with the most votes", ROWS[0]),
        ("emotions, micro F1", ROWS[5]),
        ("valence, Pearson's r", ROWS[6]),
        ("regret, mean r of 21 cells", ROWS[10]),
    ):
        english, korean = (_value(row, language, MODEL).partition(" ")[0] for language in LANGUAGES)
        floors = [_value(row, language, LINEAR) for language in LANGUAGES]
        lines.append((title, floors[0], bold(english), floors[1], bold(korean)))
    goemotions = [
        number(figure(shipped(), dataset, "validation", "emotion", "average precision", system).value)
        for dataset in ("goemotions", "goemotions_ko")
        for system in (LINEAR, MODEL)
    ]
    lines.append(("emotions of GoEmotions, average precision", goemotions[0], bold(goemotions[1]), goemotions[2],
                  bold(goemotions[3])))  # fmt: skip
    return table(("", "English: TF-IDF", "redheart-100m", "Korean: TF-IDF", "redheart-100m"), lines)


# Figures against ratings of people: title, data set, split, output, measure, rule; shown with three decimals.
_PEOPLE: Sequence[tuple[str, str, str, str, str, str | None]] = (
    ("emotion, GoEmotions", "goemotions", "validation", "emotion", "average precision", None),
    ("", "goemotions", "validation", "emotion", "macro F1", "per label, cross-fitted"),
    ("emotion, GoEmotions in Korean", "goemotions_ko", "validation", "emotion", "average precision", None),
    ("", "goemotions_ko", "validation", "emotion", "macro F1", "per label, cross-fitted"),
    *(
        (f"{name}, EmoBank" if split == "validation" else "", "emobank", split, f"affect.{name}", "Pearson r", None)
        for name in ("valence", "arousal", "dominance")
        for split in ("validation", "test")
    ),
    ("acceptability, pairs of Scruples", "scruples_dilemmas", "validation", "acceptability_ranking", "pair accuracy",
     None),
)  # fmt: skip


def people() -> str:
    """Return the table of figures against ratings of people."""
    lines = []
    for title, dataset, split, output, measure, rule in _PEOPLE:
        ours, linear, constant = (
            figure(shipped(), dataset, split, output, measure, system, rule) for system in (MODEL, LINEAR, CONSTANT)
        )
        named = f"{measure}, {rule}" if rule else measure
        cell = interval(ours.value, ours.low, ours.high, 3)
        shown = (number(constant.value, 3), number(linear.value, 3), bold(cell, ours.value > linear.value))
        lines.append((title, split, named, f"{ours.rows:,}", *shown))
    return table(("output, data", "split", "measure", "rows", "majority or mean", "TF-IDF", "redheart-100m"), lines)


def own_events() -> str:
    """Return the table of events that people describe themselves, beside human readers."""
    titles = {
        "affect.valence": "valence", "affect.dominance": "dominance", "bentham.intensity": "intensity",
        "bentham.duration": "duration", "bentham.certainty": "certainty",
        "bentham.vulnerability": "vulnerability, by effort",
    }  # fmt: skip
    lines = []
    for output, title in titles.items():
        one, five, ours = (
            figure(shipped(), "crowd_envent", "validation", output, "Pearson r", system)
            for system in ("one reader", "mean of five readers", MODEL)
        )
        cell = interval(ours.value, ours.low, ours.high)
        lines.append((title, number(one.value), number(five.value), cell))
    return table(("", "one reader", "mean of five readers", "redheart-100m"), lines)


def plain_facts() -> str:
    """Return the table of claims on texts that give no reason for them."""
    lines = []
    for split, name in (("en", "English"), ("ko", "Korean"), ("all", "both")):
        wrong, feeling = (
            figure(shipped(), "plain facts", split, output, measure)
            for output, measure in (
                ("verdict", "share with a wrongdoer named"),
                ("emotion", "share with an emotion other than neutral"),
            )
        )
        lines.append((f"plain facts, {name}", str(wrong.rows), percent(wrong.value, 1), percent(feeling.value, 1)))
    for item in shipped().unsupported:
        title = f"no-signal texts, {item.kind.replace('_', ' ')}"
        lines.append((title, str(item.texts), "-", percent(item.claimed, 1)))
    return table(("texts", "count", "a wrongdoer is named", "an emotion other than neutral"), lines)


def fairness() -> str:
    """Return the table of what an exchanged word changes, by axis."""
    axes = ("name", "gender", "religion", "nationality", "orientation", "age", "disability", "dialect", "all",
            "control")  # fmt: skip
    titles = {"all": "**all of these**", "control": "control: words that should not matter"}
    lines = []
    for axis in axes:
        cells = []
        for measure, digits in (("named verdict changed", 1), ("mean change of P(author)", 0)):
            for language in LANGUAGES:
                found = figure(shipped(), "fairness", f"{axis} ({language})", "verdict", measure)
                cells.append(percent(found.value, digits) if digits else number(found.value, 3))
        lines.append((titles.get(axis, axis), *cells))
    heads = ("what is exchanged", "verdict changes, English", "Korean", "P(author) moves by, English", "Korean")
    return table(heads, lines)


def confidence() -> str:
    """Return the table of how well the confidence separates right from wrong readings."""
    lines = []
    for title, output, rule in (
        ("verdict", "confidence.verdict", "by the expected loss"),
        ("every asserted emotion is one of the text's", "confidence.emotion", "right: every"),
        ("the most probable emotion is one of the text's", "confidence.emotion", "right: the most"),
    ):
        found = (
            figure(shipped(), CASES, f"validation ({language})", output, "AUROC of right", MODEL, rule)
            for language in LANGUAGES
        )
        lines.append((title, *(interval(item.value, item.low, item.high) for item in found)))
    return table(("AUROC: the confidence separates right from wrong", "English", "Korean"), lines)


def calibration() -> str:
    """Return the table of the expected calibration errors."""
    lines = [
        (f"{output}, {dataset}", number(figure(shipped(), dataset, "validation", output, "ECE").value, 3))
        for dataset, output in (
            ("cases", "emotion"), ("cases", "verdict"), ("goemotions", "emotion"), ("goemotions_ko", "emotion"),
        )
    ]  # fmt: skip
    return table(("expected calibration error", "redheart-100m"), lines)


def consistency() -> str:
    """Return the table of the agreement between readings of texts of the same meaning."""
    outputs = ("emotion", "affect", "bentham", "utility", "acceptability", "verdict")
    families = {item.family: item for item in shipped().consistency if item.dataset == "cases"}
    lines = [
        (name, *(interval(*families[family].alpha[name]) for family in ("surface", "paraphrase", "point_of_view")))
        for name in outputs
    ]
    return table(("Krippendorff's alpha", "surface", "paraphrase", "point of view"), lines)


def risk() -> str:
    """Return the table of what the patterns for `flags.risk` find."""
    lines = []
    for name in ("self_harm", "abuse", "child_in_danger", "any"):
        cells = []
        for language in LANGUAGES:
            for measure in ("recall", "false-alarm rate"):
                found = figure(shipped(), "risk texts", f"check ({language})", f"risk.{name}", measure)
                cells.append(percent(found.value))
        lines.append((name.replace("_", " "), *cells))
    return table(("", "English: found", "false alarms", "Korean: found", "false alarms"), lines)


BLOCKS: dict[str, Block] = {
    "readme-quality": readme_quality,
    "cases-english": cases_english,
    "cases-korean": cases_korean,
    "mini": mini,
    "people": people,
    "own-events": own_events,
    "plain-facts": plain_facts,
    "fairness": fairness,
    "confidence": confidence,
    "calibration": calibration,
    "consistency": consistency,
    "risk": risk,
}
