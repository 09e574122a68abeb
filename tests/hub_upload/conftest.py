"""What the tests of checkpoints share: no network, and one small checkpoint that no test changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from redheart.storage.create import create_checkpoint

from ..evaluation.conftest import evaluation as evaluation
from .hub_server import Hub, connect, running_hub


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read once, on import


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = "redheart-tiny"
    return create_checkpoint(name, tmp_path_factory.mktemp("created") / name)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on loopback that this process talks to, with a token that may write."""
    with running_hub() as hub:
        connect(hub, tmp_path / "home", monkeypatch)
        yield hub
