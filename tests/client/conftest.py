"""Servers on loopback: the real app behind uvicorn, and one that answers as a test says."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

from redheart import EthicalAnalysisPipeline
from redheart.configuration.labels import record_keys


@pytest.fixture(scope="session")
def reader(lively_model: Callable[..., Any], tokenizer: Any) -> EthicalAnalysisPipeline:
    """A tiny pipeline that withholds nothing."""
    model = lively_model(supervision={key: ["made-up"] for key in record_keys()})
    return EthicalAnalysisPipeline(model=model, tokenizer=tokenizer)


@contextmanager
def running(app: FastAPI) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, timeout_keep_alive=60))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def serve_app() -> Callable[[FastAPI], AbstractContextManager[str]]:
    """Runs an app on loopback; gives its address."""
    return running


@dataclass
class Scripted:
    """A server that answers from a list.

    Attributes:
        answers: What comes next: (status, headers, body); "drop" cuts the connection unanswered, "half" amid an answer,
            "silence" leaves it open. The last one is repeated.
        asked: (method, path, headers, body) of each request.
    """

    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, str, Any, bytes]] = field(default_factory=list)
    connections: int = 0
    address: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Scripted

    def setup(self) -> None:
        self.script.connections += 1
        super().setup()

    def _answer(self) -> None:
        script = self.script
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        script.asked.append((self.command, self.path, self.headers, body))
        answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
        if callable(answer):
            answer = answer(body)
        if answer == "silence":
            script.stop.wait(30)
        if answer in ("drop", "silence"):
            self.close_connection = True
            return
        status, headers, content = (200, {}, b"{") if answer == "half" else answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content) + (answer == "half")))
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = answer == "half"

    do_GET = do_POST = _answer  # noqa: N815 - as http.server calls them

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A server that answers from a list."""
    script = Scripted()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": script})) as server:
        server.daemon_threads = True
        script.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield script
        script.stop.set()
        server.shutdown()
        thread.join()
