"""An evaluation as one page that needs nothing else: no network, no script, no other file (`page`)."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ...cards.statements import LIMITS
from ...configuration.labels import record_keys
from ...configuration.raters import rated_by
from ...modeling_redheart.derived import PREFIX
from ..measurement.results import CONSTANT, LINEAR, MODEL, Evaluation, LabelTable
from .page import Cell, Section, Table, image, write_page
from .plots import SUPPORT, every_plot
from .terminal_report import (
    BELOW,
    CONSISTENCY,
    INFORMATION,
    KIND,
    LEAST_ALPHA,
    MOST_CLAIMED,
    NEAR,
    STANDING,
    UNSUPPORTED,
    WORST_TEXTS,
    Row,
    comparisons,
    consistency_rows,
    describe_keys,
    information_about,
    information_rows,
    interval,
    kind_rows,
    number,
    unsupported_rows,
    words,
    worst_rows,
)

ABOUT = (
    "It reads a text about a moral conflict and describes it: emotions and their strength, the felicific calculus, "
    "regret, what could have been, who is held to be in the wrong, and how far each part can be trusted."
)
HOW = (
    "Direct: learned from what the sources give. Derived: no source gives it; it follows by a rule from claims that "
    "are supervised, from another label, or from the readings of another model. Both: some of its sources are direct, "
    "some derived. Withheld: nothing supervised it, and a reading leaves it out. Rated by: people, a language model "
    "(the cases), a rule (derived), or more than one of these (mixed)."
)
_MEASURES = {
    "F1": "F1 is the harmonic mean of precision and recall, 0 to 1. Macro is the mean over labels, so that a rare one "
    "counts as much as a common one; micro takes all assertions together.",
    "average precision": "Area under precision against recall, 0 to 1: how well texts are ordered, whatever threshold.",
    "entropy": "Cross entropy, in nats: how far the given distribution is from the votes; the least there can be is "
    "the entropy of the votes themselves.",
    "^pairs of variants": "Two variants of a situation, in one of which the author has the most votes and in the other "
    "one the other side: share of the pairs with both right.",
    "accuracy": "Share of the answers that are right, 0 to 1; of two scores in a pair, chance gives 0.5.",
    "Pearson": "Linear agreement with the ratings, -1 to 1; 0 is none, and a constant answer has no value.",
    "calibration|ECE": "Mean distance between the confidence and how often it came true, 0 to 1.",
    "AUGRC": "Mean, over all coverages, of the share of texts that are answered wrongly.",
    "Spearman": "How well the loss that the model expects orders the texts by the loss that it then has, -1 to 1.",
    "AUROC": "Share of the pairs of a right and a wrong answer in which the confidence is higher for the right one: "
    "0.5 is chance, 1 separates them all.",
    "wrong among named|^coverage$": "Coverage is the share of the texts of which a verdict is named, the reading "
    "abstaining from the others; wrong among named is the share of these in which another verdict has more votes.",
    "coverage at risk": "Largest share of the texts, the surest first, that can be answered within that risk.",
    "selective risk": "Share of the asserted labels that are wrong; it means nothing without its coverage, the share "
    "of texts that were answered at all.",
}


def record_rows(record: Mapping[str, Sequence[str]], most: int = 12) -> list[list[str]]:
    """Return what supervises every claim of a reading, in the order of `labels.record_keys`, by equal sources.

    Args:
        record: Claim -> sources.
        most: Claims that are named in a row, at most.

    Returns:
        Rows of part, claims (how many, and the first ``most`` by name), how ("direct", "derived", "both" or
        "withheld"), sources, and who rated them (`raters.rated_by`).
    """
    parts: dict[str, list[str]] = {}
    for key in record_keys():
        parts.setdefault(key.partition(".")[0], []).append(key)
    rows = []
    for part, every in parts.items():
        for sources in dict.fromkeys(tuple(record.get(key, ())) for key in every):
            names = describe_keys([key for key in every if tuple(record.get(key, ())) == sources], every, most)
            rules = [source.startswith(PREFIX) for source in sources]
            how = "withheld" if not rules else "derived" if all(rules) else "both" if any(rules) else "direct"
            sources_text = ", ".join(source.removeprefix(PREFIX) for source in sources)
            rows.append([part, names, how, sources_text, rated_by(sources)])
    return rows


def label_rows(table: LabelTable) -> list[list[str]]:
    """Return the heads of the columns, and a row for each label."""
    measures = list(dict.fromkeys(measure for row in table.rows.values() for measure in row))
    digits = [0 if measure in SUPPORT else 3 for measure in measures]
    rows = [[label, *map(number, map(row.get, measures), digits)] for label, row in table.rows.items()]
    return [["label", *measures], *rows]


def write_report(evaluation: Evaluation, path: Path) -> None:
    """Write the page.

    Args:
        evaluation: The evaluation.
        path: File of the page.

    Raises:
        ImportError: With the remedy, where matplotlib is not installed.
    """
    sections = [section for section in _sections(evaluation) if not section.empty]
    write_page(path, f"{evaluation.model}: evaluation", evaluation.model, (ABOUT, _summary(evaluation)), sections)


def _summary(evaluation: Evaluation) -> str:
    rows = [row for groups in comparisons(evaluation).values() for some in groups.values() for row in some]
    beside = [row for row in rows if math.isfinite(row.constant) or math.isfinite(row.linear)]
    below, near = (sum(row.standing == standing for row in beside) for standing in (BELOW, NEAR))
    sets = dict.fromkeys(row.model.dataset for row in rows)
    return (
        f"{evaluation.parameters:,} parameters. {len(rows)} figures on {len(sets)} data sets; of {len(beside)} that "
        f"have a floor, {len(beside) - below - near} are above it, {near} near it and {below} below it."
    )


def _sections(evaluation: Evaluation) -> Iterator[Section]:
    groups = comparisons(evaluation)
    yield Section("Figures", STANDING, [_figures(title, rows) for title, rows in groups.items()])
    yield _listed("Cases, by kind", KIND, kind_rows(evaluation), (
        "What is right of each kind of case, in both languages: accuracy of the most probable verdict and soft cross "
        "entropy, each with TF-IDF beside it, and the entropy of the votes."))  # fmt: skip
    about = "The texts whose soft cross entropy lies furthest above the entropy of their votes, the worst first."
    yield _listed("Worst cases", WORST_TEXTS, worst_rows(evaluation), about, "words")
    yield Section("How to read the measures", terms=_measures(evaluation))
    yield Section("Label by label", tables=[_labels(table) for table in evaluation.tables])
    yield Section("Plots", plots=[image(plot) for plot in every_plot(evaluation)])
    yield _listed("Consistency", CONSISTENCY, consistency_rows(evaluation), (
        "Krippendorff's alpha over variants of a text that mean the same, by how they were made: 1 is full agreement, "
        f"0 what chance gives. The aim is above {LEAST_ALPHA:.2f}."))  # fmt: skip
    yield _listed("Unsupported claims", UNSUPPORTED, unsupported_rows(evaluation), (
        "Texts that carry no signal: the share with an emotion other than neutral asserted, and the coverage, the "
        f"share on which anything was said at all. The aim is below {MOST_CLAIMED} %."))  # fmt: skip
    yield _listed("Information about the verdict", INFORMATION, information_rows(evaluation.information), (
        "What the sources say about the verdict, in bits, each alone, in common or only together; determined is the "
        "share of its uncertainty. The null is the same with shuffled verdicts: what lies within it is nothing. "
        f"Decomposed: {information_about(evaluation.information)}."))  # fmt: skip
    yield Section("What supervises each claim", HOW, [_record(evaluation.record)])
    values = {"Response time and memory": evaluation.cost, "Fitted in this run": evaluation.fitted}
    for title, items in {**values, "Not evaluated": evaluation.skipped}.items():
        yield _listed(title, ("what", "value"), [[name, words(value)] for name, value in items.items()], "", "words")
    yield Section("Limits", points=LIMITS)
    yield Section("Reproduce", code=evaluation.command)


def _listed(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], about: str = "", kind: str = ""
) -> Section:
    """A section with a table of rows made by `terminal_report`; empty where there are none."""
    return Section(title, about, [_table(heads, rows, kind)] if rows else ())


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "", caption: str = "") -> Table:
    marks = ["", *("" if head or kind else "mark missed" for head in heads[1:])]
    return Table(heads, [[Cell(*cell) for cell in zip(row, marks, strict=False)] for row in rows], kind, caption)


def _figures(title: str, groups: Mapping[str, Sequence[Row]]) -> Table:
    heads = ("measure", CONSTANT, LINEAR, f"{MODEL} (95 % interval)", "against the floor")
    rows: list[list[Cell]] = []
    for about, some in groups.items():
        rows.append([Cell(about)])
        for row in some:
            mark = Cell(f"▼ {BELOW}", "mark missed") if row.standing == BELOW else Cell(row.standing, "mark")
            own = Cell(number(row.model.value), "own", interval(row.model.low, row.model.high))
            floors = (Cell(number(row.constant)), Cell(number(row.linear)))
            rows.append([Cell(row.title, small=row.model.rule), *floors, own, mark])
    return Table(heads, rows, "figures", title)


def _record(record: Mapping[str, Sequence[str]]) -> Table:
    rows = [[Cell(part, small=names), *map(Cell, cells)] for part, names, *cells in record_rows(record)]
    return Table(("claims", "how", "from", "rated by"), rows, "words")


def _measures(evaluation: Evaluation) -> list[tuple[str, str]]:
    """One entry for each sentence that some figure needs, with the names of its measures."""
    found: dict[str, dict[str, None]] = {}
    for figure in evaluation.figures:
        pattern = next((known for known in _MEASURES if re.search(known, figure.measure)), None)
        if pattern:
            found.setdefault(pattern, {})[figure.measure] = None
    return [(", ".join(names), _MEASURES[known]) for known, names in found.items()]


def _labels(table: LabelTable) -> Table:
    heads, *rows = label_rows(table)
    return _table(heads, rows, caption=f"{table.output}: {table.dataset}, {table.split}")


__all__ = ["ABOUT", "HOW", "label_rows", "record_rows", "write_report"]
