"""The command: from a checkpoint and rows to smaller checkpoints, a report and a curve."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from redheart import RedHeartModel
from redheart.compression.prune import run, summary, weighted_sample
from redheart.data.loading import DataError, Example
from redheart.storage.strict_loading import load_strict
from redheart.training.runs.recipe import DataRecipe, Source

WORDS = {"joy": "sunny laughing party", "sadness": "crying lonely grave", "anger": "shouting furious fist"}


def write_rows(path: Path, count: int, labelled: bool = True) -> Source:
    """Texts whose words give away an emotion and a verdict."""
    lines = []
    for number in range(count):
        emotion = list(WORDS)[number % 3]
        text = f"{WORDS[emotion].split()[number % 2]} in {path.stem} number {number}"
        labels = {"emotion": [emotion], "verdict": "author" if emotion == "anger" else "nobody"}
        lines.append({"text": text, **(labels if labelled else {"emotion": None})})
    path.write_text("\n".join(map(json.dumps, lines)))
    return Source(path=str(path))


@pytest.fixture
def prune_to(tmp_path: Path, checkpoint: Path) -> Callable[..., dict[str, Any]]:
    """Runs the command on the tiny checkpoint; options can be given."""
    train, validation = write_rows(tmp_path / "train.jsonl", 24), write_rows(tmp_path / "validation.jsonl", 9)
    training = {"use_cpu": True, "disable_tqdm": True, "longest_text": 32, "per_device_train_batch_size": 8}

    def prune_to(*targets: str, output: str = "pruned", **options: Any) -> dict[str, Any]:
        defaults: dict[str, Any] = {"data": DataRecipe([train], [validation]), "rounds": 1, "training": training}
        return run(str(checkpoint), targets, output=tmp_path / output, **{**defaults, **options})

    return prune_to


def test_two_targets_from_one_checkpoint(
    prune_to: Callable[..., dict[str, Any]], tmp_path: Path, checkpoint: Path
) -> None:
    original = load_strict(checkpoint)
    few = round(0.9 * original.num_parameters())
    report = prune_to("0.95", str(few), epochs=3, learning_rate=3e-3)
    assert report["parameters"] == original.num_parameters()
    for entry, most in zip(report["targets"], (0.95 * report["parameters"], few), strict=True):
        folder = tmp_path / "pruned" / entry["target"]
        model = load_strict(folder, RedHeartModel)
        assert model.num_parameters() == entry["parameters"] <= most
        assert model.config.supervision == original.config.supervision
        assert AutoTokenizer.from_pretrained(folder)("a text")["input_ids"]
        assert entry["recovered"]["supervised"] < entry["pruned"]["supervised"]
        assert entry["components"]["total"] == [report["parameters"], entry["parameters"]]
        assert all(before > after for before, after in entry["sizes"].values())
    assert json.loads((tmp_path / "pruned" / "pruning.json").read_text()) == report
    assert (tmp_path / "pruned" / "pruning.png").read_bytes().startswith(b"\x89PNG")
    text = summary(report)
    assert f"{report['targets'][1]['parameters']:,}" in text
    assert "emotion analyzer" in text


def test_what_the_recovery_made_worse_is_put_back(prune_to: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    prune_to("0.95", epochs=0)
    for share in (0.0, 0.6):
        report = prune_to("0.95", output=f"spoilt {share}", epochs=1, learning_rate=0.5, share=share)
        entry = report["targets"][0]
        assert not entry["recovered"]["supervised"] < entry["pruned"]["supervised"]
        assert entry["kept"] == "pruned"
        first, second = (
            load_file(tmp_path / name / "0.95" / "model.safetensors") for name in ("pruned", f"spoilt {share}")
        )
        assert all((value == second[name]).all() for name, value in first.items())


def test_the_original_teaches_what_the_rows_say_nothing_about(
    prune_to: Callable[..., dict[str, Any]], tmp_path: Path, checkpoint: Path
) -> None:
    batch = AutoTokenizer.from_pretrained(checkpoint)(
        ["He kept his word.", "She lied."], padding=True, return_tensors="pt"
    )
    apart = {}
    for name, share in (("taught", 0.9), ("alone", 0.0)):
        prune_to("0.9", output=name, epochs=6, learning_rate=3e-3, share=share)
        with torch.no_grad():  # the rows have emotions and verdicts
            one, other = (load_strict(place)(**batch).regret.logits for place in (checkpoint, tmp_path / name / "0.9"))
        apart[name] = float((one - other).abs().mean())
    assert apart["taught"] < apart["alone"]


def test_validation_rows_only_judge(prune_to: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    other = DataRecipe([Source(path=str(tmp_path / "train.jsonl"))], [write_rows(tmp_path / "others.jsonl", 6)])
    reports = [prune_to("0.95", epochs=0), prune_to("0.95", output="second", data=other, epochs=0)]
    first, second = (load_file(tmp_path / name / "0.95" / "model.safetensors") for name in ("pruned", "second"))
    assert all((value == second[name]).all() for name, value in first.items())
    assert [report["targets"][0]["recovered"] for report in reports] == [None, None]
    assert reports[0]["targets"][0]["pruned"] != reports[1]["targets"][0]["pruned"]


def test_impossible_runs_are_refused_before_anything_is_measured(
    prune_to: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="is the least"):
        prune_to("0.95", "1000")
    with pytest.raises(ValueError, match="not above the target"):
        prune_to("200m")
    with pytest.raises(ValueError, match="unknown unit"):
        prune_to("20mb")
    unlabelled = DataRecipe(
        [Source(path=str(tmp_path / "train.jsonl"))], [write_rows(tmp_path / "bare.jsonl", 6, labelled=False)]
    )
    with pytest.raises(DataError, match="to judge a pruned model by"):
        prune_to("0.95", data=unlabelled)
    assert not (tmp_path / "pruned").exists()
    (tmp_path / "pruned" / "0.95").mkdir(parents=True)
    with pytest.raises(FileExistsError, match="name another output"):
        prune_to("0.95")


def test_units_are_drawn_by_the_weight_of_their_source() -> None:
    units = [(Example("a text", source),) for source in ("often", "seldom") for _ in range(500)]
    drawn = weighted_sample(units, {"often": 9.0, "seldom": 1.0}, 100, seed=1)
    assert len(drawn) == 100
    assert 80 < sum(unit[0].source == "often" for unit in drawn) < 98
    assert [id(unit) for unit in drawn] == [
        id(unit) for unit in weighted_sample(units, {"often": 9.0, "seldom": 1.0}, 100, seed=1)
    ]
    assert len(weighted_sample(units, {"often": 1.0, "seldom": 1.0}, 5000, seed=0)) == np.size(units, 0)
