"""What the tests of the page share: a checkpoint that withholds, its pipeline, the running app, and a browser."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from redheart import EthicalAnalysisPipeline, RedHeartModel
from redheart.configuration.labels import EMOTIONS, RATED

from ..fixtures.processes import REDHEART, SOURCE

# Claims that the checkpoint of these tests supervises; it withholds the others.
SUPERVISED = (
    *(f"emotion.{name}" for name in EMOTIONS),
    *(f"nuance.{name}.slight" for name in EMOTIONS),
    "affect.valence",
    "arc",
    "bentham.intensity",
    "bentham.valence",
    "utility.better",
    "utility.actual",
    "surd",
    "verdict",
    "acceptability",
    "perspectives.self",
    *(f"confidence.{name}" for name in RATED),
)

# Written beside the app as sitecustomize.py: notes every address outside of this machine that it would connect to.
_WATCH = """
import os, sys
def watch(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = str(arguments[1][0])
        if not (host.startswith("127.") or host in ("::1", "localhost", "0.0.0.0")):
            with open(os.environ["REDHEART_WATCH"], "a") as file:
                file.write(f"{arguments[1]}\\n")
sys.addaudithook(watch)
"""


@pytest.fixture(scope="session")
def withholding(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Path:
    """A copy of the tiny checkpoint that has supervision for a part of its claims only."""
    folder = tmp_path_factory.mktemp("page") / "tiny"
    shutil.copytree(checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    config["supervision"] = {key: ["made-up"] for key in SUPERVISED}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def pipe(withholding: Path) -> EthicalAnalysisPipeline:
    """The pipeline of that checkpoint."""
    model = RedHeartModel.from_pretrained(withholding)
    return EthicalAnalysisPipeline(model=model, tokenizer=AutoTokenizer.from_pretrained(withholding))


class App:
    """A running app: its address, and the addresses outside of this machine that it tried."""

    def __init__(self, command: list[str], folder: Path, log: Path, **variables: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        log.mkdir()
        (log / "sitecustomize.py").write_text(_WATCH)
        self._watch, self._output = log / "connections", log / "output"
        paths = [str(log), *([variables.pop("PYTHONPATH")] if "PYTHONPATH" in variables else [])]
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(self.port),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "REDHEART_WATCH": str(self._watch),
            **variables,
        }
        command = [item.replace("PORT", str(self.port)) for item in command]
        with self._output.open("w") as output:
            self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=output)
        self.address = f"http://127.0.0.1:{self.port}"
        end = time.monotonic() + 300
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"The app did not start: {self.printed()}")

    def printed(self) -> str:
        """What it printed."""
        return self._output.read_text()

    def connections(self) -> list[str]:
        """The addresses outside of this machine that it tried to connect to."""
        return self._watch.read_text().splitlines() if self._watch.is_file() else []

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def app(withholding: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """`redheart demo` with the checkpoint that withholds."""
    pytest.importorskip("gradio", reason="needs Gradio: pip install 'redheart[demo]'")
    command = [*REDHEART, "demo", "--model", str(withholding), "--port", "PORT"]
    folder = tmp_path_factory.mktemp("app")
    running = App(command, folder, folder / "log", PYTHONPATH=str(SOURCE))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def start_app() -> type[App]:
    """Starts an app."""
    return App


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; see `browser.py`."""
    pytest.importorskip("websocket", reason="needs websocket-client, of redheart[dev]")
    specification = importlib.util.spec_from_file_location("demo_browser", Path(__file__).with_name("browser.py"))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    if module.CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with module.Browser() as opened:
        yield opened
