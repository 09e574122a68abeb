"""What goes over the wire besides texts and readings: facts about the model, and errors. Server and client share it.

Notable: plain dataclasses, so that the client needs no package; FastAPI makes OpenAPI from them all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from .limits import Limits

MEDIA_TYPE = "application/problem+json"

Cause = Literal[
    "invalid_request",
    "no_key",
    "wrong_key",
    "not_allowed",
    "over_limit",
    "not_found",
    "method_not_allowed",
    "body_too_large",
    "body_too_slow",
    "too_many_requests",
    "queue_full",
    "not_ready",
    "stopping",
    "deadline",
    "unreadable",
    "internal",
]


@dataclass(frozen=True)
class Fault:
    """An error at one place of a request.

    Attributes:
        pointer: JSON pointer into the body.
        detail: What is wrong there.
        value: The value at this place, or its length.
        remedy: What the client can do.
    """

    pointer: str
    detail: str
    value: Any
    remedy: str


@dataclass(frozen=True)
class Problem:
    """An error (RFC 9457).

    Attributes:
        title: Phrase of the status.
        status: HTTP status.
        cause: The cause, in one word.
        detail: The cause, in a sentence.
        remedy: What the client can do.
        value: The value that is wrong; null when there is none.
        errors: The errors of an invalid request, by place.
        type: Always "about:blank": `cause` says more.
    """

    title: str
    status: int
    cause: Cause
    detail: str
    remedy: str
    value: Any = None
    errors: list[Fault] = field(default_factory=list)
    type: str = "about:blank"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Return the problem of a body; raise `TypeError` when it lacks a field. Unknown fields are left out."""
        problem = _known(cls, body)
        return cls(**problem | {"errors": [Fault(**_known(Fault, fault)) for fault in problem.get("errors") or ()]})


@dataclass(frozen=True)
class ModelFacts:
    """Facts about the model, and the limits of requests.

    Attributes:
        name: Name of the model.
        version: Version of redheart.
        revision: Commit of the model on the Hub; null for another model.
        parameters: Number of parameters.
        dtype: Type of the weights; `exported` for a graph.
        device: Where the model is.
        longest_text: Maximum tokens read at once; a longer text is read in pieces, `flags.windows`.
        outputs: Names of the outputs that it has.
        supervision: Claim -> the data that supervised it.
        limits: Limits of requests and batches.
        guarantee: What is promised of readings, of what, and until when; may be empty.
    """

    name: str
    version: str
    revision: str | None
    parameters: int
    dtype: str
    device: str
    longest_text: int
    outputs: list[str]
    supervision: dict[str, list[str]]
    limits: Limits
    guarantee: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Return the facts of a body; raise `TypeError` when it lacks a field. Unknown fields are left out."""
        facts = _known(cls, body)
        return cls(**facts | {"limits": Limits(**_known(Limits, facts.get("limits") or {}))})


def _known(kind: Any, body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``body`` that ``kind`` has: a newer server may send more."""
    if not isinstance(body, Mapping):
        raise TypeError(f"{kind.__name__} must be a JSON object, got {type(body).__name__}.")
    names = {one.name for one in fields(kind)}
    return {name: value for name, value in body.items() if name in names}


__all__ = ["MEDIA_TYPE", "Cause", "Fault", "ModelFacts", "Problem"]
