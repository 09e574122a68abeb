"""The command `redheart`, with one subcommand for each file of `redheart.commands`.

Notable: with ``--json`` standard output has one JSON object per text and nothing else; a text that fails has an error
in its place, and the others are still answered. Every error is one line on standard error, without a traceback; faulty
rows have one line for each kind of fault. torch is imported only after the command line was checked.
"""

from typing import Annotated

import typer

from .commands.errors import Commands
from .commands.make.create import create
from .commands.make.distill import distill
from .commands.make.export import export
from .commands.make.prune import prune
from .commands.make.push import push
from .commands.make.quantize import quantize
from .commands.make.train import train
from .commands.measure.bench import bench
from .commands.measure.calibrate import calibrate
from .commands.measure.evaluate import evaluate
from .commands.measure.info import info
from .commands.measure.memory import memory
from .commands.measure.params import params
from .commands.measure.sizes import sizes
from .commands.read.analyze import analyze
from .commands.read.compare import compare
from .commands.read.demo import demo
from .commands.read.report import report
from .commands.read.serve import serve

main = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        from .version import __version__

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


_COMMANDS = {
    "Read": (analyze, report, compare, demo, serve),
    "Make": (create, train, distill, prune, quantize, export, push),
    "Measure": (evaluate, calibrate, bench, sizes, memory, params, info),
}
for _panel, _functions in _COMMANDS.items():
    for _function in _functions:
        main.command(rich_help_panel=_panel)(_function)


__all__ = ["main"]
