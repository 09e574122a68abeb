"""Checkpoints of earlier versions: what they hold reads as it did, what has gone is listed in one warning.

The folders in ``tests/checkpoints`` have the names of the commits that wrote them, by `tests/checkpoints/write.py`.
"""

import copy
import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub.errors import StrictDataclassClassValidationError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, pipeline
from transformers.utils import logging as transformers_logging

from redheart import RedHeartConfig, RedHeartForSequenceClassification, RedHeartModel
from redheart.modeling_redheart.pipeline_redheart import named_tensors
from redheart.storage.strict_loading import load_strict

FOLDERS = Path(__file__).resolve().parents[1] / "checkpoints"
FIRST, SECOND = "10ae7fb", "73b16c4"
TOLERANCE = 1e-6
# What an output of the first is called now; None where it has gone.
NAMES: dict[str, str | None] = {
    "bentham.utility": None,
    "counterfactual.utility": "counterfactual.utility_logits",
    "verdict.action": "verdict.acceptability_logits",
}
# The rated parts of the first, by their place in today's `labels.RATED`; what stands at the others was about else.
RATED_BEFORE = [0, 1, 2, 3, 4, 5, 7, None, None, 9, 10, None, 12]
# Parts of a reading that are made of the outputs by the same rules as then.
SAME_RULES = ("emotion.labels", "emotion.affect", "bentham", "regret", "perspectives", "verdict.probabilities")
WORDS = (
    "bentham.utility was removed",
    "verdict.action is `verdict.acceptability_logits`",
    "the perspective 'community' was removed",
    "`verdict_offsets` is left out",
    "action -> acceptability",
    "counterfactual.utility -> utility.better, utility.actual, utility.worse",
    "perspectives.community",
)


@pytest.fixture(autouse=True)
def _each_warning_again() -> None:
    transformers_logging.warning_once.cache_clear()


def read(folder: Path, model: RedHeartModel, depth: str) -> dict[str, Tensor]:
    """What ``model`` makes of the recorded texts in float64, in which processors agree, by dotted name."""
    texts = recorded(folder.name)["texts"]
    batch = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return named_tensors(copy.deepcopy(model).double()(**batch, depth=depth))


def recorded(name: str) -> dict[str, Any]:
    """What the code of the commit ``name`` made of the texts."""
    found: dict[str, Any] = json.loads((FOLDERS / name / "outputs.json").read_text(encoding="utf-8"))
    return found


def assert_as_before(name: str, model: RedHeartModel) -> None:
    """Every output that is still there is equal, at both depths."""
    for depth in ("full", "fast"):
        found, expected = read(FOLDERS / name, model, depth), recorded(name)[depth]
        for before, values in expected.items():
            now = NAMES.get(before, before) if name == FIRST else before
            if now is None:
                continue
            value, was = found[now].double(), torch.tensor(values, dtype=torch.float64)
            if name == FIRST and now == "perspectives.verdict_logits":
                was = was[:, :2]
            if name == FIRST and now == "expected_loss":
                kept = [place for place, column in enumerate(RATED_BEFORE) if column is not None]
                value, was = value[:, kept], was[:, [column for column in RATED_BEFORE if column is not None]]
            assert value.shape == was.shape, now
            assert (value - was).abs().max() < TOLERANCE, f"{depth}: {now}"


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize("load", [load_strict, RedHeartModel.from_pretrained, AutoModel.from_pretrained])
def test_an_earlier_checkpoint_gives_the_same_outputs(name: str, load: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        model = load(FOLDERS / name)
    assert_as_before(name, model)
    messages = warnings(caplog)
    assert len(messages) == (1 if name == FIRST else 0), messages
    if name == FIRST:
        assert all(words in messages[0] for words in WORDS), messages[0]


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_a_saved_copy_has_the_current_format(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_strict(FOLDERS / name).save_pretrained(tmp_path / "copy")
    transformers_logging.warning_once.cache_clear()
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        copy: Any = load_strict(tmp_path / "copy")
    assert warnings(caplog) == []
    assert_as_before(name, copy)


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """The numbers and words of a reading by dotted path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        return {path: value}
    return {key: leaf for name, item in items for key, leaf in leaves(item, f"{path}.{name}".strip(".")).items()}


@pytest.mark.parametrize("name", [FIRST, SECOND])
def test_the_pipeline_gives_the_same_readings(name: str) -> None:
    expected = recorded(name)
    readings = pipeline("ethical-analysis", model=str(FOLDERS / name), device="cpu")(expected["texts"])
    for reading, was in zip(readings, expected["readings"], strict=True):
        found, before = leaves(reading), leaves(was)
        same = {path: value for path, value in before.items() if path.startswith(SAME_RULES) and path in found}
        assert {path.split(".")[0] for path in same} == {path.split(".")[0] for path in SAME_RULES}
        for path, value in same.items():
            if isinstance(value, float):
                assert found[path] == pytest.approx(value, abs=TOLERANCE), path
            else:
                assert found[path] == value, path


def test_nothing_else_is_dropped(tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((FOLDERS / FIRST / name).read_bytes())
    file, about = tmp_path / "model.safetensors", {"format": "pt"}
    weights = load_file(file)
    save_file({**weights, "bentham_head.utilty.weight": torch.zeros(2)}, file, about)
    with pytest.raises(ValueError, match=r"1 unexpected: bentham_head\.utilty\.weight"):
        load_strict(tmp_path)
    weights.pop("bridge.coordination.action_readout.out.weight")
    save_file(weights, file, about)
    with pytest.raises(ValueError, match=r"2 missing: bridge\.coordination\.acceptability_readout\.out\.bias"):
        load_strict(tmp_path)


def test_a_classifier_of_an_earlier_version_loads(tmp_path: Path) -> None:
    """Its weights have the prefix ``model.``."""
    weights = {f"model.{name}": value for name, value in load_file(FOLDERS / FIRST / "model.safetensors").items()}
    weights |= {"classifier.weight": torch.ones(2, 8), "classifier.bias": torch.zeros(2)}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    config = json.loads((FOLDERS / FIRST / "config.json").read_text(encoding="utf-8"))
    config["architectures"] = ["RedHeartForSequenceClassification"]
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model: Any = load_strict(tmp_path)
    assert type(model) is RedHeartForSequenceClassification
    plain: Any = load_strict(FOLDERS / FIRST)
    for name, value in plain.state_dict().items():
        assert torch.equal(model.model.state_dict()[name], value), name


def test_a_quantised_one_is_refused(tmp_path: Path) -> None:
    config = json.loads((FOLDERS / FIRST / "config.json").read_text(encoding="utf-8"))
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ValueError, match="was quantised by an earlier version"):
        RedHeartModel.from_pretrained(tmp_path)


# ---- Checkpoints of a version to come ----


def test_what_a_newer_version_records_is_kept_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = json.loads((FOLDERS / SECOND / "config.json").read_text(encoding="utf-8"))
    options["supervision"]["guilt.shame"] = ["made-up"]
    options["withheld"].append("guilt.pride")
    options["loss_weights"]["guilt"] = 2.0
    options["a_newer_option"] = 3
    (tmp_path / "config.json").write_text(json.dumps(options), encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes((FOLDERS / SECOND / "model.safetensors").read_bytes())
    with caplog.at_level(logging.WARNING):
        model: Any = load_strict(tmp_path)
    messages = warnings(caplog)
    assert len(messages) == 1, messages
    for name in ("supervision: guilt.shame", "withheld: guilt.pride", "loss_weights: guilt", "a_newer_option"):
        assert name in messages[0]
    assert_as_before(SECOND, model)
    model.save_pretrained(tmp_path / "copy")
    saved = json.loads((tmp_path / "copy" / "config.json").read_text(encoding="utf-8"))
    assert saved["supervision"]["guilt.shame"] == ["made-up"]
    assert saved["withheld"] == options["withheld"]
    assert (saved["loss_weights"]["guilt"], saved["a_newer_option"]) == (2.0, 3)
    assert "_unknown" not in saved


def test_the_config_of_a_newer_component_is_kept() -> None:
    options = RedHeartConfig().to_dict()
    options["components"]["guilt_reasoner"] = {"layers": 1}
    config = RedHeartConfig.from_dict(options)
    assert config.to_dict()["components"]["guilt_reasoner"] == {"layers": 1}
    assert "guilt_reasoner" not in config.modules
    options.pop("model_type")
    options.pop("transformers_version")
    with pytest.raises(StrictDataclassClassValidationError, match="Unknown component: 'guilt_reasoner'"):
        RedHeartConfig(**options)
