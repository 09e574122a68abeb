"""The command `redheart serve`.

Notable: no text is logged. The port is open before the model is loaded, so that /health and /ready can say so; the
address is printed when there is somebody to talk to.
"""

import math
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...configuration.extras import missing
from ...configuration.shipped import DEFAULT_MODEL
from ...serving.limits import Limits
from ..options import known_model

if TYPE_CHECKING:
    import uvicorn
    from fastapi import FastAPI

_DEFAULT = Limits()
# Above the deadline, for answers that are on their way when the server stops.
_GRACE_SECONDS = 5


def serve(
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            callback=known_model,
            help="A checkpoint that ships, a folder, or a Hugging Face Hub id.",
        ),
    ] = DEFAULT_MODEL,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 = any free one.")] = 8000,
    characters: Annotated[int, typer.Option(metavar="N", min=1, help="Of a text, at most.")] = _DEFAULT.characters,
    texts: Annotated[int, typer.Option(metavar="N", min=1, help="Of a request, at most.")] = _DEFAULT.texts,
    body_bytes: Annotated[
        int, typer.Option(metavar="N", min=1, help="Of a request's body, at most.")
    ] = _DEFAULT.body_bytes,
    deadline: Annotated[
        float, typer.Option(metavar="SECONDS", help="Within which a request is answered.")
    ] = _DEFAULT.deadline,
    requests: Annotated[
        int, typer.Option(metavar="N", min=1, help="Worked on at the same time, at most.")
    ] = _DEFAULT.requests,
    queue: Annotated[int, typer.Option(metavar="N", min=1, help="Texts that may wait.")] = _DEFAULT.queue,
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Texts read together, at most; 1 = no batching.")
    ] = _DEFAULT.batch,
    batch_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, help="Of a batch, with padding, at most.")
    ] = _DEFAULT.batch_tokens,
    batch_wait: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="That a text waits for others.")
    ] = _DEFAULT.batch_wait,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Of torch; by default its own choice.")
    ] = None,
    docs: Annotated[bool, typer.Option("--docs", help="Pages at /docs; their scripts come from the internet.")] = False,
) -> None:
    """Answer over HTTP: POST /read, and GET /health, /ready, /model, /metrics and /openapi.json.

    [bold]redheart serve --model redheart-100m --port 8000[/bold]
    on this machine only; in front of others put a proxy with TLS and authentication, which this server has not

    [bold]curl -s localhost:8000/read --json '{"text": "I told her secret.", "outputs": ["verdict"]}'[/bold]
    asks it

    SIGTERM and Ctrl-C: nothing new is accepted, what was accepted is answered, exit status 0.
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

    def tell() -> None:
        typer.echo(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")

    app = create_app(Path(model).name, lambda: load_pipeline(model), limits, stop, docs, tell)
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        access_log=False,  # it has the query, in which a client may have put a text; `Guard` logs instead
        server_header=False,
        timeout_graceful_shutdown=math.ceil(deadline) + _GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    _log()
    _run(server, listening)
    _raise_failure(app)


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `OSError` with a remedy."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"Cannot listen on {host}, port {port}: {reason}; name another --host or --port.") from error


def _log() -> None:
    """Send what the server has to say to standard error: of libraries only warnings."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("redheart.serving").setLevel(logging.INFO)


def _run(server: "uvicorn.Server", listening: socket.socket) -> None:
    # uvicorn handles the signals, and raises them again when it is done: by then they have had their effect.
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
