"""What the tests of checkpoints share: no network, and one small checkpoint that no test changes."""

from pathlib import Path

import pytest

from redheart.hub_upload.create import create_checkpoint


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read once, on import


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    name = "redheart-tiny"
    return create_checkpoint(name, tmp_path_factory.mktemp("created") / name)
