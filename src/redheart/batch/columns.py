"""The flat columns of readings: one number, word or flag each, for tables of any engine.

    [column.name for column in columns_of(model.config, ["verdict"])]  # verdict.author, ..., verdict.label, ...

Notable: the columns of claims follow from `configuration.claims`, and have the names of the same ratings in a row of
training data (`emotion.joy`, `regret.action.better`); only `nuance` has a column for each level. Which columns there
are depends on the outputs that are asked for and that the model can give, never on the text: what was withheld is null,
and the column `withheld` has the reason. The course of the emotions has no flat form; it is in the JSON answers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from ..configuration.claims import CLAIMS, OUTPUTS, Claim, Kind, claim_of
from ..configuration.errors import InputError
from ..configuration.extras import missing
from ..configuration.inputs import check_outputs

if TYPE_CHECKING:
    import pyarrow

ColumnType = Literal["float", "integer", "flag", "text", "floats"]

ERROR, WITHHELD = "error", "withheld"
# Between the words of one cell; `pandas.Series.str.get_dummies` splits at it.
BETWEEN = "|"
# Goes before the name of a column of the user's that has the name of a column of the reading.
INPUT = "input."
CLASSIFICATION = "classification"
_FLAGS: dict[str, ColumnType] = {
    "windows": "integer",
    "truncated": "flag",
    "tokens": "integer",
    "unknown_tokens": "float",
    "no_letters": "flag",
    "speakers": "integer",
    "risk": "text",
}


@dataclass(frozen=True)
class Column:
    """A column of a table of readings.

    Attributes:
        name: Its name.
        type: What its values are; each can be null.
        value: Takes a reading; returns the value, None where the reading does not have it.
    """

    name: str
    type: ColumnType
    value: Callable[[Mapping[str, Any]], Any]


def columns_of(config: Any, outputs: Sequence[str] | None = None, depth: str = "full") -> list[Column]:
    """The columns of the readings of a model, without those of the input and without `ERROR`.

    Args:
        config: Config of the model, or of a classifier.
        outputs: Names in `labels.OUTPUTS`; None for all that the model gives at ``depth`` but the long embedding.
        depth: "full" or "fast".

    Returns:
        The columns; `WITHHELD` is the last.

    Raises:
        InputError: For an output that the model does not give at ``depth``.
    """
    found = list(_label_columns(config) if config.is_classifier else _analysis_columns(config, outputs, depth))
    found += [Column(f"flags.{name}", kind, _getter("flags", name)) for name, kind in _FLAGS.items()]
    return [*found, Column(WITHHELD, "text", lambda reading: BETWEEN.join(_withheld(reading, config)))]


def _analysis_columns(config: Any, outputs: Sequence[str] | None, depth: str) -> Iterator[Column]:
    available = config.outputs_at(depth)
    asked = [name for name in available if name != "embedding"] if outputs is None else check_outputs(outputs, depth)
    if lacking := [name for name in asked if name not in available]:
        raise InputError(f"This model does not give the output {lacking[0]!r}; it gives {', '.join(available)}.")
    for output in (name for name in OUTPUTS if name in asked):
        for claim in CLAIMS.values():
            if claim.output == output:
                yield from _claim_columns(claim)
        yield from _FURTHER.get(output, ())


def _claim_columns(claim: Claim) -> Iterator[Column]:
    if claim.kind is Kind.RELATIONS:
        yield Column(claim.name, "floats", _getter(claim.place))
        return
    for names in product(*claim.axes) if claim.kind is not Kind.COURSE else ():
        yield Column(".".join((claim.columns, *names)), "float", _place(claim, names))
        if claim.spread:
            yield Column(".".join((claim.columns, *names, "std")), "float", _place(claim, names, "std"))


def _place(claim: Claim, names: Sequence[str], last: str = "") -> Callable[[Mapping[str, Any]], Any]:
    """Reads a claim's value; ``last`` replaces the last word of its path."""
    if claim.kind is Kind.EXPECTED_LOSS:
        return _getter(claim.output, *names, claim.output)  # exp(-expected loss), which has a scale
    path = claim.place.format(*names[-1:]).split(".")
    names = () if "{}" in claim.place else names
    path = [*path[:-1], last] if last else path
    straight, inverted = _getter(*path, *names), _getter(*path[:-1], *names, path[-1])
    # Where a part is by view, its path leaves the view out (`reading.RANGES`): counterfactual.better.utility.
    return lambda reading: straight(reading) if straight(reading) is not None else inverted(reading)


def _getter(*path: str) -> Callable[[Mapping[str, Any]], Any]:
    """Reads what is at a path; lists of words become one text."""

    def value(reading: Mapping[str, Any]) -> Any:
        node: Any = reading
        for name in path:
            if not isinstance(node, Mapping) or name not in node:
                return None
            node = node[name]
        return BETWEEN.join(node) if isinstance(node, list) and all(isinstance(item, str) for item in node) else node

    return value


# Columns of outputs that are not claims of their own.
_FURTHER: dict[str, tuple[Column, ...]] = {
    "emotion": (Column("emotion.asserted", "text", _getter("emotion", "asserted")),),
    "bentham": (Column("bentham.felicific_value", "float", _getter("bentham", "felicific_value")),),
    "verdict": (
        Column("verdict.label", "text", _getter("verdict", "label")),
        Column("verdict.abstained", "flag", _getter("verdict", "abstained")),
    ),
}


def _label_columns(config: Any) -> Iterator[Column]:
    """The columns of a classifier: its labels or values, and what it decides for."""
    kind = config.problem_type or ("regression" if len(config.class_names) == 1 else "single_label_classification")
    values = "values" if kind == "regression" else "labels"
    for name in config.class_names:
        yield Column(f"{CLASSIFICATION}.{name}", "float", _getter(CLASSIFICATION, values, name))
    if kind != "regression":
        decided = "asserted" if kind == "multi_label_classification" else "label"
        yield Column(CLASSIFICATION, "text", _getter(CLASSIFICATION, decided))


def _withheld(reading: Mapping[str, Any], config: Any) -> Iterator[str]:
    """Each thing that is null in a reading, with the reason."""
    flags = reading["flags"]
    yield from (f"{module}: the module failed" for module in flags["recovered"])
    if reading.get("verdict", {}).get("abstained"):
        yield "verdict.label: not probable enough"
    if "not_determined" in reading.get("surd", {}):
        yield "surd: not determined"
    for key in flags["withheld"]:
        if key != "rationale" and claim_of(key).kind is not Kind.COURSE:  # which have no columns
            measured = any(name == key or name.startswith(f"{key}.") for name in config.withheld)
            yield f"{key}: {'no better than a constant' if measured else 'no training data'}"


def kept_name(name: str, taken: Mapping[str, Any] | Sequence[str]) -> str:
    """The name of a column of the input beside the columns ``taken``: `INPUT` goes before one that is taken."""
    return f"{INPUT}{name}" if name in taken or name.startswith(INPUT) else name


def arrow_schema(config: Any, outputs: Sequence[str] | None = None, depth: str = "full") -> "pyarrow.Schema":
    """The Arrow schema of the columns of the readings, with `ERROR`.

    Args:
        config: As in `columns_of`.
        outputs: As in `columns_of`.
        depth: As in `columns_of`.

    Returns:
        The schema, in the order of `columns_of`; every field can be null.

    Raises:
        InputError: As `columns_of`.
        MissingPackageError: When pyarrow is not installed.
    """
    types = arrow_types()
    named = [(column.name, types[column.type]) for column in columns_of(config, outputs, depth)]
    return arrow().schema([*named, (ERROR, types["text"])])


def arrow_types() -> "dict[ColumnType, pyarrow.DataType]":
    """The Arrow type of each kind of column."""
    pa = arrow()
    return {
        "float": pa.float32(),
        "integer": pa.int32(),
        "flag": pa.bool_(),
        "text": pa.string(),
        "floats": pa.list_(pa.float32()),
    }


def arrow() -> Any:
    """The package pyarrow; `MissingPackageError` with the remedy where it is not installed."""
    try:
        import pyarrow
    except ImportError as error:
        raise missing("Tables of readings need pyarrow", "tables") from error
    return pyarrow


__all__ = [
    "BETWEEN",
    "CLASSIFICATION",
    "ERROR",
    "INPUT",
    "WITHHELD",
    "Column",
    "ColumnType",
    "arrow",
    "arrow_schema",
    "arrow_types",
    "columns_of",
    "kept_name",
]
