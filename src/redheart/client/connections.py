"""Requests over HTTP, on connections that stay open: one answer, or `ServerConnectionError`.

Notable: the standard library alone. A redirect is not followed, since the key would go with it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

from ..configuration.errors import InputError, ServerConnectionError, ServerPermissionError

# What a connection that has been idle shows when the server had closed it: the request was not read.
# `IndexError`: another thread has taken the last idle one.
_CLOSED = (RemoteDisconnected, BrokenPipeError, ConnectionResetError, ConnectionAbortedError, IndexError)


@dataclass(frozen=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP status.
        headers: Its headers, by their names in lower case.
        body: All of its body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connections:
    """Connections to one server; several threads may use them.

    Args:
        address: Of the server, with a path where a proxy has put it below one.
        timeout: Maximum seconds to connect, and to wait for the next bytes of an answer.
        context: Certificates and versions of TLS; None for those of the system.

    Raises:
        InputError: For an address that is not http:// or https:// with a host.
    """

    def __init__(self, address: str, timeout: float, context: ssl.SSLContext | None = None) -> None:
        try:
            parts = urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise InputError(f"The address {address!r} is no URL ({error}); write it as http://host:port.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise InputError(f"The address {address!r} is not that of a server; write it as http://host:port.")
        self.address, self._path = address.rstrip("/"), parts.path.rstrip("/")
        self._where = (parts.hostname, port)
        self._kind: Any = HTTPConnection
        self._options: dict[str, Any] = {"timeout": timeout}
        if parts.scheme == "https":
            self._kind = HTTPSConnection
            self._options["context"] = context or ssl.create_default_context()
        self._idle: list[HTTPConnection] = []

    def exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send a request and receive its answer, whatever its status.

        Args:
            method: Such as "POST".
            path: On the server.
            body: Of the request; None for no body.
            headers: Of the request.

        Returns:
            The answer.

        Raises:
            ServerConnectionError: When there was no whole answer.
            ServerPermissionError: When the certificate of the server is not trusted.
        """
        try:
            while self._idle:
                try:
                    return self._exchange(self._idle.pop(), method, path, body, headers)
                except _CLOSED:
                    continue
            return self._exchange(self._kind(*self._where, **self._options), method, path, body, headers)
        except ssl.SSLCertVerificationError as error:
            message = f"{self.address} has a certificate that is not trusted ({error.verify_message}); give `context`."
            raise ServerPermissionError(message) from error
        except TimeoutError as error:
            seconds = self._options["timeout"]
            message = f"{self.address} did not answer within {seconds:g} s; give a longer `timeout`, or fewer texts."
            raise ServerConnectionError(message) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            message = f"{self.address} cannot be reached, or broke off ({reason}); check the address and the server."
            raise ServerConnectionError(message) from error

    def _exchange(
        self, connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        try:
            connection.request(method, self._path + path, body, dict(headers))
            response: HTTPResponse = connection.getresponse()
            answer = Answer(
                response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
            )
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()


__all__ = ["Answer", "Connections"]
