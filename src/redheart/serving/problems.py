"""Errors of the server: one JSON form, problem details (RFC 9457), with cause, value and remedy.

Notable: a long text is never repeated; `value` has its length instead. Of an internal error only the type is reported.
"""

from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from ..configuration.errors import RedHeartError
from ..configuration.labels import closest
from .schema import ReadRequest
from .wire import MEDIA_TYPE, Cause, Fault, Problem

_LONGEST_VALUE = 40
# pydantic's error types -> remedies.
_REMEDIES = {
    "json_invalid": "Send one JSON object, encoded as UTF-8.",
    "missing": "Add this field.",
    "string_too_long": "Split the text.",
    "too_long": "Send the texts in several requests.",
}
_SEE = "See /openapi.json for what a request may have."


class ProblemError(RedHeartError):
    """An error that becomes an answer.

    Args:
        status: HTTP status.
        cause: The cause, in one word.
        detail: The cause, in a sentence.
        remedy: What the client can do.
        value: The value that is wrong; None when there is none.
        retry_after: Seconds for the header Retry-After; None for no such header.

    Attributes:
        problem: The body of the answer.
        headers: Its headers.
    """

    def __init__(
        self, status: int, cause: Cause, detail: str, remedy: str, value: Any = None, retry_after: int | None = None
    ) -> None:
        super().__init__(cause)  # without the detail, since the exception may be logged
        title = HTTPStatus(status).phrase
        self.problem = Problem(title=title, status=status, cause=cause, detail=detail, remedy=remedy, value=value)
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}

    def response(self) -> Response:
        """Return the answer."""
        return problem_response(self.problem, self.headers)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer whose body is ``problem``."""
    content = {name: value for name, value in asdict(problem).items() if name != "errors" or value}
    return JSONResponse(content, problem.status, dict(headers or {}), MEDIA_TYPE)


def invalid_request(error: RequestValidationError) -> Response:
    """Return the answer to a request that does not fit its type."""
    faults = [_fault(item) for item in error.errors()]
    first = faults[0]
    others = f" ({len(faults) - 1} more in `errors`)" if len(faults) > 1 else ""
    problem = Problem(
        title=HTTPStatus.UNPROCESSABLE_ENTITY.phrase,
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        cause="invalid_request",
        detail=f"{first.pointer or 'The body'}: {first.detail}{others}",
        value=first.value,
        remedy=first.remedy,
        errors=faults,
    )
    return problem_response(problem)


def _fault(item: Mapping[str, Any]) -> Fault:
    kind, context = item["type"], item.get("ctx", {})
    place = [] if kind == "json_invalid" else [str(name) for name in item["loc"][1:]]
    pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in place)
    remedy = _REMEDIES.get(kind, _SEE)
    detail = str(item["msg"]).removeprefix("Value error, ")
    if kind == "json_invalid":
        return Fault(pointer="", detail=f"It {context.get('error', detail)}", value=None, remedy=remedy)
    if kind == "extra_forbidden":
        detail = "There is no such field."
        remedy = f"Leave it out; {closest(place[-1][:80], ReadRequest.model_fields)}"
    elif kind == "value_error":  # of this library, whose messages have the remedy after the semicolon
        remedy = detail.partition("; ")[2] or detail
    return Fault(pointer=pointer, detail=detail, value=_shown(item.get("input")), remedy=remedy)


def _shown(value: Any) -> Any:
    """``value`` when it is short, and its type and length when it is long."""
    if isinstance(value, str):
        if len(value) > _LONGEST_VALUE:
            return f"text of {len(value):,} characters"
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, (list, dict)):
        return f"{'array' if isinstance(value, list) else 'object'} of {len(value):,}"
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, int) and abs(value) >= 10**_LONGEST_VALUE:
        return f"integer of {len(str(abs(value))):,} digits"
    return value if value is None or isinstance(value, (bool, int, float)) else type(value).__name__


__all__ = ["ProblemError", "invalid_request", "problem_response"]
