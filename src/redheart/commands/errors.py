"""Errors of the command line: one line on standard error each, and the exit status."""

import os
import sys
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from ..configuration.extras import extra_with, missing
from ..formats.printable import printable

# Where a module and what is installed for it have different names.
_DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml"}


class Commands(TyperGroup):
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
            complain(f"{message} (--help explains)")
        return int(getattr(error, "exit_code", 2))
    message = str(error) or repr(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        message = _how_to_install(error.name) or message
    # Of a config that contradicts itself; the class is of huggingface_hub, which may not be imported yet.
    contradicts = type(error).__name__.startswith("StrictDataclass")
    expected = contradicts or isinstance(error, (ValueError, OSError, ImportError))
    first, *others = getattr(error, "lines", [message])  # of rows: a line for each kind of fault
    complain(first if expected else f"{type(error).__name__}: {message}")
    for line in others:
        typer.echo(f"  {printable(' '.join(line.split()))}", err=True)
    return 1


def _how_to_install(module: str) -> str | None:
    """The first extra of this package that brings ``module``, in a sentence; None where none does."""
    name = module.partition(".")[0]
    distribution = _DISTRIBUTIONS.get(name, name)
    extra = extra_with(distribution)
    return str(missing(f"This needs {distribution}", extra)) if extra else None


def complain(message: str) -> None:
    typer.echo(f"error: {printable(' '.join(message.split()))}", err=True)


def wrong_usage(message: str, option: str) -> NoReturn:
    raise typer.BadParameter(message, param_hint=option)


__all__ = ["Commands", "complain", "wrong_usage"]
