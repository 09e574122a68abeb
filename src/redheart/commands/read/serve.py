"""The command `redheart serve`.

Notable: no text is logged. The port is open before the model is loaded, so that /health and /ready can report that;
the address is printed when the model is ready.
"""

import math
import signal
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...configuration.extras import missing
from ...configuration.shipped import DEFAULT_MODEL
from ...serving.keys import VARIABLE, Accounts, Key, environment_key, read_keys
from ...serving.limits import Limits
from ...serving.logs import LogForm, set_up_logging
from ..errors import wrong_usage
from ..options import known_model

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

_DEFAULT = Limits()
# Added to the deadline when the server stops, so that requests that it has accepted are answered.
_GRACE_SECONDS = 5


def serve(
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            callback=known_model,
            help="Model to read with: a shipped checkpoint, a folder, or a Hugging Face Hub id.",
        ),
    ] = DEFAULT_MODEL,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; the default can be reached from this machine only."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port to listen on; 0 takes any free port.")
    ] = 8000,
    characters: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum characters of a text.")
    ] = _DEFAULT.characters,
    texts: Annotated[int, typer.Option(metavar="N", min=1, help="Maximum texts of a request.")] = _DEFAULT.texts,
    body_bytes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum bytes of the body of a request.")
    ] = _DEFAULT.body_bytes,
    deadline: Annotated[
        float, typer.Option(metavar="SECONDS", help="Maximum time from the body of a request to its answer.")
    ] = _DEFAULT.deadline,
    requests: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum requests that are handled at the same time.")
    ] = _DEFAULT.requests,
    queue: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum texts that may wait to be read.")
    ] = _DEFAULT.queue,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum texts of a batch; 1 = no batching.")
    ] = _DEFAULT.batch,
    batch_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, help="Maximum tokens of a batch, padding included.")
    ] = _DEFAULT.batch_tokens,
    batch_wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Maximum time that a text waits for others of its batch.")
    ] = _DEFAULT.batch_wait,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads of torch; by default as many as torch chooses.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=f"File of API keys and their limits, in TOML; or one key in the environment variable {VARIABLE}.",
        ),
    ] = None,
    no_auth: Annotated[
        bool,
        typer.Option("--no-auth", help="Ask for no API key, also on an address that other machines reach."),
    ] = False,
    log: Annotated[
        LogForm, typer.Option(help="Form of the log on standard error: lines, or JSON objects; neither has a text.")
    ] = LogForm.TEXT,
) -> None:
    """Answer over HTTP: POST /read, and GET /health, /ready, /model, /metrics, /docs and /openapi.json.

    [bold]redheart serve --model redheart-100m --port 8000[/bold]
    on this machine only, where no key is needed

    [bold]redheart serve --host 0.0.0.0 --keys keys.toml --log json[/bold]
    for other machines, with API keys; it has no TLS, so put a proxy in front of it

    [bold]curl -s localhost:8000/read --json '{"text": "I told her secret.", "outputs": ["verdict"]}'[/bold]
    sends a text to it

    On SIGTERM and Ctrl-C it accepts no new requests, answers those that it has accepted, and exits with status 0.
    """
    try:
        limits = Limits(
            characters=characters,
            texts=texts,
            body_bytes=body_bytes,
            deadline=deadline,
            requests=requests,
            queue=queue,
            batch=batch,
            batch_tokens=batch_tokens,
            batch_wait=batch_wait,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    known = _keys(keys, no_auth, host, limits)
    try:
        import uvicorn

        from ...serving.app import create_app
    except ImportError as error:
        raise missing(f"`redheart serve` needs {error.name}", "serve") from error
    import torch

    from ...loading import load_pipeline

    if threads is not None:
        torch.set_num_threads(threads)
    listening = _listen(host, port)

    def stop() -> None:
        server.should_exit = True

    def print_address() -> None:
        typer.echo(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")

    app = create_app(Path(model).name, lambda: load_pipeline(model), limits, stop, print_address, known)
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,  # it would show the query, in which a client may have put a text; `Guard` logs instead
        server_header=False,
        timeout_graceful_shutdown=math.ceil(deadline) + _GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    set_up_logging(log)
    _run(server, listening)
    _raise_failure(app)


def _keys(path: Path | None, no_auth: bool, host: str, limits: Limits) -> tuple[Key, ...]:
    """The API keys; none on loopback without any, and with ``--no-auth``. Wrong usage where they are missing."""
    if no_auth:
        if path is not None:
            wrong_usage(f"--no-auth asks for no key, and {path} has some; leave one of them out.", "--no-auth")
        return ()
    keys = (*(read_keys(path) if path is not None else ()), *environment_key())
    if not keys and not _is_loopback(host):
        wrong_usage(
            f"Other machines reach {host or 'this address'}, so the server needs API keys: give --keys FILE, or "
            f"{VARIABLE} in the environment. --no-auth lets everyone in.",
            "--host",
        )
    Accounts(keys, limits.texts)  # its errors are told before the model is loaded
    return keys


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, or raise `OSError` with a remedy."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"Cannot listen on {host}, port {port}: {reason}; name another --host or --port.") from error


def _run(server: "uvicorn.Server", listening: socket.socket) -> None:
    # uvicorn handles the signals and then raises them again, when they have already had their effect.
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.run(sockets=[listening])
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _raise_failure(app: "FastAPI") -> None:
    if (failure := app.state.service.failure) is not None:
        raise failure


__all__ = ["serve"]
