"""The JSON of a request's body, read as strictly as all other JSON (`redheart.formats.strict_json`).

Notable: FastAPI uses Python's reader, which accepts NaN, guesses UTF-16 and fails on an integer of 5,000 digits.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from ..formats.lines import decode
from ..formats.strict_json import parse_json


class StrictRequest(Request):
    """A request whose body must be strict JSON in UTF-8."""

    async def json(self) -> Any:
        """Parse the body.

        Returns:
            Its value.

        Raises:
            JSONDecodeError: When it is not strict JSON in UTF-8; FastAPI turns it into an answer.
        """
        body = await self.body()
        text, problem = decode(body, len(body))  # `middleware.BodyLimit` has refused what is too long
        if not problem:
            try:
                return parse_json(text)
            except ValueError as error:
                problem = str(error)
        raise json.JSONDecodeError(problem, "", 0)


class StrictRoute(APIRoute):
    """A route whose requests are `StrictRequest`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler for such a request."""
        handler = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handler(StrictRequest(request.scope, request.receive))

        return strict


__all__ = ["StrictRequest", "StrictRoute"]
