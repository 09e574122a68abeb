"""The reference of the command line, from the declarations of the commands for typer."""

import inspect
import re
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from redheart.cli import main

from .markdown import Block, BlockError, table

_EXAMPLE = re.compile(r"\[bold\](.*?)\[/bold\]\s*(.*)", re.DOTALL)
_WORDS = {int: "whole number", float: "number", str: "text", Path: "path"}


def _paragraphs(text: str) -> Iterator[str]:
    """The help of a command: its sentences, and its examples as a list."""
    examples: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if match := _EXAMPLE.fullmatch(paragraph.strip()):
            meaning = " ".join(match[2].split())
            examples.append(f"- `{match[1]}`" + (f": {meaning}" if meaning else ""))
            continue
        if examples:
            yield "\n".join(examples)
            examples = []
        yield " ".join(paragraph.split())
    if examples:
        yield "\n".join(examples)


def _kind(hint: Any) -> Any:
    """The type of one value: without None, and that of the items of a list."""
    if get_origin(hint) in (Union, UnionType):
        return _kind(next(one for one in get_args(hint) if one is not type(None)))
    return _kind(get_args(hint)[0]) if get_origin(hint) is list else hint


def _takes(kind: Any, declared: Any) -> str:
    """The value of an option: its choices, or the word for its type."""
    if kind is bool:
        return "-"
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    if declared.metavar and "|" in declared.metavar:
        return ", ".join(f"`{choice}`" for choice in declared.metavar.strip("[]").split("|"))
    return f"`{declared.metavar}`" if declared.metavar else _WORDS[kind]


def _default(value: Any) -> str:
    if value is inspect.Parameter.empty:
        return "required"
    if value is None or value is False or value == ():
        return "-"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _spelling(name: str, declared: Any) -> str:
    # In an `Annotated`, typer keeps the first spelling as the default until it reads the command.
    spellings = (declared.default, *(declared.param_decls or ()))
    given = [item for item in spellings if isinstance(item, str) and item.startswith("-")]
    return ", ".join(f"`{item}`" for item in given or [f"--{name.replace('_', '-')}"])


def _parameters(callback: Callable[..., Any]) -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, type of one value, what is declared, default) of each parameter of a command."""
    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        if hints[name] is typer.Context:
            continue  # typer gives it, not the user
        if get_origin(hints[name]) is not Annotated:
            raise BlockError(f"{callback.__name__}: {name} is not declared by `Annotated`.")
        kind, *rest = get_args(hints[name])
        declared = next(item for item in rest if isinstance(item, OptionInfo | ArgumentInfo))
        yield name, _kind(kind), declared, parameter.default


def _meaning(declared: Any) -> str:
    return " ".join((declared.help or "-").split()).replace("<", "&lt;")


def _command(name: str, callback: Callable[..., Any]) -> Iterator[str]:
    yield f"## `redheart {name}`"
    yield from _paragraphs(callback.__doc__ or "")
    arguments, options = [], []
    for parameter, kind, declared, default in _parameters(callback):
        if isinstance(declared, ArgumentInfo):
            title = (declared.metavar or parameter.upper()).strip("[]")
            arguments.append((f"`{title}`", _default(default), _meaning(declared)))
        else:
            spelling = _spelling(parameter, declared)
            options.append((spelling, _takes(kind, declared), _default(default), _meaning(declared)))
    if arguments:
        yield table(("argument", "default", "meaning"), arguments)
    if options:
        yield table(("option", "value", "default", "meaning"), options)


def commands() -> str:
    """Return the reference of all commands, in alphabetical order."""
    found = {item.name or item.callback.__name__: item.callback for item in main.registered_commands if item.callback}
    return "\n\n".join(part for name in sorted(found) for part in _command(name, found[name]))


BLOCKS: dict[str, Block] = {"commands": commands}
