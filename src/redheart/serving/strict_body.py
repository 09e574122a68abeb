"""The JSON of a request's body, read as strictly as that of every other door (`redheart.formats.strict_json`).

Notable: FastAPI reads it with Python's reader, which takes NaN, guesses UTF-16 and fails on an integer of 5,000 digits.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from ..formats.strict_json import parse_json
from ..formats.tables import decode


class StrictRequest(Request):
    """A request whose body is JSON in UTF-8 or no JSON."""

    async def json(self) -> Any:
        """The body's value. Raises `json.JSONDecodeError`, which FastAPI answers, with what is wrong as its words."""
        text, problem = decode(await self.body())
        if not problem:
            try:
                return parse_json(text)
            except ValueError as error:
                problem = str(error)
        raise json.JSONDecodeError(problem, "", 0)


class StrictRoute(APIRoute):
    """A route that gets its requests as `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, for such a request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


__all__ = ["StrictRequest", "StrictRoute"]
