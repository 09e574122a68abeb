"""The command `redheart calibrate`: a guarantee on held-out rows, stored in the config of a model."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ...configuration.errors import DataError
from ...configuration.inputs import check_alpha
from ...configuration.shipped import ADAPTER, DEFAULT_MODEL, checkpoint_path
from ..options import ColumnsOption, checked, known_folder


def _risks(given: list[float]) -> list[float]:
    return [check_alpha(alpha) for alpha in given]


def calibrate(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", callback=known_folder, help="The folder of a model, or a shipped checkpoint."),
    ] = DEFAULT_MODEL,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default="the calibration split of the cases",
            help="Held-out rows with emotions and votes, on which nothing was trained or fitted; a `group` column "
            "keeps texts that belong together on one side.",
        ),
    ] = None,
    columns: ColumnsOption = None,
    alpha: Annotated[
        list[float] | None,
        typer.Option(
            callback=checked(_risks),
            show_default="0.1",
            help="Share of errors to promise at most; repeatable. A run replaces all earlier promises.",
        ),
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(
            callback=checked(check_alpha), show_default="0.1", help="Probability with which each promise may fail."
        ),
    ] = None,
    check_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.9,
            help="Share of the groups that does not calibrate and shows what is achieved instead.",
        ),
    ] = 0.5,
) -> None:
    """Promise an error of at most alpha: sets of emotions and of verdicts, and when a verdict is named.

    [bold]redheart calibrate runs/mine/model --data held-out.jsonl --alpha 0.1[/bold]
    for your own model, with half of your rows; the others show what is achieved

    The promise holds against these ratings and for texts like these, until the weights change; then
    `pipeline(..., guarantee=0.1)` and `redheart analyze --guarantee 0.1` give the sets. Where the rows are
    too few for a promise, it is not made, and the least alpha that could be promised is named.
    """
    folder = Path(checkpoint_path(model))
    if (folder / ADAPTER).is_file():
        raise typer.BadParameter("An adapter has no config to store a guarantee in; merge it first.")
    from ...data.column_map import parse_columns
    from ...evaluation.measurement.rows import rows_to_calibrate

    name, units = rows_to_calibrate(data, parse_columns(columns or ()))
    from ...data.examples import held_out
    from ...evaluation.measurement.guarantees import rated_texts

    rated_texts(units)  # before the model is loaded
    used, others = held_out(units, check_share)
    if not used:
        raise DataError(
            f"All of the {len(units)} rows fall into the share that only checks ({check_share:g}). Give more rows, or "
            "--check-share 0."
        )
    rated_texts(used)

    from rich.console import Console

    from ...evaluation.measurement import guarantees
    from ...evaluation.measurement.predict import Predictor
    from ...evaluation.measurement.results import Evaluation
    from ...evaluation.reports.terminal_report import render
    from ...loading import load_pipeline
    from ...modeling_redheart.guarantees import guarantee_lines, promise_lines

    pipe: Any = load_pipeline(model)  # in the form in which it reads
    longest = min(pipe.model.config.longest_text, pipe.tokenizer.model_max_length)
    predictor = Predictor(pipe.model, pipe.tokenizer, longest)
    risks, chance = alpha or [guarantees.ALPHA], delta or guarantees.DELTA
    found = guarantees.calibrate(pipe.model, predictor, used, name, risks, chance)
    lines = [line for promise in found.promises for line in promise_lines(promise)]
    if not any(promise.thresholds for promise in found.promises):
        raise DataError(
            f"{found.rows} texts in {found.groups} groups are too few for any promise: {'; '.join(lines)}. Give more "
            "rows, or a larger --alpha; nothing was stored."
        )
    guarantees.store_guarantee(found, folder)
    for line in (*guarantee_lines(found), f"Stored in {folder / 'config.json'}."):
        typer.echo(line)
    if others:
        report = Evaluation(Path(model).name, pipe.model.num_parameters(), f"redheart evaluate {Path(model).name}")
        report.record = dict(pipe.model.config.supervision)
        items = rated_texts(others)
        report.figures = guarantees.achieved(found, guarantees.read_rated(predictor, items), f"{name}, never used")
        render(report, Console(highlight=False))


__all__ = ["calibrate"]
