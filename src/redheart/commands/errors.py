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
        """Run the command; end with status 1 and no message when the reader of the output is gone (``| head``)."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush does not fail
            raise typer.Exit(1) from None


def _report(error: Exception) -> int:
    """Print ``error`` in one line and return the exit status."""
    if hasattr(error, "format_message"):  # wrong usage, found by typer
        message = str(error.format_message())
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(message, err=True)
        else:
            print_error(f"{message} (see --help)")
        return int(getattr(error, "exit_code", 2))
    message = str(error) or repr(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        message = _install_hint(error.name) or message
    # The error of a config that contradicts itself; its class is in huggingface_hub, which may not be imported yet.
    contradicts = type(error).__name__.startswith("StrictDataclass")
    expected = contradicts or isinstance(error, (ValueError, OSError, ImportError))
    first, *others = getattr(error, "lines", [message])  # an error of rows has a line for each kind of fault
    print_error(first if expected else f"{type(error).__name__}: {message}")
    for line in others:
        typer.echo(f"  {printable(' '.join(line.split()))}", err=True)
    return 1


def _install_hint(module: str) -> str | None:
    """How to install the first extra of this package that contains ``module``, as a sentence; None if none does."""
    name = module.partition(".")[0]
    distribution = _DISTRIBUTIONS.get(name, name)
    extra = extra_with(distribution)
    return str(missing(f"This needs {distribution}", extra)) if extra else None


def print_error(message: str) -> None:
    """Print ``message`` on standard error, in one line that begins with ``error:``."""
    typer.echo(f"error: {printable(' '.join(message.split()))}", err=True)


def wrong_usage(message: str, option: str) -> NoReturn:
    """End the command with exit status 2.

    Args:
        message: What is wrong, and what to give instead.
        option: The option or argument that it is about.

    Raises:
        BadParameter: Always; typer turns it into the message and the exit status.
    """
    raise typer.BadParameter(message, param_hint=option)


__all__ = ["Commands", "print_error", "wrong_usage"]
