"""What may be read, and how: the only check of a text, and the only one of each option of a reading.

Notable: every entry point (pipeline, model, commands, server, page, training rows) uses these checks, so all refuse the
same input with the same message. Nothing here needs torch or transformers.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from typing import Any

from .errors import InputError
from .labels import FAST_OUTPUTS, OUTPUTS, closest

DEPTHS = ("full", "fast")

# How much of a value a message shows.
_SHOWN = 40


def check_text(text: Any, index: int | None = None, subject: str = "The text") -> str:
    """Return ``text`` if it can be read.

    Args:
        text: A value that should be a text.
        index: Its place in a list, for the message.
        subject: Its name in the message when it has no ``index``.

    Returns:
        ``text`` as it is.

    Raises:
        InputError: When it is not a str, has nothing visible, or has a lone surrogate.
    """
    where = subject if index is None else f"The text at index {index}"
    if not isinstance(text, str):
        raise InputError(f"{where} must be a str, got {type(text).__name__}{_how_to_give(text)}.")
    if not text:
        raise InputError(f"{where} is empty; leave it out, there is nothing to read.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{where} has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}, so it is not "
            "valid Unicode; decode its bytes with the right encoding, or with errors='replace'."
        ) from error
    if is_blank(text):
        raise InputError(f"{where} is blank ({text[:20]!r}); leave it out, there is nothing to read.")
    return text


def is_blank(text: str) -> bool:
    """Whether ``text`` has nothing that can be seen: only spaces, controls and the like."""
    return all(unicodedata.category(char)[0] in "ZC" for char in set(text))


def _how_to_give(value: Any) -> str:
    """The remedy for common values that are not a str."""
    if isinstance(value, (bytes, bytearray)):
        return "; decode it first, for example with text.decode('utf-8')"
    if isinstance(value, Mapping):
        return "; give the text alone, or for a dataset KeyDataset(dataset, 'name of its text column')"
    if hasattr(value, "read_text"):
        return "; read the file first, for example with path.read_text(encoding='utf-8')"
    return ""


def check_depth(depth: Any) -> str:
    """Return ``depth`` if it is one of `DEPTHS`; raise `InputError` otherwise."""
    if not isinstance(depth, str) or depth not in DEPTHS:
        raise InputError(f"No depth {depth!r}; {closest(str(depth), DEPTHS)}")
    return depth


def check_output(name: Any) -> str:
    """Return ``name`` if it is one of `labels.OUTPUTS`; raise `InputError` otherwise."""
    if not isinstance(name, str) or name not in OUTPUTS:
        raise InputError(f"No output {_short(name)}; {closest(str(name)[:_SHOWN], OUTPUTS)}")
    return name


def check_output_list(outputs: Any) -> list[Any]:
    """Return ``outputs`` as a list of any items; raise `InputError` if it is empty or not a list of names."""
    if isinstance(outputs, str) or not isinstance(outputs, Iterable):
        given = f"{'the string ' if isinstance(outputs, str) else ''}{_short(outputs)}"
        raise InputError(f"`outputs` must be a list of names, got {given}; write [{_short(outputs)}].")
    if not (names := list(outputs)):
        raise InputError(f"`outputs` is empty; name at least one of {', '.join(OUTPUTS)}, or leave it out.")
    return names


def check_outputs(outputs: Any, depth: str = "full") -> list[str]:
    """Return ``outputs`` as a list if each can be given at ``depth``; raise `InputError` otherwise, and if empty."""
    names = [check_output(name) for name in check_output_list(outputs)]
    if depth == "fast" and (deep := [name for name in names if name not in FAST_OUTPUTS]):
        raise InputError(f"The output {deep[0]!r} needs depth='full'; depth='fast' gives {', '.join(FAST_OUTPUTS)}.")
    return names


def check_token_budget(budget: Any) -> int | None:
    """Return ``budget`` if it is a number of tokens (at least 1) or None; raise `InputError` otherwise."""
    if budget is None:
        return None
    if not isinstance(budget, Integral) or isinstance(budget, bool) or budget < 1:
        raise InputError(f"`token_budget` must be a number of tokens, at least 1, or None; got {_short(budget)}.")
    return int(budget)


def check_include_untrained(include: Any) -> bool:
    """Return ``include`` if it is True or False; raise `InputError` otherwise."""
    if not isinstance(include, bool):
        raise InputError(f"`include_untrained` must be True or False, got {_short(include)}.")
    return include


def check_alpha(alpha: Any) -> float:
    """Return ``alpha`` as a float if it is a share, above 0 and below 1; raise `InputError` otherwise."""
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1:
        raise InputError(f"A guarantee is a share of errors above 0 and below 1, such as 0.1; got {_short(alpha)}.")
    return float(alpha)


def check_batch_size(size: Any) -> int:
    """Return ``size`` if it is a number of texts, at least 1; raise `InputError` otherwise."""
    if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
        raise InputError(f"`batch_size` must be a number of texts, at least 1; got {_short(size)}.")
    return int(size)


def check_options(options: Mapping[str, Any], known: Iterable[str] = ()) -> dict[str, Any]:
    """Check the options of a reading, each and together.

    Args:
        options: Name -> value; None = not given.
        known: Names of further options, which are returned as they are.

    Returns:
        The options that are given (not None), checked.

    Raises:
        InputError: For an unknown name, and as the check of each option.
    """
    checks: dict[str, Callable[[Any], Any]] = {
        "outputs": check_outputs,
        "depth": check_depth,
        "token_budget": check_token_budget,
        "include_untrained": check_include_untrained,
        "guarantee": check_alpha,
    }
    names = (*checks, *known)
    for name in options:
        if name not in names:
            raise InputError(f"There is no option {name[:_SHOWN]!r}; {closest(name[:_SHOWN], names)}")
    given = {name: value for name, value in options.items() if value is not None}
    checked = {name: checks[name](value) if name in checks else value for name, value in given.items()}
    if "outputs" in checked:
        check_outputs(checked["outputs"], checked.get("depth", "full"))
    if "guarantee" in checked:
        check_guaranteed(checked)
    return checked


def check_guaranteed(options: Mapping[str, Any]) -> None:
    """Raise `InputError` where the other options change the readings, or leave out all that a guarantee is about."""
    if options.get("depth", "full") != "full" or options.get("token_budget") is not None:
        raise InputError("`guarantee` was calibrated for the whole reading; leave `depth` and `token_budget` out.")
    outputs = options.get("outputs")
    if outputs is not None and not {"emotion", "verdict"} & set(outputs):
        raise InputError(
            f"`guarantee` gives sets of emotions and of verdicts, and neither is asked for ({', '.join(outputs)}); "
            "add 'emotion' or 'verdict' to `outputs`."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


__all__ = [
    "DEPTHS",
    "check_alpha",
    "check_batch_size",
    "check_depth",
    "check_guaranteed",
    "check_include_untrained",
    "check_options",
    "check_output",
    "check_output_list",
    "check_outputs",
    "check_text",
    "check_token_budget",
    "is_blank",
]
