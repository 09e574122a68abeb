"""The command `redheart evaluate`."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...configuration.shipped import ADAPTER, DEFAULT_MODEL, checkpoint_path
from ..options import ColumnsOption, known_model, reachable


def evaluate(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(metavar="MODEL", callback=known_model, help="A shipped checkpoint, or a folder.")
    ] = DEFAULT_MODEL,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of the public data sets; by default $REDHEART_DATA, or shared/data beside the code.",
        ),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME", help="Evaluate only this public data set; repeatable.")
    ] = None,
    rows: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Evaluate your own rows instead of the public data sets (JSON lines, CSV, parquet, a Hub name).",
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Training rows, on which the baselines for --rows are fitted."),
    ] = None,
    columns: ColumnsOption = None,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit", help="Fit the thresholds and the temperature on validation rows, and store them in the config."
        ),
    ] = False,
    floor: Annotated[
        bool,
        typer.Option(
            "--floor/--no-floor", help="Compare every figure with the baselines, majority or mean and TF-IDF (minutes)."
        ),
    ] = True,
    texts: Annotated[
        int, typer.Option(min=0, help="Texts of each data set whose readings are compared with those of variants.")
    ] = 100,
    lists: Annotated[
        bool | None,
        typer.Option(
            "--lists/--no-lists",
            show_default="without --rows",
            help="Also evaluate this library's own texts: plain facts, risk, no-signal and, unless --texts is 0, "
            "fairness.",
        ),
    ] = None,
    against: Annotated[
        Literal["calibration"] | None,
        typer.Option(
            metavar="calibration",
            help="calibration: only say whether the texts of --rows, which need no labels, are unlike those that the "
            "model's guarantee was calibrated on.",
        ),
    ] = None,
    as_json: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", dir_okay=False, callback=reachable, help="Write all figures to this file."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            callback=reachable,
            help="Write a page with plots (index.html), and the plots, to this folder.",
        ),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Write the model card (README.md) into the folder of the model.")
    ] = False,
    facts: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="YAML file that describes your own data for the model card: the name of the data and, under it, "
            "title, texts, raters, languages (a list), licence and, optionally, limit.",
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            file_okay=False,
            callback=reachable,
            help="Folder in which the predictions of the baselines are kept for the next run.",
        ),
    ] = None,
) -> None:
    """Measure a checkpoint: every figure with its interval, beside two baselines, majority or mean and TF-IDF.

    [bold]redheart evaluate[/bold]
    the shipped checkpoint on the public sets

    [bold]redheart evaluate runs/mine/model --rows held-out.jsonl --train train.jsonl --report runs/mine/report[/bold]
    your own model on your own rows, with a page of plots
    """
    if rows is None and train is not None:
        raise typer.BadParameter(
            "Only the baselines for --rows are fitted on it; also give --rows.", param_hint="--train"
        )
    if rows is not None and sets:
        raise typer.BadParameter(
            "--set names public data sets, but --rows gives your own; leave --set out.", param_hint="--set"
        )
    if rows is None and columns:
        raise typer.BadParameter("It renames columns of --rows; also give --rows.", param_hint="--column")
    if against is not None and rows is None:
        raise typer.BadParameter("It compares the texts of --rows; also give --rows.", param_hint="--against")
    if facts is not None and not card:
        raise typer.BadParameter("It is only used for the model card; also give --card.", param_hint="--facts")
    place = Path(checkpoint_path(model))
    if (fit or card) and not place.is_dir():
        raise typer.BadParameter(
            f"{model} is not a folder on this machine; download it to one, which is then written to."
        )
    if fit and (place / ADAPTER).is_file():
        raise typer.BadParameter(
            "An adapter has no config to store a fit in; merge it, or fit its base.", param_hint="--fit"
        )
    # Rows need no torch, so mistakes in them are reported before it is imported.
    from ...data.column_map import parse_columns
    from ...evaluation.measurement.rows import CALIBRATED_ON, EVENTS, fitting_units, own_rows, public_rows, to_check

    if against is not None:
        _compare(context, model, str(rows), parse_columns(columns or ()), as_json)
        return
    own = None if rows is None else own_rows(rows, train, parse_columns(columns or ()))
    chosen = public_rows(data, sets or (), floor) if own is None else [own]

    from rich.console import Console

    from ...evaluation.evaluate import evaluate as run
    from ...evaluation.evaluate import store_fit
    from ...evaluation.reports.html_report import write_report
    from ...evaluation.reports.plots import save_plots
    from ...evaluation.reports.terminal_report import render
    from ...evaluation.texts.own_events import own_events
    from ...hub_upload.model_card import DATA_SETS, read_facts, write_model_card
    from ...readers import load_for_evaluation
    from ...storage.quiet import silence_libraries

    silence_libraries()
    data_sets = DATA_SETS | (read_facts(facts) if facts is not None else {})
    loaded, tokenizer, folder = load_for_evaluation(model)
    fitting = [] if not fit else list(own.units) if own is not None else fitting_units(data)
    found = run(
        Path(model).name,
        loaded,
        tokenizer,
        chosen,
        fitting=fitting,
        texts=texts,
        cache=cache,
        command=_command(context),
        events=partial(own_events, root=data) if own is None and (not sets or EVENTS in sets) else None,
        lists=own is None if lists is None else lists,
        checked=None if sets and CALIBRATED_ON[0] not in sets else to_check(own, data),
    )
    if fit:
        store_fit(found, folder)
    if as_json is not None:
        found.save(as_json)
    if report is not None:
        write_report(found, report / "index.html")
        save_plots(found, report)
    if card:
        write_model_card(found, loaded.config, folder, data_sets=data_sets)
    render(found, Console(highlight=False))


def _compare(context: typer.Context, model: str, rows: str, columns: Any, as_json: Path | None) -> None:
    """Say whether the texts of ``rows`` are unlike those that the model's guarantee was calibrated on."""
    from ...evaluation.measurement.rows import unrated_rows

    units = unrated_rows(rows, columns)
    from ...evaluation.measurement.drift import drift
    from ...evaluation.measurement.predict import Predictor
    from ...evaluation.measurement.results import Evaluation
    from ...loading import load_pipeline
    from ...modeling_redheart.guaranteed import valid_guarantee

    pipe: Any = load_pipeline(model)
    found = drift(valid_guarantee(pipe.model), Predictor(pipe.model, pipe.tokenizer), units)
    typer.echo(found.sentence())
    if as_json is not None:
        name, parameters = Path(model).name, pipe.model.num_parameters()
        Evaluation(name, parameters, _command(context), found.figures(Path(rows).stem)).save(as_json)


def _command(context: typer.Context) -> str:
    """The command line that gives the same figures again, without the paths of this machine."""
    words = ["redheart", "evaluate", _named(context.params["model"])]
    for option in context.command.params:
        value, flags = context.params.get(str(option.name)), [*option.opts, *option.secondary_opts]
        if option.name == "data":
            words += ["--data", "DATA"] if value is not None or context.params["rows"] is None else []
        elif option.name == "model" or str(context.get_parameter_source(str(option.name))).endswith(".DEFAULT"):
            continue
        elif isinstance(value, bool):
            words.append(flags[0 if value else -1])
        else:
            words += [
                word for one in (value if isinstance(value, list) else [value]) for word in (flags[0], _named(one))
            ]
    return shlex.join(words)


def _named(value: Any) -> str:
    """The name of a file or folder without its path; anything else, such as a Hub name, as it was given."""
    return (Path(value).name or str(value)) if isinstance(value, Path) or Path(str(value)).exists() else str(value)


__all__ = ["evaluate"]
