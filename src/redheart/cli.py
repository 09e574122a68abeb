"""The command `redheart`: read texts, make checkpoints, show the parameter budget.

Notable: with ``--json`` standard output holds one JSON object per text and nothing else; a text that fails has its
error in its place and the others are still answered; every error is one line on standard error, without a traceback,
and one for each kind of fault where rows have several. What a command needs torch for is imported when it has been
asked for something that can be done.
"""

import json
import os
import re
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from .benching import bench
from .configuration.inputs import check_batch_size, check_options, check_token_budget
from .configuration.labels import OUTPUTS, closest
from .configuration.shipped import DEFAULT_MODEL
from .evaluating import evaluate
from .informing import info
from .loading import load_text_pipeline
from .options import checked, depth_option, known_model, known_preset, outputs_option
from .planning import memory
from .printable import printable
from .pushing import push
from .serving.command import serve
from .showing import demo
from .shrinking import distill, export, prune, quantize, sizes
from .strict_json import json_line
from .tables import columns_of, ending
from .texts import ENDINGS, Item, read_batches, read_items

TEXT_COLUMN = "text"

# Where a module and what is installed for it have different names.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml"}


class Dtype(StrEnum):
    """Type of the weights."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


class _Commands(TyperGroup):
    """Turns every error into one line on standard error."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run a command line; exit with 1 for a failure, 2 for wrong usage."""
        standalone = extra.pop("standalone_mode", True)
        options: dict[str, Any] = {**extra, "standalone_mode": False}
        try:
            status = super().main(*args, **options)
        except Exception as error:
            if not standalone:
                raise
            sys.exit(_report(error))
        if standalone:
            sys.exit(status if isinstance(status, int) else 0)
        return status

    def invoke(self, ctx: Any) -> Any:
        """Run; when whoever reads the output has gone (``| head``), end quietly."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush finds a taker
            raise typer.Exit(1) from None


def _report(error: Exception) -> int:
    """Print ``error`` in one line and return the exit status."""
    if hasattr(error, "format_message"):  # wrong usage, as typer tells it
        message = str(error.format_message())
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message, err=True)
        else:
            _complain(f"{message} (--help explains)")
        return int(getattr(error, "exit_code", 2))
    message = str(error) or repr(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        message = _how_to_install(error.name) or message
    expected = isinstance(error, (ValueError, OSError, ImportError))
    first, *others = getattr(error, "lines", [message])  # of rows: a line for each kind of fault
    _complain(first if expected else f"{type(error).__name__}: {message}")
    for line in others:
        typer.echo(f"  {printable(' '.join(line.split()))}", err=True)
    return 1


def _how_to_install(module: str) -> str | None:
    """The first extra of this package that brings ``module``, in a sentence; None where none does."""
    name = module.partition(".")[0]
    distribution = _DISTRIBUTIONS.get(name, name)
    try:
        requirements = metadata.requires("redheart") or []
    except metadata.PackageNotFoundError:  # the source runs without being installed
        return None
    pattern = re.compile(rf'{re.escape(distribution)}(?![\w.-])[^;]*; extra == "(\w+)"')
    extras = [found[1] for requirement in requirements if (found := pattern.fullmatch(requirement))]
    return f"This needs {distribution}: pip install 'redheart[{extras[0]}]'" if extras else None


def _complain(message: str) -> None:
    typer.echo(f"error: {printable(' '.join(message.split()))}", err=True)


def _wrong_usage(message: str, option: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


main = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from . import __version__

        typer.echo(f"redheart {__version__}")
        raise typer.Exit


@main.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Structured readings of texts about moral conflict.

    Start with: [bold]redheart analyze "I told my sister's secret to her fiancé."[/bold]
    """


@main.command()
def analyze(
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="Texts. - reads one per line from standard input.")
    ] = None,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="A .txt file (one text), or a table (one text per row): .jsonl, .json, .csv, .tsv, .parquet.",
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            callback=known_model,
            help="A checkpoint that ships, a folder, or a Hugging Face Hub id; also of a classifier.",
        ),
    ] = DEFAULT_MODEL,
    output: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", callback=outputs_option, help=f"Only this; repeatable. {', '.join(OUTPUTS)}."),
    ] = None,
    depth: Annotated[
        str, typer.Option(metavar="[full|fast]", callback=depth_option, help="fast is the heads' direct reading.")
    ] = "full",
    token_budget: Annotated[
        int | None,
        typer.Option(metavar="N", callback=checked(check_token_budget), help="Read on with the N best tokens."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per text and line, and nothing else.")
    ] = False,
    column: Annotated[
        str,
        typer.Option(
            "--column",
            "--jsonl-field",
            metavar="NAME",
            help="Column of a table (field of a .jsonl line) that has the text; the others are passed on.",
        ),
    ] = TEXT_COLUMN,
    include_untrained: Annotated[
        bool, typer.Option("--include-untrained", help="Also show what nothing supervised, marked.")
    ] = False,
    batch_size: Annotated[
        int,
        typer.Option(
            metavar="N",
            callback=checked(check_batch_size),
            help="Texts read together; with 1 each line is answered at once.",
        ),
    ] = 8,
) -> None:
    """Read texts: emotions, verdict, felicific calculus, regret, and how far to trust each.

    [bold]redheart analyze "I told my sister's secret to her fiancé."[/bold]
    one reading, for people

    [bold]redheart analyze --output verdict --output emotion --file letter.txt[/bold]
    only what you need

    [bold]redheart analyze --json --file posts.csv --column body > readings.jsonl[/bold]
    one JSON object per row, with the other columns of the row

    [bold]tail -f chat.log | redheart analyze --json --batch-size 1 - | jq .verdict.label[/bold]
    answers each line as it comes

    Exit status: 0, 1 when a text could not be read or a file has none (the others are answered), 2 for wrong usage.
    """
    if not texts and not file:
        _wrong_usage("give a TEXT, - for standard input, or --file.", "TEXT")
    _check_files(file or [], column)
    asked = {"outputs": output or None, "depth": depth, "token_budget": token_budget}
    try:
        options = check_options({**asked, "include_untrained": include_untrained})
    except ValueError as error:
        _wrong_usage(str(error), "--output")
    stdout = sys.stdout
    with redirect_stdout(sys.stderr):  # what a library prints must not get between the answers
        pipe = load_text_pipeline(model)
        answers = read_batches(pipe, read_items(texts or [], file or [], column), options, batch_size)
        all_read = _write_json(answers, stdout) if as_json else _write_for_people(answers, stdout)
    if not all_read:
        raise typer.Exit(1)


def _check_files(files: Iterable[Path], column: str) -> None:
    """Refuse a file of another kind, a table whose first line says that it has no such column, and a column without a
    table."""
    files = list(files)
    if column != TEXT_COLUMN and all(ending(path) == ".txt" for path in files):
        _wrong_usage("it is about the columns of a table; give one with --file, or leave it out.", "--column")
    for path in files:
        if ending(path) not in ENDINGS:
            _wrong_usage(f"{path} ends in {path.suffix!r}; give one of {', '.join(ENDINGS)}.", "--file")
        try:
            columns = columns_of(path)
        except ValueError:
            continue  # it is answered in its place, beside the other files
        if columns is not None and column not in columns:
            _wrong_usage(f"{path} has no column {column!r}; {closest(column, columns)}", "--column")


def _write_json(batches: Iterable[list[Item]], stdout: Any) -> bool:
    """Write one JSON object per text, and what is wrong with a whole source on standard error; returns whether every
    text was read."""
    failed, sources = 0, 0
    for batch in batches:
        for item in batch:
            if item.is_source:
                _complain(str(item.error))
                sources += 1
                continue
            stdout.buffer.write(json_line(item.answer()).encode("utf-8") + b"\n")
            failed += item.error is not None
        stdout.buffer.flush()
    if failed:
        _complain(f'{failed} of the texts could not be read; their lines have an "error".')
    return not failed + sources


def _write_for_people(batches: Iterable[list[Item]], stdout: Any) -> bool:
    """Print the readings, and the errors on standard error; returns whether every text was read."""
    from rich.console import Console

    from .terminal import render

    stdout.reconfigure(errors="replace")  # a terminal that cannot show a letter must not end the run
    console = Console(file=stdout, highlight=False, emoji=False, markup=False)
    failed, shown = 0, 0
    for item in (item for batch in batches for item in batch):
        if item.reading is None:
            _complain(str(item.error))
            failed += 1
            continue
        if shown:
            console.print()
            console.rule(style="dim", characters="=")
        render(item.reading, console)
        shown += 1
        stdout.flush()
    return not failed


@main.command()
def train(
    recipe: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, metavar="RECIPE", help="YAML file of the run.")
    ],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest whole checkpoint.")] = False,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Instead of the recipe's.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what an earlier run has trained in the output folder.")
    ] = False,
) -> None:
    """Train what a recipe describes: model, data, options, callbacks. redheart.training.recipe says what it may hold.

    [bold]redheart train examples/small-cpu.yaml[/bold]
    a small model on a CPU, in minutes; the folder of the run then has the model and the reports

    [bold]accelerate launch --num_processes 4 -m redheart.training.run my.yaml[/bold]
    the same on four GPUs
    """
    from .training.recipe import read_recipe
    from .training.run import run, summary

    typer.echo(printable(summary(run(read_recipe(recipe, output=output), resume, overwrite))))


@main.command()
def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", callback=known_preset, help="A preset, such as redheart-730m.")
    ],
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where to; ./NAME by default.")] = None,
    dtype: Annotated[
        Dtype | None, typer.Option(help="By default that of the trained weights, float32 for new ones.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of new weights.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint that is there.")] = False,
) -> None:
    """Make a checkpoint folder: config, weights, tokenizer, code. Weights that do not ship are new and random.

    [bold]redheart create redheart-730m --dtype bfloat16[/bold]
    the full model, to be trained, in ./redheart-730m

    [bold]redheart create redheart-tiny --output tiny --seed 1[/bold]
    a very small one, for tests
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
    from transformers.utils import logging

    from .hub_upload.create import create_checkpoint

    logging.disable_progress_bar()
    columns = (TextColumn(name), BarColumn(), TextColumn("{task.completed:,} of {task.total:,}"), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=1)
        options: dict[str, Any] = {} if dtype is None else {"dtype": dtype.value}
        folder = create_checkpoint(
            name,
            output or Path(name),
            seed=seed,
            force=force,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
            **options,
        )
    typer.echo(folder)


main.command()(bench)
main.command()(demo)
main.command()(evaluate)
main.command()(info)
main.command()(memory)
main.command()(serve)
for command in (quantize, prune, distill, export, sizes, push):
    main.command()(command)


@main.command()
def params(
    name: Annotated[
        str, typer.Argument(metavar="NAME", callback=known_preset, help="A preset, such as redheart-730m.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Count the parameters of each component, and compare them with their budget.

    [bold]redheart params redheart-730m[/bold]
    the table; exit status 1 when a component does not have exactly its number
    """
    import torch

    from .configuration import RedHeartConfig
    from .configuration.budget import budget_table
    from .modeling_redheart import RedHeartModel

    with torch.device("meta"):
        model = RedHeartModel(RedHeartConfig.from_preset(name))
    rows = budget_table(((key, value.numel()) for key, value in model.named_parameters()), name)
    if as_json:
        table, part_of = [], ""
        for row in rows:
            part_of = part_of if row.name.startswith(" ") else ""
            entry = {"component": row.name.strip(), "part_of": part_of or None, "parameters": row.parameters}
            table.append(entry | {"budget": row.target, "exact": row.exact})
            part_of = part_of or row.name
        typer.echo(json.dumps({"name": name, "components": table}))
    else:
        from rich.console import Console

        from .terminal import render_budget

        render_budget(rows, Console(highlight=False))
    if not all(row.exact for row in rows):
        raise typer.Exit(1)


__all__ = ["DEFAULT_MODEL", "main"]
