"""Middleware that lets only known keys in, before the body of a request is read.

Notable: /health, /ready, /docs and /openapi.json are open to all, since an orchestrator or a browser sends no key, and
they say nothing that is not public. /metrics has the names of all keys, so a key needs permission for it.
"""

import math
from typing import Any, NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .keys import Account, Accounts
from .problems import ProblemError

# Where a request carries its account; nothing is there when the server asks for no keys.
ACCOUNT = "redheart.account"

OPEN = frozenset(("/health", "/ready", "/docs", "/docs.css", "/openapi.json"))
METRICS = "/metrics"


def key_name(scope: Scope) -> str:
    """The name of the key of a request; empty without one."""
    account: Account | None = scope.get(ACCOUNT)
    return account.key.name if account else ""


class Access:
    """Answers 401 without a known key, and 403 where the key is not allowed.

    Args:
        app: The application behind it.
        accounts: The keys.
    """

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self.app, self.accounts = app, accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on when its key may ask this."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            try:
                scope[ACCOUNT] = account = self._account(Headers(scope=scope).get("authorization"))
                _check_allowed(account, scope["path"])
            except ProblemError as error:
                await error.response()(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _account(self, header: str | None) -> Account:
        scheme, _, offered = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not offered:
            raise _unknown("no_key", "The request has no API key.")
        if (account := self.accounts.find(offered.strip())) is None:
            raise _unknown("wrong_key", "The server does not know this API key.")
        return account


def _check_allowed(account: Account, path: str) -> None:
    if path == METRICS and not account.key.metrics:
        detail = "This key may not ask /metrics."
        raise ProblemError(403, "not_allowed", detail, "Use a key with `metrics = true`.", account.key.name)


def take(scope: Scope, texts: int) -> None:
    """Count a request against the limits of its key.

    Args:
        scope: Of the request.
        texts: How many it has.

    Raises:
        ProblemError: (429) When a limit is used up; nothing is counted then.
    """
    account: Account | None = scope.get(ACCOUNT)
    if account is None:
        return
    if wait := account.requests.take(1):
        _over_limit(account, "requests_per_minute", wait)
    if wait := account.texts.take(texts):
        account.requests.give_back(1)
        _over_limit(account, "texts_per_minute", wait)


def give_back(scope: Scope, texts: int) -> None:
    """Take back that a request was counted, as the server had no room for it."""
    account: Account | None = scope.get(ACCOUNT)
    if account is not None:
        account.requests.give_back(1)
        account.texts.give_back(texts)


def _over_limit(account: Account, limit: str, wait: float) -> NoReturn:
    """Raise the error of a key that has used up a limit, with the seconds until it may go on."""
    seconds = max(1, math.ceil(wait))
    most: Any = getattr(account.key, limit)
    detail = f"The key {account.key.name} has the limit {limit} = {most:g}, and has used it up."
    raise ProblemError(429, "over_limit", detail, f"Try again after {seconds} s.", most, seconds)


def _unknown(cause: Any, detail: str) -> ProblemError:
    error = ProblemError(401, cause, detail, "Send the header Authorization: Bearer KEY.")
    error.headers["WWW-Authenticate"] = "Bearer"
    return error


__all__ = ["METRICS", "OPEN", "Access", "give_back", "key_name", "take"]
