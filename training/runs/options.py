"""Options that a user writes, as a class or a function takes them: names that exist, values of their types.

Notable: an error is reported by its place ("training.learning_rate") before anything is built. A number that YAML reads
as a text, as 5e-4 without a point, is a number.

By hand rather than with pydantic's `TypeAdapter`: that would replace `_fits` and `_type_name`, and not the rest. Of a
union it lists an error for each member, it proposes no nearest name, and it wraps what a class itself raises.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from inspect import Parameter, signature
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ...configuration.errors import InputError
from ...configuration.labels import closest
from ...formats.yaml_file import read_yaml

T = TypeVar("T")


def build_part(kind: type[T], content: Any, place: str) -> T:
    """Build a dataclass from what YAML gives for it.

    Args:
        kind: The dataclass.
        content: What YAML gives.
        place: Prefix of the names in messages, such as "data.".

    Returns:
        An object of ``kind``.

    Raises:
        InputError: For content that is not a mapping, a missing option, and what `checked_options` refuses; a
            `ValueError`.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"{place or 'the file'} must hold options, not {content!r}.")
    for item in fields(kind):  # type: ignore[arg-type]
        if item.default is MISSING and item.default_factory is MISSING and item.name not in content:
            _check_names(kind, content, place)  # an unknown name is the better message
            raise InputError(f"The option {place}{item.name} is missing.")
    return kind(**checked_options(kind, content, place))


def read_options(path: Path | None, **given: Any) -> dict[str, Any]:
    """Read the options in the YAML file of a run.

    Args:
        path: The file; None = a run of defaults.
        **given: Options instead of the file's; None leaves one as it is.

    Returns:
        Name -> value, not yet checked.

    Raises:
        InputError: For a file that cannot be read, or holds something else.
    """
    content = {} if path is None else read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds {type(content).__name__}; it must hold the options of a run.")
    return {**content, **{name: value for name, value in given.items() if value is not None}}


def build_run(kind: type[T], content: Mapping[str, Any], name: str | Path) -> T:
    """Build the dataclass of a run, as `build_part`; an error begins with ``name``, the file or the kind of the run."""
    try:
        return build_part(kind, content, "")
    except ValueError as error:
        raise InputError(f"{name}: {error}") from error


def checked_options(
    kind: Callable[..., Any], options: Mapping[str, Any], place: str, without: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Check the options of a class or a function, each by its type.

    Args:
        kind: The class or function that takes the options.
        options: Name -> value.
        place: Prefix of the names in messages.
        without: Options that a user cannot give -> what to do instead.

    Returns:
        Name -> value of its type.

    Raises:
        InputError: For an unknown option, with the nearest name, one in ``without``, and a value of another type; a
            `ValueError`.
    """
    for name, remedy in (without or {}).items():
        if name in options:
            raise InputError(f"{place}{name} cannot be given here: {remedy}.")
    hints = _check_names(kind, options, place, without or ())
    return {name: _value(hints.get(name, Any), value, f"{place}{name}") for name, value in options.items()}


def _check_names(kind: Callable[..., Any], options: Mapping[str, Any], place: str, without: Any = ()) -> dict[str, Any]:
    """The types of what ``kind`` takes, by name. Raises `InputError` for an unknown name."""
    made: Any = kind
    makes = made.__init__ if isinstance(kind, type) and not is_dataclass(kind) else made
    kinds = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    names = [
        item.name for item in signature(kind).parameters.values() if item.kind in kinds and item.name not in without
    ]
    for name in options:
        if name not in names:
            raise InputError(f"There is no option {place}{name}; {closest(str(name), names)}")
    return get_type_hints(makes)


def _value(hint: Any, value: Any, place: str) -> Any:
    """``value`` in the type of ``hint``: a part of options, a list of parts, or plain data."""
    choices = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None:
        if NoneType in choices or Any in choices:
            return None
        raise InputError(f"{place} has no value.")
    for choice in choices:
        if is_dataclass(choice) and not isinstance(value, choice):  # type: ignore[arg-type]
            return build_part(choice, value, f"{place}.")  # type: ignore[arg-type]  # a class, not an object of it
        if get_origin(choice) is list and is_dataclass(part := get_args(choice)[0]):
            if not isinstance(value, list):
                raise InputError(f"{place} must be a list, got {value!r}.")
            return [build_part(part, item, f"{place}[{number}].") for number, item in enumerate(value)]  # type: ignore[arg-type]
    if float in choices and str not in choices and isinstance(value, str):
        value = _number(value)
    if not any(_fits(choice, value) for choice in choices):
        kinds = " or ".join(dict.fromkeys(map(_type_name, (choice for choice in choices if choice is not NoneType))))
        raise InputError(f"{place} must be of type {kinds}, got {value!r}.{_hint(choices, value)}")
    for choice in choices:
        if isinstance(choice, type) and issubclass(choice, Enum) and isinstance(value, str):
            known = [str(item.value) for item in choice]
            if value not in known:
                raise InputError(f"{place} cannot be {value!r}; {closest(value, known)}")
    return value


def _number(text: str) -> float | str:
    """The number that a text spells, or the text."""
    try:
        return float(text)
    except ValueError:
        return text


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    kind = get_origin(hint) or hint
    if kind is float:
        kind = int | float
    if isinstance(value, bool) and kind in (int, int | float):
        return False
    return isinstance(value, kind) if isinstance(kind, type | UnionType) else True


def _type_name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(repr, get_args(hint)))
    return str(getattr(get_origin(hint) or hint, "__name__", hint))


def _hint(choices: Any, value: Any) -> str:
    if isinstance(value, bool) and str in choices:
        return " (YAML reads a bare yes, no, on and off as true and false: put it in quotes.)"
    if isinstance(value, str) and bool in choices:
        return " Write true or false."
    return ""


__all__ = ["build_part", "checked_options"]
