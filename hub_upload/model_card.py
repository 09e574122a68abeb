"""The model card of a trained checkpoint, made from what was measured and from what its config records.

Notable: a card without a licence for all data, limits, or figures with their split is refused. It describes only the
data sets that supervised its model; `card_parts` has their description. `plain_card` makes a card without figures,
which needs no evaluation and none of its packages.
"""

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ..cards.card_parts import bullets, card_header, licences, table, trained_on, who_rated
from ..cards.statements import INTENDED_USE, LIMITS, OUT_OF_SCOPE, USE
from ..configuration.configuration_redheart import RedHeartConfig
from ..configuration.labels import EMOTIONS
from ..data.facts import DATA_SETS, DataSet, DataSets, read_facts
from ..data.public_sets import SETS
from ..evaluation.measurement.results import CONSTANT, FITTED_HERE, LINEAR, MODEL, Consistency, Evaluation, LabelTable
from ..evaluation.reports.html_report import ABOUT, HOW, label_rows, record_rows
from ..evaluation.reports.terminal_report import (
    LEAST_ALPHA,
    STANDING,
    UNSUPPORTED,
    Row,
    comparisons,
    interval,
    number,
    unsupported_rows,
)
from ..modeling_redheart.guarantees import guarantee_lines, read_guarantee
from ..storage.files import whole_file
from .output_record import HEADS, output_record

# Measures that the hub compares with other models' -> its own names for them.
_METRICS = {
    "macro F1": "f1",
    "micro F1": "f1",
    "average precision": "average_precision",
    "Pearson r": "pearsonr",
    "mean Pearson r": "pearsonr",
    "pair accuracy": "accuracy",
    "soft cross entropy": "cross_entropy",
}


def model_card(
    evaluation: Evaluation,
    config: RedHeartConfig,
    *,
    place: str = "",
    data_sets: DataSets = DATA_SETS,
    limits: Sequence[str] = LIMITS,
    tags: Sequence[str] = (),
) -> str:
    """Write the card of an evaluated model.

    Args:
        evaluation: Of the model that ``config`` belongs to.
        config: The model's config.
        place: Where it is loaded from, such as user/name; by default its name in the evaluation.
        data_sets: Facts by the names in ``config.supervision``; for your own data pass ``DATA_SETS | {...}``.
        limits: Sentences; those of the data sets are added.
        tags: In addition to the family's own.

    Returns:
        The card as Markdown under a YAML header.

    Raises:
        ValueError: For an evaluation of another model or without figures, a figure without a split, a source without a
            licence or under one that Apache-2.0 weights cannot keep, and no limits.
    """
    if evaluation.record != config.supervision:
        raise ValueError("The evaluation records other supervision than the config: it is of another model.")
    sets = trained_on(config, data_sets)
    if not sets:
        raise ValueError("The config records no data set that supervised the model, so there is nothing to describe.")
    rows = _rows(evaluation)
    if not any(math.isfinite(row.model.value) for row in rows):
        raise ValueError("The evaluation has no figure of the model; a card without figures is refused.")
    for row in rows:
        if not row.model.split or not row.model.dataset:
            raise ValueError(f"{row.model.measure} of {row.model.output} does not name its data and split.")
    if not limits:
        raise ValueError("The card has no limits; say what the model must not be trusted with.")
    limits = [*limits, *(one.limit for one in sets.values() if one.limit)]
    header = card_header(config, sets, model_index(evaluation), tags)
    sections = _sections(evaluation, config, sets, rows, limits, place or evaluation.model)
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections)
    return f"{header}\n# {escape(evaluation.model)}\n\n{ABOUT}\n\n{body}\n"


def write_model_card(
    evaluation: Evaluation, config: RedHeartConfig, folder: Path, *, data_sets: DataSets = DATA_SETS
) -> None:
    """Write the card of `model_card`, which raises for incomplete input, to README.md in ``folder``."""
    card = model_card(evaluation, config, data_sets=data_sets)
    with whole_file(folder / "README.md") as partial:
        partial.write_text(card, encoding="utf-8")


def model_index(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Give the figures as the hub reads them; those that were fitted on their own rows are left out.

    Not with `huggingface_hub.repocard_data.eval_results_to_model_index`: it ignores the task's name, so all outputs of
    one data set would become a single result, under the name of the first.

    Returns:
        ``model-index`` of a card's header.
    """
    results: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for figure in (row.model for row in _rows(evaluation)):
        if figure.measure in _METRICS and math.isfinite(figure.value) and FITTED_HERE not in figure.rule:
            name = f"{figure.measure} ({figure.rule})" if figure.rule else figure.measure
            metric = {"type": _METRICS[figure.measure], "name": name, "value": round(figure.value, 4) + 0.0}
            results.setdefault((figure.output, figure.dataset, figure.split), []).append(metric)
    return [{"name": evaluation.model, "results": [_result(*key, found) for key, found in results.items()]}]


def _rows(evaluation: Evaluation) -> list[Row]:
    return [row for groups in comparisons(evaluation).values() for some in groups.values() for row in some]


def _result(output: str, dataset: str, split: str, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    hub = SETS[dataset].hub if dataset in SETS else None
    return {
        "task": {"type": "text-classification", "name": output},
        "dataset": {"name": dataset, "type": hub[0] if hub else dataset, "split": split},
        "metrics": metrics,
    }


def _sections(
    evaluation: Evaluation,
    config: RedHeartConfig,
    sets: DataSets,
    rows: Sequence[Row],
    limits: Sequence[str],
    place: str,
) -> Iterator[tuple[str, str]]:
    yield "What it is", (
        f"A model of {evaluation.parameters:,} parameters. One forward pass gives the whole reading, and each part has "
        "its own confidence. It describes a text; where nothing supervised a part, it says nothing.")  # fmt: skip
    yield "Intended use", INTENDED_USE
    yield "Out of scope", "It is not for:\n\n" + bullets(OUT_OF_SCOPE)
    yield "How to use", USE.format(model=place)
    yield "Who rated the data", who_rated(sets)
    heads = ("data", "measure", "rule", CONSTANT, LINEAR, f"{MODEL}, 95 % interval", "")
    yield "Figures", STANDING + "\n\n" + table(heads, map(_figure, rows))
    if evaluation.tables:
        yield "Label by label", "\n\n".join(map(_labels, evaluation.tables))
    known = output_record(config, evaluation, sets)
    yield "What is known of each output", table(HEADS, (row.cells() for row in known))
    record = table(("part", "claims", "how", "from", "rated by"), record_rows(config.supervision))
    yield "What is supervised, derived and withheld", f"{HOW}\n\n{record}"
    yield "Calibration and abstention", _calibration(evaluation, config)
    if evaluation.consistency:
        yield "Consistency", (
            "Krippendorff's alpha over readings of a text and of variants that mean the same; below "
            f"{LEAST_ALPHA:.2f} in bold. The page of `redheart evaluate --report` has the intervals.\n\n"
            + _consistency(evaluation.consistency))  # fmt: skip
    yield "Limits", bullets(limits)
    yield "Licences", licences(sets)
    yield "Reproduce", f"    {evaluation.command}"


def _calibration(evaluation: Evaluation, config: RedHeartConfig) -> str:
    fitted = sum(name in config.thresholds for name in EMOTIONS)
    lines = [
        f"An emotion is asserted from its threshold on: {fitted} of {len(EMOTIONS)} are fitted, the others are 0.5.",
        f"The verdict's logits are divided by {config.verdict_temperature:g}; its label is the most probable one, "
        + (
            f"where that has a probability of {config.verdict_threshold:.2f} or more. Below, the reading abstains."
            if config.verdict_threshold
            else "however improbable."
        ),
        "To abstain, compare `expected_loss` of a part with a limit of your own: it was trained on texts that the rest "
        "of the model had not seen. How well it works is in the figures: selective risk, AUGRC, AUROC, Spearman r.",
    ]
    if (guarantee := read_guarantee(config.guarantee)) is not None:
        lines += [f"Guarantee: {line}" for line in guarantee_lines(guarantee)]
    claimed = unsupported_rows(evaluation)
    more = "\n\nTexts that carry no signal, and claims on them:\n\n" + table(UNSUPPORTED, claimed) if claimed else ""
    return bullets(lines) + more


def _consistency(found: Sequence[Consistency]) -> str:
    """A row for each family and data set, a column for each output."""
    outputs = list(dict.fromkeys(output for item in found for output in item.alpha))
    rows = []
    for item in found:
        values = (item.alpha.get(output, (math.nan,))[0] for output in outputs)
        cells = [f"**{value:.2f}**" if value < LEAST_ALPHA else number(value, 2) for value in values]
        rows.append([f"{item.family}, {item.dataset}", f"{item.units:,}", *cells])
    return table(("variants", "texts", *outputs), rows)


def _figure(row: Row) -> list[str]:
    figure = row.model
    value = f"{number(figure.value)} {interval(figure.low, figure.high)}".strip()
    about = f"{figure.dataset}, {figure.split}, {figure.rows:,} rows"
    return [about, row.title, figure.rule, number(row.constant), number(row.linear), value, row.standing]


def _labels(found: LabelTable) -> str:
    heads, *rows = label_rows(found)
    return f"{found.output}, {found.dataset}, {found.split}:\n\n" + table(heads, rows)


__all__ = ["DATA_SETS", "DataSet", "model_card", "model_index", "read_facts", "write_model_card"]
