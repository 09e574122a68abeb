"""Names of checkpoints that ship, in Python: found without a network by every road, and a folder of that name wins.

Other doors of the same kind: the base of an adapter, and a tokenizer that is named alone.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline
from transformers.utils import hub

import redheart
from redheart import RedHeartConfig, RedHeartModel
from redheart.names import forget_names, install_names

ROADS: dict[str, Any] = {
    "AutoConfig": AutoConfig.from_pretrained,
    "RedHeartConfig": RedHeartConfig.from_pretrained,
    "AutoTokenizer": AutoTokenizer.from_pretrained,
    "AutoModel": AutoModel.from_pretrained,
    "RedHeartModel": RedHeartModel.from_pretrained,
    "AutoModelForSequenceClassification": AutoModelForSequenceClassification.from_pretrained,
    "pipeline": lambda name: pipeline("ethical-analysis", model=name),  # type: ignore[call-overload]
}


@pytest.fixture
def shipped(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that ships one very small checkpoint, as redheart-100m; its folder."""
    monkeypatch.setattr("redheart.names.checkpoint_path", lambda name: _place(name, checkpoint))
    return checkpoint


def _place(name: str, checkpoint: Path) -> str:
    from redheart.storage.strict_loading import checkpoint_path

    return str(checkpoint) if name == "redheart-100m" else checkpoint_path(name)


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Online, as far as transformers knows; the hosts that are looked up, none of which answers."""
    hosts: list[str] = []

    def look_up(host: str, *_: Any, **__: Any) -> None:
        hosts.append(host)
        raise OSError("There is no network in a test.")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return hosts


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    install_names()
    yield
    install_names()


@pytest.mark.parametrize("road", ROADS)
def test_every_road_finds_a_checkpoint_that_ships(road: str, shipped: Path, asked: list[str]) -> None:
    found = ROADS[road]("redheart-100m")
    if road in ("AutoModel", "RedHeartModel"):
        assert found.config.supervision == RedHeartConfig.from_pretrained(shipped).supervision
        assert found.config.name_or_path == "redheart-100m"
    assert asked == []


def test_the_task_need_not_be_named(shipped: Path, asked: list[str]) -> None:
    make: Any = pipeline
    assert "verdict" in make(model="redheart-100m")("I lied.")
    assert asked == []


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("redheart-mini", "'redheart-mini' has no trained weights installed .* `redheart create redheart-mini`"),
        ("redheart-730m", "'redheart-730m' has no trained weights installed"),
        ("redheart-mni", "no checkpoint 'redheart-mni'; did you mean 'redheart-mini'"),
        ("redheart-100", "no checkpoint 'redheart-100'; did you mean 'redheart-100m'"),
    ],
)
def test_a_name_without_weights_says_so_at_once(road: str, name: str, message: str, asked: list[str]) -> None:
    with pytest.raises(OSError, match=message):
        ROADS[road](name)
    assert asked == []


def test_a_folder_of_that_name_wins(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    for name in ("redheart-100m", "redheart-mini"):
        RedHeartModel(RedHeartConfig.from_preset("redheart-tiny", num_segments=3)).save_pretrained(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for name in ("redheart-100m", "redheart-mini"):
        assert AutoConfig.from_pretrained(name).num_segments == 3
        assert AutoModel.from_pretrained(name).config.num_segments == 3
    assert asked == []


@pytest.mark.parametrize("name", ["someone/redheart-100m", "bert-base-uncased", "redheart"])
def test_other_names_go_where_they_went(name: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(hub, "hf_hub_download", lambda place, *_, **__: seen.append(place))
    with pytest.raises(ValueError, match=f"Unrecognized model in {name}"):
        AutoConfig.from_pretrained(name)
    assert set(seen) == {name}


def test_the_hook_can_be_taken_out() -> None:
    before = hub.cached_files
    redheart.forget_names()
    assert hub.cached_files is not before
    assert hub.cached_files.__module__ == "transformers.utils.hub"
    forget_names()  # a second time does nothing
    install_names()
    installed = hub.cached_files
    install_names()
    assert hub.cached_files is installed
