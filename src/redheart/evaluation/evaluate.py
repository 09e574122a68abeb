"""The evaluation of a checkpoint: every figure with its floor, on the public sets or on a person's own rows.

    redheart evaluate                                       # the shipped checkpoint on the public sets
    redheart evaluate FOLDER --data DIR --fit               # also fit thresholds and temperature into its config
    redheart evaluate FOLDER --rows mine.jsonl --train mine-train.jsonl

Notable: what is fitted is fitted on validation rows only; the figures of such a rule on these rows are marked, and a
cross-fitted one is beside them. Test rows are used for nothing but a figure.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from ..configuration.configuration_redheart import FITTED, RedHeartConfig
from ..data.loading import DataError, Unit
from ..modeling_redheart.guaranteed import valid_guarantee
from ..modeling_redheart.modeling_redheart import RedHeartModel
from ..storage.files import update_json
from .measurement.cost import cost
from .measurement.figures import Split, measure
from .measurement.fitting import fit
from .measurement.floor import Floor
from .measurement.guarantees import achieved, never_used, rated_texts, read_rated
from .measurement.information import information
from .measurement.predict import Predictor
from .measurement.results import MODEL, Evaluation, Figure
from .measurement.rows import EVENTS, PUBLIC, Rows
from .texts.cases import SET, case_figures, in_order, read_cases
from .texts.consistency import consistency
from .texts.fairness import fairness, fairness_figures
from .texts.plain_facts import plain_facts
from .texts.risk import risk_figures
from .texts.unsupported import unsupported

logger = logging.getLogger(__name__)

# Texts of this library that are read whatever the rows are.
LISTS = "plain facts, risk, no-signal and fairness texts"
# Texts of sets with one of these targets are reworded for the consistency, the first split of each set.
_CONSISTENT = frozenset({"emotion_labels", "verdict_labels", "branch_pair_labels"})


def evaluate(
    name: str,
    model: RedHeartModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Iterable[Rows | tuple[str, str]],
    *,
    fitting: Sequence[Unit] = (),
    texts: int = 100,
    cache: Path | None = None,
    command: str = "",
    events: Callable[[Predictor], list[Figure]] | None = None,
    lists: bool = True,
    checked: tuple[str, Sequence[Unit]] | None = None,
) -> Evaluation:
    """Evaluate ``model``.

    Args:
        name: Name of the model in the evaluation.
        model: The model.
        tokenizer: Its tokenizer.
        rows: Splits, and (what, why) for what is missing (`rows.public_rows`).
        fitting: Validation units on which thresholds and temperature are fitted into ``model.config`` first; none =
            they stay as they are.
        texts: Texts of each set, for the consistency; 0 leaves it out, and the fairness, too.
        cache: Folder in which the floor's predictions are kept; None keeps none.
        command: Command that reproduces the evaluation.
        events: Measures what people say of events of their own (`own_events.own_events`); None leaves it out.
        lists: Whether to read the texts of this library (`LISTS`), too, which measure the same of the model whatever
            the rows are.
        checked: Name and rows on which the model's guarantee is checked, those that calibrated it left out; None
            leaves it out.

    Returns:
        The evaluation.

    Raises:
        ValueError: When ``fitting`` has nothing to fit on (`fitting.fit`).
        DataError: For a damaged file in ``cache``.
    """
    predictor = Predictor(model, tokenizer)
    report = Evaluation(name, model.num_parameters(), command)
    if fitting:
        report.fitted = fit(model, predictor, fitting)
    report.record = dict(model.config.supervision)
    shuffle: list[str] = []
    floor: Floor | None = None  # the splits of a set share their training units, and so the floor
    for split in rows:
        if not isinstance(split, Rows):
            report.skipped[split[0]] = split[1]
            continue
        logger.info("%s (%s): %d units", split.dataset, split.split, len(split.units))
        predictions = predictor(split.units)
        systems: dict[str, Any] = {MODEL: predictions}
        if split.train is not None:
            if floor is None or floor.train is not split.train:
                floor = Floor(split.train, cache=cache)
            systems |= floor.predict(split.units)
        _figures(report, split, systems, model.config)
        targets = {target for unit in split.units for item in unit for target in item.targets}
        if "verdict_labels" in targets:
            _information(report, split, predictions)
        if texts and targets & _CONSISTENT and split.dataset not in {item.dataset for item in report.consistency}:
            report.consistency += consistency(predictor, split.dataset, split.units, texts)
        if "emotion_labels" in targets and not shuffle:
            shuffle = [unit[0].text for unit in split.units[:300]]
    if checked is not None and model.config.guarantee:
        _guarantee(report, predictor, model, *checked)
    if events is not None:
        try:
            report.figures += events(predictor)
        except DataError as error:
            report.skipped[EVENTS] = str(error)
    if lists:
        _lists(report, predictor, model.config, shuffle, texts > 0)
    else:
        report.skipped[LISTS] = "they are not asked for (--lists)"
    report.cost = cost(model)
    return report


def _lists(
    report: Evaluation, predictor: Predictor, config: RedHeartConfig, shuffle: list[str], with_fairness: bool
) -> None:
    """Add the figures of `LISTS`; the words of ``shuffle`` are shuffled, and ``fair`` adds the fairness."""
    report.figures += plain_facts(predictor, config.thresholds, config.verdict_threshold)
    report.figures += risk_figures()
    report.unsupported = unsupported(predictor, config.thresholds, shuffle)
    if with_fairness:
        report.figures += fairness_figures(fairness(predictor, config.thresholds))


def _figures(report: Evaluation, split: Rows, systems: dict[str, Any], config: RedHeartConfig) -> None:
    measured = Split(split.dataset, split.split, split.units, systems)
    measure(measured, config.thresholds, report, config.verdict_threshold)
    if split.dataset == SET and split.split in PUBLIC[SET][1]:
        _cases(report, split, systems, config)
    if split.note:
        report.skipped[f"{split.dataset} ({split.split})"] = f"scored in part: {split.note}"


def _guarantee(
    report: Evaluation, predictor: Predictor, model: RedHeartModel, name: str, units: Sequence[Unit]
) -> None:
    try:
        guarantee = valid_guarantee(model)
        rated = read_rated(predictor, rated_texts(never_used(units, guarantee)))
    except ValueError as error:  # it is void, or there are no such rows
        report.skipped[f"guarantee on {name}"] = str(error)
        return
    report.figures += achieved(guarantee, rated, f"{name}, never used")


def _cases(report: Evaluation, split: Rows, systems: dict[str, Any], config: RedHeartConfig) -> None:
    try:
        cases = in_order(read_cases(split.split), split.units)
    except DataError as error:  # the file is elsewhere, and what it holds beside the targets is not known
        report.skipped[f"{split.dataset} ({split.split}) by language and kind"] = str(error)
        return
    decisions = config.thresholds, config.verdict_threshold
    report.figures += case_figures(cases, split.units, systems, *decisions, split.split)


def _information(report: Evaluation, split: Rows, predictions: dict[str, Any]) -> None:
    try:
        report.information = {"dataset": split.dataset, "split": split.split, **information(split.units, predictions)}
    except ValueError as error:  # too few rows: the decomposition would not be reliable
        report.skipped[f"information of {split.dataset} ({split.split})"] = str(error)


def store_fit(report: Evaluation, folder: Path) -> None:
    """Store the fitted values in the config in ``folder``, and change nothing else.

    Args:
        report: An evaluation that fitted something.
        folder: Folder of the checkpoint.

    Raises:
        DataError: Where nothing was fitted.
    """
    if not report.fitted:
        raise DataError("Nothing was fitted, so there is nothing to store; fit first (--fit).")
    update_json(folder / "config.json", {key: report.fitted[key] for key in FITTED if key in report.fitted})


__all__ = ["LISTS", "evaluate", "store_fit"]
