"""Risk: how often `risks` finds a risk in texts that mention one, and in texts that mention none.

    report.figures += risk_figures()  # data set "risk texts", splits "development (en)", "development (ko)", ...

Notable: the risks are self-harm, abuse and a child in danger. The patterns were tuned on the split "development", whose
figures do not carry over to other texts; "check", where the list has such texts, is what nothing was tuned on. Half of
the texts without a risk sound as if they had one (figures of speech, games, accidents, denials, films), so the
false-alarm rate is far above that of everyday texts.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...configuration.labels import RISKS
from ...data.loading import Array
from ...modeling_redheart.risk import risks
from ...statistics.measures import bootstrap
from ..measurement.results import MODEL, Figure
from .text_lists import LANGUAGES, text_list

DATASET = "risk texts"
LIST = "risk_texts"
SPLITS = ("development", "check")
ANY = "any"
RECALL, FALSE_ALARMS = "recall", "false-alarm rate"
RULE = "words and phrases, no model"


def risk_figures(find: Callable[[str], list[str]] = risks) -> list[Figure]:
    """Recall and false-alarm rate of each kind, and of any kind at all, by language and split that has texts.

    Of "any", a text counts as found whatever kind is given.

    Args:
        find: Gives the kinds of a text.

    Returns:
        Figures whose output is, for example, "risk.abuse" and whose split is "check (en)"; their `rows` are the texts
        that are of the kind (recall), or are not (false alarms).
    """
    rows = text_list(LIST)
    found = [set(find(row["text"])) for row in rows]
    figures: list[Figure] = []
    for split in SPLITS:
        for language in LANGUAGES:
            chosen = [place for place, row in enumerate(rows) if (row["split"], row["language"]) == (split, language)]
            if not chosen:
                continue
            annotated = [set(rows[place]["risks"]) for place in chosen]
            figures += _figures(f"{split} ({language})", annotated, [found[place] for place in chosen])
    return figures


def _figures(split: str, annotated: list[set[str]], found: list[set[str]]) -> Iterator[Figure]:
    for kind in (*RISKS, ANY):
        actual, detected = _has_kind(kind, annotated), _has_kind(kind, found)
        yield _share(split, kind, RECALL, detected[actual])
        yield _share(split, kind, FALSE_ALARMS, detected[~actual])


def _has_kind(kind: str, sets: list[set[str]]) -> Array:
    """Whether each text is of the kind, ``(texts,)``."""
    return np.array([bool(one) if kind == ANY else kind in one for one in sets], dtype=bool)


def _share(split: str, kind: str, measure: str, detected: Array) -> Figure:
    share = bootstrap(lambda rows: float(rows.mean()), detected.astype(np.float64))
    output = f"risk.{kind}"
    return Figure(DATASET, split, output, measure, MODEL, share.value, len(detected), share.low, share.high, RULE)


def risk_table(figures: list[Figure]) -> tuple[list[str], list[list[Any]]]:
    """Return heads and rows of cells of the figures of this data set: a row for each split and kind."""
    rows: dict[tuple[str, str], dict[str, Figure]] = {}
    for figure in figures:
        if figure.dataset == DATASET:
            rows.setdefault((figure.split, figure.output), {})[figure.measure] = figure
    cells = [[*key, *(_cell(measures.get(name)) for name in (RECALL, FALSE_ALARMS))] for key, measures in rows.items()]
    return ["split", "kind", RECALL, FALSE_ALARMS], cells


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}] of {figure.rows}"


__all__ = ["ANY", "DATASET", "FALSE_ALARMS", "LIST", "RECALL", "SPLITS", "risk_figures", "risk_table"]
