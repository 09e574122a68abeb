"""The folder of a run: what was trained there stays, unless somebody says otherwise."""

import json
from pathlib import Path

import pytest

from redheart.storage.output_folder import claim_output, discard_other


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"global_step": 1}))
    return folder


@pytest.mark.parametrize("what", ["model", "adapter"])
def test_a_trained_folder_is_not_trained_over(tmp_path: Path, what: str) -> None:
    """By `train`, `distill`, pre-training, the examples and the recipes of the checkpoints; `prune`, `quantize`,
    `export` and `create` make new folders only."""
    folder = made(tmp_path / "run", f"{what}/config.json")
    with pytest.raises(
        ValueError, match=f"holds a trained {what}: name another `output`, or replace it with --overwrite"
    ):
        claim_output(folder)
    claim_output(folder, resume=True)
    claim_output(folder, overwrite=True)
    assert (folder / what / "config.json").is_file()  # until there is a new one


def test_a_run_is_continued_or_replaced(tmp_path: Path) -> None:
    folder = made(tmp_path / "run", "checkpoint-2/trainer_state.json", "checkpoint-4/model.safetensors")
    with pytest.raises(
        ValueError, match="checkpoints of a run: continue it with --resume, name another `output`, or replace"
    ):
        claim_output(folder)
    claim_output(folder, resume=True)
    with pytest.raises(ValueError, match="Either continue a run"):
        claim_output(folder, resume=True, overwrite=True)


def test_only_what_a_run_wrote_is_removed(tmp_path: Path) -> None:
    run = ("checkpoint-2/trainer_state.json", "crossover/candidates.json", "sweet_spot/a", "report.json", "losses.png",
           "crossover_report.json", "lr_sweep.json")  # fmt: skip
    folder = made(tmp_path / "run", *run, "model/config.json", "notes.txt", "figures/mine.png", "mine.png")
    claim_output(folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["figures", "mine.png", "model", "notes.txt"]
    made(folder, "adapter/adapter_config.json")
    discard_other(folder, {"adapter"})
    assert not (folder / "model").exists()
    assert (folder / "adapter").exists()


@pytest.mark.parametrize("name", ["notes.txt", "notes.txt/run"])
def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path, name: str) -> None:
    made(tmp_path, "notes.txt")
    with pytest.raises(ValueError, match=r"notes.txt is a file. Name another `output`"):
        claim_output(tmp_path / name)


def test_an_empty_or_missing_folder_is_free(tmp_path: Path) -> None:
    claim_output(tmp_path)
    claim_output(tmp_path / "none")
    made(tmp_path, "notes.txt")
    claim_output(tmp_path)
